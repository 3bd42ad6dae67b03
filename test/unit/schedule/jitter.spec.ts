import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { jittered } from '../../../lib/core/schedule/jitter.js';
import { onceSchedule } from '../../../lib/core/schedule/once.js';
import { type Schedule, startOf } from '../../../lib/core/schedule/schedule.js';
import { startedBy } from '../../../lib/core/schedule/ticks.js';
import { tickList } from './tick-list.js';

const START = Date.UTC(2030, 9, 26);

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.array(fc.integer({ min: START, max: START + 500_000 }), { minLength: 1, maxLength: 60 }).map((t) => tickList(t)),
  fc.integer({ min: 10, max: 100_000 }).map((every) => intervalSchedule(every, START - 5)),
  fc
    .constantFrom('*/7 * * * * *', '30 1 * * *', '0 0 1 * *', '* * * * *')
    .map((cron) => cronSchedule(cron, 'Europe/London')),
);
const jitters = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 100_000_000 }));

function enumerate(schedule: Schedule, after: number, most = 40): number[] {
  const ticks: number[] = [];
  for (let tick = schedule.next(after); tick !== undefined && ticks.length < most; tick = schedule.next(tick))
    ticks.push(tick);
  return ticks;
}

describe('jitter', () => {
  it('leaves the ticks as they are, and starts each before the next one', () => {
    fc.assert(
      fc.property(schedules, jitters, fc.string({ maxLength: 20 }), (base, jitterMs, seed) => {
        const schedule = jittered(base, jitterMs, seed);
        const ticks = enumerate(base, START - 10);
        expect(enumerate(schedule, START - 10)).toEqual(ticks);
        expect(schedule.minGapMs).toBe(base.minGapMs);
        expect(schedule.phase).toEqual(base.phase);
        for (const tick of ticks) {
          const delay = schedule.delayOf!(tick);
          expect(Number.isSafeInteger(delay) && delay >= 0 && delay < jitterMs).toBe(true);
          expect(tick + delay).toBeLessThan(base.next(tick) ?? Infinity);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('follows from the task, the tick and the room for it alone', () => {
    const [a, b] = [intervalSchedule(60_000, 0), cronSchedule('* * * * *', 'Asia/Tokyo')];
    for (const tick of enumerate(a, START)) {
      const delay = jittered(a, 30_000, 'x').delayOf!(tick);
      expect(jittered(b, 30_000, 'x').delayOf!(tick)).toBe(delay);
      expect(Math.abs(jittered(a, 60_000, 'x').delayOf!(tick) - 2 * delay)).toBeLessThanOrEqual(1);
    }
  });

  it('stays what it is: every node of every version computes it', () => {
    const schedule = jittered(intervalSchedule(3_600_000, 0), 600_000, 'report');
    expect(enumerate(schedule, Date.UTC(2030, 0, 1), 6).map((tick) => schedule.delayOf!(tick))).toMatchInlineSnapshot(`
     [
       361671,
       343372,
       528212,
       140885,
       448304,
       388936,
     ]
    `);
  });

  it.each([
    ['the ticks of one task', (i: number) => ['task', START + i * 60_000] as const],
    ['tasks with names that differ in the last character', (i: number) => [`tenant-${i}`, START] as const],
  ])('spreads %s evenly', (_, at) => {
    const BUCKETS = 20;
    const counts = Array.from({ length: BUCKETS }, () => 0);
    const base = intervalSchedule(60_000, START - 60_000);
    for (let i = 0; i < 4_000; i++) {
      const [seed, tick] = at(i);
      counts[Math.floor((jittered(base, 30_000, seed).delayOf!(tick) / 30_000) * BUCKETS)]!++;
    }
    const expected = 4_000 / BUCKETS;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(43.8); // one in a thousand, with 19 degrees of freedom
  });

  it('a last tick has all the room', () => {
    const delays = Array.from({ length: 200 }, (_, i) =>
      jittered(onceSchedule(START), 1_000_000, `t${i}`).delayOf!(START),
    );
    expect(Math.max(...delays)).toBeGreaterThan(900_000);
    expect(Math.min(...delays)).toBeLessThan(100_000);
  });

  it('a jitter of one millisecond is none', () => {
    const schedule = jittered(intervalSchedule(1_000, 0), 1, 'a');
    expect(enumerate(schedule, START).map((tick) => startOf(schedule, tick) - tick)).toEqual(Array(40).fill(0));
  });

  it('counts as the schedule does, and says what it adds', () => {
    const base = intervalSchedule(60_000, 0);
    expect(jittered(base, 30_000, 'a').count!(START, START + 600_000)).toBe(10);
    expect(jittered(tickList([START]), 30_000, 'a')).not.toHaveProperty('count');
    expect(jittered(base, 30_000, 'a').describe()).toBe('every 1m, started up to 30s later');
  });

  it('what has started by an instant is found by jumping', () => {
    const instants = fc.integer({ min: START - 1_000, max: START + 600_000 });
    fc.assert(
      fc.property(schedules, jitters, instants, fc.nat(20_000), (base, jitterMs, instant, back) => {
        const schedule = jittered(base, jitterMs, 'seed');
        const after = instant - back;
        const upTo = startedBy(schedule, after, instant);
        const begun = enumerate(schedule, after, 2_100).filter((tick) => startOf(schedule, tick) <= instant);
        expect(upTo).toBeLessThanOrEqual(instant);
        const next = schedule.next(Math.max(after, upTo));
        if (next !== undefined) expect(startOf(schedule, next)).toBeGreaterThan(instant);
        const last = begun.at(-1);
        if (last !== undefined) expect(upTo).toBeGreaterThanOrEqual(last);
        const following = last === undefined ? schedule.next(after) : schedule.next(last);
        if (following !== undefined) expect(upTo).toBeLessThan(following);
      }),
      { numRuns: 200 },
    );
  });
});
