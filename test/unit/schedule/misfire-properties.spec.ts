import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { type MisfireOptions, planTicks, type SettleReason, type Stretch } from '../../../lib/core/schedule/misfire.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import { countTicks, lastTick, tickFromEnd } from '../../../lib/core/schedule/ticks.js';
import { tickList } from './tick-list.js';

const START = Date.UTC(2030, 9, 27);
const SPAN = 400_000;

const unevenTicks = fc
  .tuple(fc.array(fc.integer({ min: START, max: START + 2 * SPAN }), { maxLength: 150 }), fc.boolean())
  .map(([ticks, canCount]) => tickList(ticks, canCount));
const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  unevenTicks,
  fc
    .tuple(fc.integer({ min: 500, max: 60_000 }), fc.nat(60_000))
    .map(([every, back]) => intervalSchedule(every, START - back)),
  fc.constantFrom('*/7 * * * * *', '3,4,50 * * * * *', '* * * * *').map((cron) => cronSchedule(cron, 'Europe/London')),
);
const policies: fc.Arbitrary<MisfireOptions> = fc.record({
  policy: fc.constantFrom('fire-once' as const, 'fire-all' as const, 'skip' as const),
  limit: fc.integer({ min: 1, max: 20 }),
  deadlineMs: fc.constantFrom(0, 500, 5_000, 60_000, 300_000, Infinity),
  graceMs: fc.constantFrom(0, 1_000, 10_000),
});

function enumerate(schedule: Schedule, after: number, upTo: number): number[] {
  const ticks: number[] = [];
  for (let tick = schedule.next(after); tick !== undefined && tick <= upTo; tick = schedule.next(tick))
    ticks.push(tick);
  return ticks;
}

interface Settled {
  tick: number;
  how: SettleReason | 'schedule' | 'misfire';
  lateness: number;
}

/** What stands behind a stretch, which must be all of it. */
function unfold(schedule: Schedule, { from, to, count, atLeast, reason }: Stretch, now: number): Settled[] {
  const ticks = enumerate(schedule, from - 1, to);
  expect([ticks[0], ticks.at(-1)]).toEqual([from, to]);
  if (atLeast) expect(ticks.length).toBeGreaterThan(count);
  else expect(ticks).toHaveLength(count);
  return ticks.map((tick) => ({ tick, how: reason, lateness: now - tick }));
}

describe('misfire: properties', () => {
  it('every tick is settled or run, once, in order, for a reason that holds', () => {
    const steps = fc.array(
      fc.record({
        away: fc.integer({ min: 0, max: 90_000 }),
        ahead: fc.constantFrom(0, 100, 5_000),
        claims: fc.integer({ min: 1, max: 300 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(schedules, policies, steps, (schedule, options, moves) => {
        let [cursor, now] = [START, START];
        const settled: Settled[] = [];
        for (const { away, ahead, claims } of [...moves, { away: 10, ahead: 0, claims: Infinity }]) {
          now += away;
          for (let i = 0; i < claims; i++) {
            const { settle, run } = planTicks(schedule, cursor, now, now + ahead, options);
            for (const stretch of settle) settled.push(...unfold(schedule, stretch, now));
            if (run) {
              settled.push({ tick: run.tick, how: run.trigger, lateness: now - run.tick });
              expect(run.more).toBe(enumerate(schedule, run.tick, now + ahead).length > 0);
            }
            cursor = run?.tick ?? settle.at(-1)?.to ?? cursor;
            if (!run) break;
          }
        }
        expect(settled.map(({ tick }) => tick)).toEqual(enumerate(schedule, START, cursor));
        expect(enumerate(schedule, cursor, now)).toEqual([]);
        for (const { how, lateness } of settled) {
          expect(how === 'too-late').toBe(lateness > options.deadlineMs);
          if (how === 'schedule') expect(lateness).toBeLessThanOrEqual(options.graceMs);
          else expect(how === 'too-late' || lateness > options.graceMs).toBe(true);
          if (how === 'coalesced') expect(options.policy).toBe('fire-once');
          if (how === 'over-limit') expect(options.policy).toBe('fire-all');
          expect(how === 'misfire-skipped').toBe(options.policy === 'skip' && how !== 'too-late' && how !== 'schedule');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('fire-all runs the latest ticks up to its limit, all others are over it', () => {
    fc.assert(
      fc.property(schedules, policies, fc.integer({ min: 0, max: SPAN }), (schedule, given, away) => {
        const options = { ...given, policy: 'fire-all' as const };
        const now = START + away;
        const late = enumerate(schedule, START, now).filter(
          (tick) => now - tick > options.graceMs && now - tick <= options.deadlineMs,
        );
        const ran: number[] = [];
        for (let cursor = START; ;) {
          const { settle, run } = planTicks(schedule, cursor, now, now, options);
          if (run?.trigger === 'misfire') ran.push(run.tick);
          if (!run) break;
          cursor = Math.max(run.tick, settle.at(-1)?.to ?? run.tick);
        }
        expect(ran).toEqual(late.slice(-options.limit));
      }),
      { numRuns: 200 },
    );
  });

  it('jumping finds what enumeration finds', () => {
    const instant = fc.integer({ min: START - 1000, max: START + 2 * SPAN });
    fc.assert(
      fc.property(schedules, instant, instant, fc.integer({ min: 1, max: 30 }), (schedule, after, upTo, n) => {
        const ticks = enumerate(schedule, after, upTo);
        expect(lastTick(schedule, after, upTo)).toBe(ticks.at(-1));
        expect(countTicks(schedule, after, upTo)).toEqual({ count: ticks.length });
        const found = tickFromEnd(schedule, after, upTo, n);
        expect(found?.tick).toBe(ticks.at(-n) ?? ticks[0]);
        expect(found?.before).toBe(ticks.at(-n - 1));
      }),
      { numRuns: 300 },
    );
  });
});
