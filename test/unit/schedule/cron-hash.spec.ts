import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DistributedScheduleError } from '../../../lib/core/common/errors.js';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { parseFields } from '../../../lib/core/schedule/cron/cron-fields.js';
import { hasHash, resolveHashes } from '../../../lib/core/schedule/cron/cron-hash.js';
import { cronProblems } from '../../../lib/core/schedule/cron/cron-problems.js';

/** These never change: a stored schedule and the next start of every application depend on them. */
const FOR_EVER: [expression: string, seed: string, resolved: string][] = [
  ['H * * * *', 'billing', '51 * * * *'],
  ['H H * * *', 'billing', '51 1 * * *'],
  ['H H * * *', 'report', '0 0 * * *'],
  ['H H * * *', 'eu/nightly-export', '12 10 * * *'],
  ['H H * * *', 'Übergabe', '16 8 * * *'],
  ['H H H H H H', 'billing', '36 51 1 2 8 5'],
  ['0 H H * * *', 'billing', '0 51 1 * * *'],
  ['H/15 * * * *', 'billing', '12,27,42,57 * * * *'],
  ['H/5 * * * *', 'billing', '4-59/5 * * * *'],
  ['H/7 * * * *', 'billing', '5-54/7 * * * *'],
  ['H/31 * * * *', 'billing', '26,57 * * * *'],
  ['H(0-29) * * * *', 'billing', '25 * * * *'],
  ['H(0-29)/10 * * * *', 'billing', '8,18,28 * * * *'],
  ['H H(0-7) * * *', 'billing', '51 0 * * *'],
  ['H H * * H(mon-fri)', 'billing', '51 1 * * 4'],
  ['H H * H(jan-mar) *', 'billing', '51 1 * 2 *'],
  ['H H H(1-31) * *', 'billing', '51 1 2 * *'],
  ['H,H * * * *', 'billing', '0,51 * * * *'],
  ['H(0-29),H(30-59) * * * *', 'billing', '25,30 * * * *'],
  ['H,30 9 * * mon', 'billing', '30,51 9 * * mon'],
  ['0 9 H,L * *', 'billing', '0 9 2,L * *'],
  ['0 9 H,15W,LW * *', 'billing', '0 9 2,15W,LW * *'],
  ['0 0 * H,JUL WED,H', 'billing', '0 0 * 7,8 3'],
  ['H/2,0 * * * *', 'billing', '0,1-59/2 * * * *'],
  ['*/10,H * * * *', 'billing', '0,10,20,30,40,50 * * * *'],
  ['0 9 * * 5-7,H', 'billing', '0 9 * * 0,3,5,6'],
  ['0 9 * * 5L,H', 'billing', '0 9 * * 3,5L'],
];

const FIELDS = ['seconds', 'minutes', 'hours', 'days', 'months', 'weekdays'] as const;
const RANGES = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;

/** The numbers of one field of an expression. */
function numbersIn(expression: string, field: number): number[] {
  const value = parseFields(expression)[FIELDS[field]!];
  if (typeof value !== 'number') return [...value].sort((a, b) => a - b);
  return Array.from({ length: 31 }, (_, i) => i + 1).filter((day) => value & (1 << (day - 1)));
}

/** How far counts are from equal: about as much as there are cells when chance alone moved them. */
function chiSquare(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}

/** Beyond six standard deviations: not once in a hundred million fair draws. */
const unlikely = (cells: number): number => cells - 1 + 6 * Math.sqrt(2 * (cells - 1));

function tally(cells: number, values: Iterable<number>): number[] {
  const counts = Array.from({ length: cells }, () => 0);
  for (const value of values) counts[value]!++;
  return counts;
}

/** An item with an H for any field, and the range it draws from. */
const anyHash = fc.integer({ min: 0, max: 5 }).chain((field) => {
  const [min, max] = RANGES[field]!;
  const bare = { from: min, to: field === 3 ? 28 : max, text: 'H' };
  const range = fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    return { from, to, text: `H(${from}-${to})` };
  });
  return fc
    .tuple(fc.oneof(fc.constant(bare), range), fc.option(fc.integer({ min: 2, max: 31 }), { nil: undefined }))
    .map(([{ from, to, text }, wanted]) => {
      const step = wanted === undefined || wanted > to - from + 1 ? undefined : wanted;
      return { field, from, to, step, item: step === undefined ? text : `${text}/${step}` };
    });
});

const place = (item: string, field: number): string =>
  Array.from({ length: 6 }, (_, i) => (i === field ? item : '*')).join(' ');

describe('H in cron', () => {
  it.each(FOR_EVER)('%s for %s is %s, for ever', (expression, seed, resolved) => {
    expect(cronProblems(expression)).toEqual([]);
    expect(resolveHashes(expression, seed)).toBe(resolved);
    expect(cronProblems(resolved)).toEqual([]);
    expect(cronSchedule(resolved, 'UTC').next(0)).toBeDefined();
  });

  it.each(['0 9 * * THU', '0 9  * mar thu', '@hourly', ' @HOURLY', '* * * * *', ''])('%j has none', (expression) => {
    expect(hasHash(expression)).toBe(false);
    expect(resolveHashes(expression, 'a')).toBe(expression);
  });

  it.each(['H * * * *', '* * * * thu,H', '0 0 * * H(thu-sat)'])('%j has one', (expression) => {
    expect(hasHash(expression)).toBe(true);
  });

  it('is no schedule before it has a number', () => {
    expect(() => cronSchedule('H 9 * * *', 'UTC')).toThrow(DistributedScheduleError);
    expect(() => cronSchedule('H 9 * * *', 'UTC')).toThrow(
      /^cron: "H 9 \* \* \*" has an H, which stands for a number that follows from a task's name/,
    );
  });

  it('draws from its range, in its steps, all of them', () => {
    fc.assert(
      fc.property(anyHash, fc.string(), ({ field, from, to, step, item }, seed) => {
        const expression = place(item, field);
        expect(cronProblems(expression)).toEqual([]);
        const resolved = resolveHashes(expression, seed);
        expect(hasHash(resolved)).toBe(false);
        expect(resolveHashes(expression, seed)).toBe(resolved);
        expect(resolved.length).toBeLessThanOrEqual(256);
        const numbers = numbersIn(resolved, field);
        const first = numbers[0]!;
        expect(first).toBeGreaterThanOrEqual(from);
        expect(numbers.at(-1)).toBeLessThanOrEqual(to);
        if (step === undefined) return expect(numbers).toHaveLength(1);
        expect(first).toBeLessThan(from + step);
        expect(numbers.at(-1)).toBeGreaterThan(to - step);
        expect(numbers).toEqual(numbers.map((_, i) => first + i * step));
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes 7 for the Sunday that 0 is', () => {
    const drawn = Array.from({ length: 50 }, (_, i) => resolveHashes('0 0 * * sun,H(6-7)', `task-${i}`));
    expect(new Set(drawn)).toEqual(new Set(['0 0 * * 0', '0 0 * * 0,6']));
  });

  it('joins a list without naming a number twice', () => {
    fc.assert(
      fc.property(fc.array(anyHash, { minLength: 1, maxLength: 4 }), fc.string(), (hashes, seed) => {
        const { field } = hashes[0]!;
        const items = hashes.filter((hash) => hash.field === field).map(({ item }) => item);
        const resolved = resolveHashes(place([...items, String(RANGES[field]![0])].join(','), field), seed);
        expect(cronProblems(resolved)).toEqual([]);
        expect(numbersIn(resolved, field)).toContain(RANGES[field]![0]);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['numbered', (i: number) => `task-${i}`],
    ['padded', (i: number) => `tenant/${String(i).padStart(6, '0')}/report`],
    ['of one letter more each', (i: number) => 'x'.repeat(i % 200) + String(i)],
  ])('spreads 10,000 %s names evenly over every field', (_what, name) => {
    const names = Array.from({ length: 10_000 }, (_, i) => name(i));
    const drawn = names.map((seed) => resolveHashes('H H H H H H', seed).split(' ').map(Number));
    const sizes = [60, 60, 24, 28, 12, 7];
    sizes.forEach((size, field) => {
      const lowest = RANGES[field]![0];
      const counts = tally(
        size,
        drawn.map((numbers) => numbers[field]! - lowest),
      );
      expect(chiSquare(counts)).toBeLessThan(unlikely(size));
      expect(Math.min(...counts)).toBeGreaterThan((0.6 * 10_000) / size);
    });
    // Each field apart from the others: minute and hour together fill the day.
    const ofDay = tally(
      1_440,
      drawn.map(([, minute, hour]) => hour! * 60 + minute!),
    );
    expect(chiSquare(ofDay)).toBeLessThan(unlikely(1_440));
    expect(Math.max(...ofDay)).toBeLessThan(4 * (10_000 / 1_440));
    const secondAndMinute = tally(
      3_600,
      drawn.map(([second, minute]) => second! * 60 + minute!),
    );
    expect(chiSquare(secondAndMinute)).toBeLessThan(unlikely(3_600));
  });
});
