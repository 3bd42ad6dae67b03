import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AssignmentStrategy, Candidate } from '../../../lib/core/assignment/assignment-strategy.js';
import { sharesOf } from './shares.js';

export interface StrategyClaims {
  /** With 10,000 units the busiest of 3 and of 5 equal nodes has at most so many times the mean, over many names of nodes. */
  balance: number;
  /** How far, as a part of it, a node's load may be from its share by weight. @default 0.25 */
  weightError?: number;
  /**
   * When a node comes or goes, at most so many times its share of 10,000 units move. `'minimal'`: only units that it gains
   * or loses. Absent: nothing is claimed.
   */
  movement?: number | 'minimal';
  /** Without their owner so many of the units, as a part of all, go to their standby. @default 1 */
  standby?: number;
}

const name = fc.stringMatching(/^[a-z0-9#:_-]{1,12}$/);
const units = fc.uniqueArray(fc.oneof(name, fc.string({ maxLength: 6 })), { maxLength: 60 });
const weight = fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 8 }), fc.constantFrom(0, 0.01, 0.5, 100, 4096));
const nodes = (minLength: number): fc.Arbitrary<Candidate[]> =>
  fc.uniqueArray(fc.record({ nodeId: fc.oneof(name, fc.uuid()), weight }), {
    selector: ({ nodeId }) => nodeId,
    minLength,
    maxLength: 8,
  });
const equalNodes = (count: number, of = 'node'): Candidate[] =>
  Array.from({ length: count }, (_, i) => ({ nodeId: `${of}-${i}`, weight: 1 }));
const manyUnits = (count: number, of = 'task'): string[] => Array.from({ length: count }, (_, i) => `${of}-${i}`);

function shuffled<T>(values: readonly T[], by: number): T[] {
  return values
    .map((value, i) => ({ value, key: Math.imul(i + 1, by | 1) >>> 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

function loads(owner: ReadonlyMap<string, string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const nodeId of owner.values()) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  return counts;
}

/** What every strategy must do, and what this one says it does. */
export function describeStrategy(strategy: AssignmentStrategy, claims: StrategyClaims): void {
  const assign = strategy.assign.bind(strategy);

  describe(`strategy ${strategy.name}`, () => {
    it('gives every unit to one of the candidates, and none without candidates', () => {
      fc.assert(
        fc.property(units, nodes(1), (given, candidates) => {
          const owner = assign(given, candidates);
          expect([...owner.keys()].sort()).toEqual([...given].sort());
          for (const nodeId of owner.values())
            expect(candidates.some((candidate) => candidate.nodeId === nodeId)).toBe(true);
          expect(assign(given, [])).toEqual(new Map());
        }),
      );
      expect(assign([], equalNodes(3))).toEqual(new Map());
    });

    it('answers the same again, in whatever order it is asked', () => {
      fc.assert(
        fc.property(units, nodes(0), fc.integer(), (given, candidates, seed) => {
          const owner = assign(given, candidates);
          const again = assign(shuffled(given, seed), shuffled(candidates, seed >>> 7));
          expect(again).toEqual(owner);
        }),
      );
    });

    it('leaves what it is given as it is', () => {
      const [given, candidates] = [
        Object.freeze(manyUnits(50)),
        Object.freeze(equalNodes(3).map((node) => Object.freeze(node))),
      ];
      expect(assign(given, candidates).size).toBe(50);
    });

    it('survives weights that are no numbers', () => {
      for (const odd of [Number.NaN, Infinity, -1, undefined as unknown as number]) {
        expect(assign(['a'], [{ nodeId: 'n', weight: odd }])).toEqual(new Map([['a', 'n']]));
        expect(assign(manyUnits(100), [{ nodeId: 'n', weight: odd }, ...equalNodes(1)]).size).toBe(100);
      }
    });

    it('gives nothing to a node of weight 0, unless all have 0', () => {
      const candidates = [...equalNodes(3), { nodeId: 'spare', weight: 0 }];
      expect([...assign(manyUnits(2_000), candidates).values()]).not.toContain('spare');
      expect(
        loads(
          assign(
            manyUnits(2_000),
            equalNodes(3).map(({ nodeId }) => ({ nodeId, weight: 0 })),
          ),
        ).size,
      ).toBe(3);
    });

    it.each([3, 5])(`keeps the busiest of %d nodes below ${claims.balance} times the mean`, (count) => {
      for (let sample = 0; sample < 8; sample++) {
        const counts = loads(assign(manyUnits(10_000, `t${sample}`), equalNodes(count, `n${sample}`)));
        expect(Math.max(...counts.values()) / (10_000 / count)).toBeLessThan(claims.balance);
      }
    });

    it.each([[[1, 2]], [[1, 1, 4]], [[4096, 8192, 8192]], [[0.1, 0.2, 0.3]]])('shares by weight: %j', (weights) => {
      const total = weights.reduce((sum, share) => sum + share, 0);
      for (let sample = 0; sample < 4; sample++) {
        const candidates = weights.map((share, i) => ({ nodeId: `n${sample}-${i}`, weight: share }));
        const counts = loads(assign(manyUnits(10_000), candidates));
        for (const { nodeId, weight: share } of candidates) {
          const error = (counts.get(nodeId) ?? 0) / ((10_000 * share) / total) - 1;
          expect(Math.abs(error)).toBeLessThan(claims.weightError ?? 0.25);
        }
      }
    });

    const { movement, standby = 1 } = claims;
    if (movement !== undefined) {
      const most = movement === 'minimal' ? claims.balance : movement;
      it.each([3, 4, 9])(
        `moves at most ${most} times the share of a node that comes to %d others, or goes`,
        (count) => {
          const given = manyUnits(10_000);
          const [few, many] = [assign(given, equalNodes(count)), assign(given, equalNodes(count + 1))];
          const moved = given.filter((unit) => few.get(unit) !== many.get(unit)).length;
          expect(moved / (10_000 / (count + 1))).toBeLessThan(most);
          expect(moved / (10_000 / (count + 1))).toBeGreaterThan(2 - most);
        },
      );
    }

    if (movement === 'minimal') {
      it('moves only what a node gains or loses', () => {
        const share = fc.constantFrom(0.25, 0.5, 1, 1.5, 1.9);
        const joiners = fc.uniqueArray(fc.record({ nodeId: name, weight: share }), {
          selector: ({ nodeId }) => nodeId,
          minLength: 2,
          maxLength: 8,
        });
        fc.assert(
          fc.property(units, joiners, (given, [joining, ...others]) => {
            const there = [...others, { nodeId: 'always there', weight: 1 }];
            const [before, after] = [assign(given, there), assign(given, [...there, joining!])];
            for (const unit of given) {
              if (after.get(unit) !== before.get(unit)) expect(after.get(unit)).toBe(joining!.nodeId);
            }
          }),
        );
      });
    }

    it('gives each node its share, and every unit one standby where there is another node', () => {
      fc.assert(
        fc.property(units, nodes(0), (given, candidates) => {
          const { owners, standbys } = sharesOf(strategy, given, candidates);
          expect(owners).toEqual(assign(given, candidates));
          for (const unit of given) {
            const owner = owners.get(unit);
            const others = candidates.filter(({ nodeId }) => nodeId !== owner);
            const named = standbys.get(unit);
            expect(others.some(({ nodeId }) => nodeId === named)).toBe(others.length > 0);
            if (standby === 1) expect(named).toBe(assign(given, others).get(unit));
          }
        }),
      );
    });

    it.each([2, 3, 8])(
      `names of %d nodes whom it would name without the owner, for ${standby} of the units`,
      (count) => {
        const [given, candidates] = [manyUnits(5_000), equalNodes(count)];
        const { owners, standbys } = sharesOf(strategy, given, candidates);
        const kept = candidates.flatMap(({ nodeId }) => {
          const without = assign(
            given,
            candidates.filter((other) => other.nodeId !== nodeId),
          );
          return given.filter((unit) => owners.get(unit) === nodeId && standbys.get(unit) === without.get(unit));
        });
        expect(kept.length / given.length).toBeGreaterThanOrEqual(standby);
      },
    );

    if (strategy.independent) {
      it('places a unit the same whatever other units there are', () => {
        fc.assert(
          fc.property(units, units, nodes(1), (some, more, candidates) => {
            const [few, all] = [assign(some, candidates), assign([...new Set([...some, ...more])], candidates)];
            for (const unit of some) expect(all.get(unit)).toBe(few.get(unit));
          }),
        );
      });
    }
  });
}
