import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { onceSchedule } from '../../../lib/core/schedule/once.js';

const HOUR = 3_600_000;
const ANCHOR = Date.UTC(2030, 0, 1, 0, 17);

describe('interval', () => {
  it('ticks at anchor + n × every, from the first on', () => {
    const schedule = intervalSchedule(1000, ANCHOR);
    expect([-Infinity, 0, ANCHOR - 1, ANCHOR, ANCHOR + 0.5, ANCHOR + 999].map((after) => schedule.next(after))).toEqual(
      Array.from({ length: 6 }, () => ANCHOR + 1000),
    );
    expect(schedule.next(ANCHOR + 1000)).toBe(ANCHOR + 2000);
  });

  it('runs a two-hour task in a process that restarts every hour', () => {
    const ticks = new Set<number>();
    for (let boot = ANCHOR; boot < ANCHOR + 24 * HOUR; boot += HOUR) {
      const restarted = intervalSchedule(2 * HOUR, ANCHOR);
      const tick = restarted.next(boot)!;
      if (tick <= boot + HOUR) ticks.add(tick);
    }
    expect([...ticks]).toEqual(Array.from({ length: 12 }, (_, i) => ANCHOR + (i + 1) * 2 * HOUR));
  });

  it('grows by exactly its length and counts what it names', () => {
    const every = fc.integer({ min: 10, max: 400 * HOUR });
    const anchor = fc.integer({ min: 0, max: Date.UTC(2100) });
    fc.assert(
      fc.property(every, anchor, fc.integer({ min: -1e6, max: 1e13 }), fc.nat(50), (length, start, after, n) => {
        const schedule = intervalSchedule(length, start);
        const first = schedule.next(after)!;
        expect(first).toBeGreaterThan(after);
        expect(first).toBeGreaterThan(start);
        expect((first - start) % length).toBe(0);
        expect(after < start || first - after <= length).toBe(true);
        expect(schedule.next(first)).toBe(first + length);
        expect(schedule.count!(after, first + n * length)).toBe(n + 1);
        expect(schedule.count!(after, first - 1)).toBe(0);
      }),
    );
  });

  it('ends where dates end', () => {
    const schedule = intervalSchedule(HOUR, ANCHOR);
    expect(schedule.next(8.64e15)).toBeUndefined();
    expect(schedule.next(8.64e15 - HOUR)).toBeLessThanOrEqual(8.64e15);
  });

  it('says what it is', () => {
    const schedule = intervalSchedule(90_000, ANCHOR);
    expect(schedule.describe()).toBe('every 1.5m');
    expect(schedule.minGapMs).toBe(90_000);
  });

  it.each([
    [0, /too short; the shortest interval is 10ms/],
    [9, /too short/],
    [-1000, /not a duration/],
    [Number.NaN, /not a duration/],
    [Infinity, /not a duration/],
    [401 * 366 * 24 * HOUR, /too long/],
    ['30s', /not a number of milliseconds/],
    [undefined, /not a number/],
  ])('refuses %p', (every, says) => {
    expect(() => intervalSchedule(every as number, ANCHOR)).toThrow(says);
    expect(() => intervalSchedule(every as number, ANCHOR)).toThrow(
      expect.objectContaining({ code: 'INVALID_SCHEDULE' }),
    );
  });

  it('refuses an anchor that is no instant', () => {
    expect(() => intervalSchedule(1000, Number.NaN)).toThrow(/anchor/);
    expect(() => intervalSchedule(1000, undefined as unknown as number)).toThrow(/anchor/);
  });
});

describe('once', () => {
  it('ticks once', () => {
    const schedule = onceSchedule(ANCHOR);
    expect([-Infinity, ANCHOR - 1, ANCHOR, ANCHOR + 1].map((after) => schedule.next(after))).toEqual([
      ANCHOR,
      ANCHOR,
      undefined,
      undefined,
    ]);
    expect([schedule.count!(0, ANCHOR), schedule.count!(0, ANCHOR - 1), schedule.count!(ANCHOR, Infinity)]).toEqual([
      1, 0, 0,
    ]);
    expect(schedule.minGapMs).toBe(Infinity);
    expect(schedule.describe()).toBe('once at 2030-01-01T00:17:00.000Z');
  });

  it.each([Number.NaN, Infinity, -1, Date.UTC(2200, 0, 1), '2030', null, undefined])('refuses %p', (at) => {
    expect(() => onceSchedule(at as number)).toThrow(expect.objectContaining({ code: 'INVALID_SCHEDULE' }));
  });
});
