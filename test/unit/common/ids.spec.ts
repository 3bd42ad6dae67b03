import { describe, expect, it } from '@jest/globals';
import { randomId, RunIds, taskOfRun, systemRandom } from '../../../lib/core/common/ids.js';

describe('ids', () => {
  it('has the length and the letters asked for, from one end of chance to the other', () => {
    expect(randomId(() => 0, 5)).toBe('00000');
    expect(randomId(() => 1 - 2 ** -53, 5)).toBe('zzzzz');
    expect(randomId(systemRandom, 12)).toMatch(/^[0-9a-z]{12}$/);
    expect(randomId(systemRandom, 0)).toBe('');
  });

  it('does not repeat', () => {
    const ids = new Set(Array.from({ length: 20_000 }, () => randomId(systemRandom, 12)));
    expect(ids.size).toBe(20_000);
  });

  it('draws numbers from 0 up to, not including, 1, evenly', () => {
    const draws = Array.from({ length: 20_000 }, systemRandom);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(Math.abs(draws.reduce((sum, draw) => sum + draw, 0) / draws.length - 0.5)).toBeLessThan(0.02);
  });

  it('replays with its source', () => {
    const source = (): (() => number) => {
      let n = 7;
      return () => (n = (n * 16_807) % 2_147_483_647) / 2_147_483_647;
    };
    expect(randomId(source(), 20)).toBe(randomId(source(), 20));
  });

  it('tell the task they are of', () => {
    expect(taskOfRun(new RunIds('boot').next('report:acme-1.2_x'))).toBe('report:acme-1.2_x');
    expect(taskOfRun('no-run-id')).toBe('');
  });

  it('numbers the runs of one boot', () => {
    const ids = new RunIds('boot');
    expect(Array.from({ length: 37 }, () => ids.next('a')).filter((_, i) => i === 0 || i >= 35)).toEqual([
      'a~boot-0',
      'a~boot-z',
      'a~boot-10',
    ]);
    expect(new RunIds('other').next('report:acme')).toBe('report:acme~other-0');
  });
});
