import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hash32 } from '../../../lib/core/common/hash.js';

/** Chi-squared over its degrees of freedom: about 1 where values are spread as by chance. */
function unevenness(names: string[], buckets: number, bucketOf: (hash: number) => number): number {
  const counts = Array.from({ length: buckets }, () => 0);
  for (const name of names) counts[bucketOf(hash32(name))]!++;
  const expected = names.length / buckets;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0) / (buckets - 1);
}

const NAMES = 20_000;
const families: [string, (i: number) => string][] = [
  ['numbered tasks', (i) => `task-${i}`],
  ['shards', (i) => `report#${i}`],
  ['names that differ in the last letter', (i) => `${'abc'.repeat(3)}${String.fromCharCode(33 + i)}`],
  ['names that differ in the first letter', (i) => `${String.fromCharCode(33 + i)}-nightly-report`],
  ['points of a node', (i) => `5f0c1c3e-node#${i}`],
  ['other letters', (i) => `задача-${i}`],
];

describe('hash32', () => {
  it.each(families)('spreads %s over high, middle and low bits', (_family, name) => {
    const names = Array.from({ length: NAMES }, (_, i) => name(i));
    expect(unevenness(names, 256, (hash) => hash >>> 24)).toBeLessThan(1.5);
    expect(unevenness(names, 256, (hash) => (hash >>> 12) & 255)).toBeLessThan(1.5);
    expect(unevenness(names, 256, (hash) => hash & 255)).toBeLessThan(1.5);
    expect(unevenness(names, 253, (hash) => hash % 253)).toBeLessThan(1.5);
    expect(new Set(names.map(hash32)).size).toBeGreaterThan(NAMES - 5);
  });

  it('is the same everywhere, for ever', () => {
    expect(['', 'a', 'task-1', 'report#3', 'Zeitplan ü', '😀'].map(hash32)).toEqual([
      2872998923, 444641715, 1572795129, 2698320228, 2681983506, 1787143206,
    ]);
  });

  it('is a whole number of 32 bits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const hash = hash32(text);
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
        expect(hash32(text)).toBe(hash);
      }),
    );
  });
});
