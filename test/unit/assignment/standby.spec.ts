import { describe, expect, it } from '@jest/globals';
import type { AssignmentStrategy } from '../../../lib/core/assignment/assignment-strategy.js';
import { placeUnits } from '../../../lib/core/assignment/standby.js';
import { consistentHash } from '../../../lib/core/assignment/strategies/consistent-hash.js';
import { hashSlot } from '../../../lib/core/assignment/strategies/hash-slot.js';
import { standbysIn } from './standbys-in.js';

const nodes = (count: number) => Array.from({ length: count }, (_, i) => ({ nodeId: `node-${i}`, weight: 1 }));
const units = (count: number) => Array.from({ length: count }, (_, i) => `task-${i}`);

/** Deals the sorted units round: each unit's node depends on the others. */
const dealt: AssignmentStrategy = {
  name: 'dealt',
  independent: false,
  assign: (given, candidates) => {
    const ids = candidates.map(({ nodeId }) => nodeId).sort();
    return new Map(ids.length ? [...given].sort().map((unit, i) => [unit, ids[i % ids.length]!]) : []);
  },
};

describe('placement', () => {
  it('has no standby where there is nobody else', () => {
    const alone = placeUnits(consistentHash, units(5), nodes(1));
    expect([...alone.owner.values()]).toEqual(Array(5).fill('node-0'));
    expect(alone.standby('node-0')).toEqual([]);
    const nobody = placeUnits(consistentHash, units(5), []);
    expect([nobody.owner.size, nobody.standby('node-0')]).toEqual([0, []]);
  });

  it('lets a node without weight stand by where it alone is left', () => {
    const placement = placeUnits(consistentHash, units(5), [...nodes(1), { nodeId: 'spare', weight: 0 }]);
    expect([...placement.owner.values()]).not.toContain('spare');
    expect(placement.standby('spare')).toHaveLength(5);
  });

  it('finds standbys of strategies that have no short cut, dependent or not', () => {
    for (const strategy of [dealt, hashSlot]) {
      const placement = placeUnits(strategy, units(40), nodes(4));
      const standbyOf = standbysIn(placement, nodes(4));
      for (const unit of units(40)) {
        const others = nodes(4).filter(({ nodeId }) => nodeId !== placement.owner.get(unit));
        expect(standbyOf.get(unit)).toBe(strategy.assign(units(40), others).get(unit));
      }
    }
  });

  it('asks the strategy for standbys only when somebody wants to know', () => {
    let asked = 0;
    const counted: AssignmentStrategy = { ...dealt, assign: (...given) => (asked++, dealt.assign(...given)) };
    const placement = placeUnits(counted, units(9), nodes(3));
    expect(asked).toBe(1);
    placement.standby('node-1');
    expect(asked).toBe(3); // once more without each of the two others
  });
});
