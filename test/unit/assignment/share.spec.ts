import { describe, expect, it } from '@jest/globals';
import type { AssignmentStrategy } from '../../../lib/core/assignment/assignment-strategy.js';
import { shareOf } from '../../../lib/core/assignment/share.js';
import { consistentHash } from '../../../lib/core/assignment/strategies/consistent-hash.js';
import { hashSlot } from '../../../lib/core/assignment/strategies/hash-slot.js';
import { sharesOf } from './shares.js';

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

describe("a node's share", () => {
  it('stands by for nothing where there is nobody else', () => {
    expect(shareOf('node-0', units(5), nodes(1), consistentHash)).toEqual({ owned: units(5), standby: [] });
    expect(shareOf('node-0', units(5), [], consistentHash)).toEqual({ owned: [], standby: [] });
  });

  it('is that of a spare one where the node has no weight and one other is there', () => {
    const candidates = [...nodes(1), { nodeId: 'spare', weight: 0 }];
    expect(shareOf('spare', units(5), candidates, consistentHash)).toEqual({ owned: [], standby: units(5) });
  });

  it('is found for strategies that have no short cut, dependent or not', () => {
    for (const strategy of [dealt, hashSlot]) {
      const { owners, standbys } = sharesOf(strategy, units(40), nodes(4));
      expect(owners).toEqual(strategy.assign(units(40), nodes(4)));
      for (const unit of units(40)) {
        const others = nodes(4).filter(({ nodeId }) => nodeId !== owners.get(unit));
        expect(standbys.get(unit)).toBe(strategy.assign(units(40), others).get(unit));
      }
    }
  });
});
