import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  durationProblem,
  formatDuration,
  parseDuration,
  tellDuration,
  requireDuration,
} from '../../../lib/core/common/duration.js';

describe('duration', () => {
  it.each([
    [0, 0],
    [250, 250],
    [0.4, 0],
    [1.5, 2],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    ['2w', 1_209_600_000],
    ['0s', 0],
    ['0.5ms', 1],
  ])('%j is %d ms', (given, ms) => {
    expect(parseDuration(given)).toBe(ms);
    expect(requireDuration(given, 'x')).toBe(ms);
  });

  it.each([
    -1,
    Number.NaN,
    Infinity,
    '',
    '5',
    '5 s',
    ' 5s',
    '5S',
    '-5s',
    '+5s',
    '1e3s',
    '.5s',
    '5.s',
    '5min',
    '5s5s',
    '٥s',
    null,
    undefined,
    true,
    {},
    [],
    5n,
  ])('%p is none', (given) => {
    expect(parseDuration(given)).toBeUndefined();
  });

  it('is none beyond what numbers can tell apart', () => {
    expect(parseDuration(`${'9'.repeat(400)}s`)).toBeUndefined();
    expect(parseDuration(`${Number.MAX_SAFE_INTEGER}s`)).toBeUndefined();
  });

  it('says where and what is wrong', () => {
    expect(() => requireDuration('5 minutes', 'retry.delay')).toThrow(
      /^retry\.delay: "5 minutes" is not a duration; give .* '30s'$/,
    );
    expect(() => requireDuration('x', 'y')).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(durationProblem(undefined, 'a')).toMatch(/^a: /);
  });

  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [90_000, '1.5m'],
    [3_600_000, '1h'],
    [86_400_000, '1d'],
    [604_800_000, '1w'],
    [100_000, '1.67m'],
  ])('%d reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [995.6, '996 ms'],
    [1_000, '1 s'],
    [41_400, '41 s'],
    [100_000, '1.7 min'],
    [5_400_000, '1.5 h'],
    [604_800_000, '7 d'],
    [5.72 * 604_800_000, '40 d'],
  ])('%d is told as %s', (ms, text) => {
    expect(tellDuration(ms)).toBe(text);
  });

  it('reads back to within the two decimals it is written with', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (ms) => {
        const back = parseDuration(formatDuration(ms))!;
        expect(Math.abs(back - ms)).toBeLessThanOrEqual(Math.max(1, ms * 0.0051));
      }),
    );
  });
});
