import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bounded } from '../../../lib/core/schedule/bounds.js';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { jittered } from '../../../lib/core/schedule/jitter.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import { countTicks, lastTick } from '../../../lib/core/schedule/ticks.js';
import { tickList } from './tick-list.js';

const START = Date.UTC(2030, 0, 1);

function enumerate(schedule: Schedule, after: number, upTo: number): number[] {
  const ticks: number[] = [];
  for (let tick = schedule.next(after); tick !== undefined && tick <= upTo; tick = schedule.next(tick))
    ticks.push(tick);
  return ticks;
}

describe('bounds', () => {
  it('leave the ticks between them, both included, as they are', () => {
    // half seconds: often enough a bound is a tick
    const instant = fc.integer({ min: -10, max: 210 }).map((halves) => START + halves * 500);
    const schedules: fc.Arbitrary<Schedule> = fc.oneof(
      fc
        .tuple(fc.array(instant, { maxLength: 80 }), fc.boolean())
        .map(([ticks, canCount]) => tickList(ticks, canCount)),
      fc.integer({ min: 1, max: 40 }).map((halves) => intervalSchedule(halves * 500, START)),
    );
    const ends = fc.record({
      startAt: fc.option(instant, { nil: undefined }),
      endAt: fc.option(instant, { nil: undefined }),
    });
    fc.assert(
      fc.property(schedules, ends, instant, instant, (base, { startAt, endAt }, after, upTo) => {
        const bounds = { ...(startAt !== undefined && { startAt }), ...(endAt !== undefined && { endAt }) };
        const schedule = bounded(base, bounds);
        const expected = enumerate(base, after, upTo).filter(
          (tick) => tick >= (startAt ?? -Infinity) && tick <= (endAt ?? Infinity),
        );
        expect(enumerate(schedule, after, upTo)).toEqual(expected);
        expect(lastTick(schedule, after, upTo)).toBe(expected.at(-1));
        expect(countTicks(schedule, after, upTo)).toEqual({ count: expected.length });
        expect(schedule.minGapMs).toBe(base.minGapMs);
        expect(schedule.phase).toEqual(base.phase);
      }),
      { numRuns: 400 },
    );
  });

  it('left open they change nothing', () => {
    const base = cronSchedule('* * * * *', 'UTC');
    expect(bounded(base, {})).toBe(base);
  });

  it.each([
    [{ startAt: START }, 'every 1m, from 2030-01-01T00:00:00.000Z'],
    [{ endAt: START }, 'every 1m, until 2030-01-01T00:00:00.000Z'],
    [{ startAt: START - 1, endAt: START }, 'every 1m, from 2029-12-31T23:59:59.999Z, until 2030-01-01T00:00:00.000Z'],
  ])('%j are told', (bounds, text) => {
    expect(bounded(intervalSchedule(60_000, 0), bounds).describe()).toBe(text);
  });

  it('a tick that bounds make the last has all the room that jitter takes', () => {
    const base = bounded(intervalSchedule(1_000, 0), { endAt: START });
    const delays = Array.from({ length: 100 }, (_, i) => jittered(base, 60_000, `t${i}`).delayOf!(START));
    expect(Math.max(...delays)).toBeGreaterThan(50_000);
  });
});
