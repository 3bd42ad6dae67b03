import { describe, expect, it } from '@jest/globals';
import { hash32 } from '../../../lib/core/common/hash.js';
import type { AssignmentStrategy } from '../../../lib/core/assignment/assignment-strategy.js';
import {
  DEFAULT_STRATEGY,
  resolveStrategy,
  STRATEGIES,
  type StrategyName,
} from '../../../lib/core/assignment/strategy-table.js';

describe('the table of strategies', () => {
  it('knows each by its own name', () => {
    for (const [name, strategy] of Object.entries(STRATEGIES)) {
      expect(strategy.name).toBe(name);
      expect(resolveStrategy(name as StrategyName)).toBe(strategy);
    }
    expect(Object.keys(STRATEGIES)).toContain(DEFAULT_STRATEGY);
  });

  it('takes one of your own', () => {
    const own: AssignmentStrategy = {
      name: 'by-hash',
      independent: true,
      assign: (units, candidates) =>
        new Map(
          candidates.length ? units.map((unit) => [unit, candidates[hash32(unit) % candidates.length]!.nodeId]) : [],
        ),
    };
    expect(resolveStrategy(own)).toBe(own);
  });

  it.each<[unknown, RegExp]>([
    ['consistant-hash', /"consistant-hash" is not known; did you mean 'consistent-hash'\? Known are consistent-hash/],
    ['toString', /"toString" is not known\. Known are/],
    ['', /is not known/],
    [undefined, /give one of consistent-hash/],
    [null, /give one of/],
    [{ name: 'x' }, /with name, independent and assign/],
    [{ name: '', independent: true, assign: () => new Map() }, /with name/],
  ])('refuses %j', (given, says) => {
    expect(() => resolveStrategy(given as StrategyName)).toThrow(says);
    expect(() => resolveStrategy(given as StrategyName)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});
