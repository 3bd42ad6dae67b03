import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { jittered } from '../../../lib/core/schedule/jitter.js';
import { type MisfireOptions, planTicks, type SettleReason } from '../../../lib/core/schedule/misfire.js';
import { type Schedule, startOf } from '../../../lib/core/schedule/schedule.js';
import { tickList } from './tick-list.js';

const START = Date.UTC(2030, 9, 27);
const SPAN = 400_000;

const bases: fc.Arbitrary<Schedule> = fc.oneof(
  fc
    .tuple(fc.array(fc.integer({ min: START, max: START + 2 * SPAN }), { maxLength: 150 }), fc.boolean())
    .map(([ticks, canCount]) => tickList(ticks, canCount)),
  fc
    .tuple(fc.integer({ min: 500, max: 60_000 }), fc.nat(60_000))
    .map(([every, back]) => intervalSchedule(every, START - back)),
  fc.constantFrom('*/7 * * * * *', '3,4,50 * * * * *', '* * * * *').map((cron) => cronSchedule(cron, 'Europe/London')),
);
const schedules = fc
  .tuple(bases, fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 200_000 })), fc.string())
  .map(([base, jitterMs, seed]) => jittered(base, jitterMs, seed));
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

const begun = (schedule: Schedule, after: number, instant: number): number[] =>
  enumerate(schedule, after, instant).filter((tick) => startOf(schedule, tick) <= instant);

interface Settled {
  tick: number;
  how: SettleReason | 'schedule' | 'misfire';
  /** Counted from its start. */
  lateness: number;
}

describe('misfire with jitter: properties', () => {
  it('every tick is settled or run, once, in order, none before its start, for a reason that holds from there', () => {
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
        const note = (tick: number, how: Settled['how']): void =>
          void settled.push({ tick, how, lateness: now - startOf(schedule, tick) });
        for (const { away, ahead, claims } of [...moves, { away: 10, ahead: 0, claims: Infinity }]) {
          now += away;
          for (let i = 0; i < claims; i++) {
            const { settle, run } = planTicks(schedule, cursor, now, now + ahead, options);
            for (const { from, to, count, atLeast, reason } of settle) {
              const ticks = enumerate(schedule, from - 1, to);
              expect([ticks[0], ticks.at(-1)]).toEqual([from, to]);
              if (!atLeast) expect(ticks).toHaveLength(count);
              for (const tick of ticks) note(tick, reason);
            }
            if (run) {
              note(run.tick, run.trigger);
              expect(startOf(schedule, run.tick)).toBeLessThanOrEqual(now + ahead);
              expect(run.more).toBe(begun(schedule, run.tick, now + ahead).length > 0);
            }
            cursor = run?.tick ?? settle.at(-1)?.to ?? cursor;
            if (!run) break;
          }
        }
        expect(settled.map(({ tick }) => tick)).toEqual(enumerate(schedule, START, cursor));
        expect(begun(schedule, cursor, now)).toEqual([]);
        for (const { how, lateness } of settled) {
          expect(how === 'too-late').toBe(lateness > options.deadlineMs);
          if (how === 'schedule') expect(lateness).toBeLessThanOrEqual(options.graceMs);
          else expect(how === 'too-late' || lateness > options.graceMs).toBe(true);
          if (how === 'coalesced') expect(options.policy).toBe('fire-once');
          if (how === 'over-limit') expect(options.policy).toBe('fire-all');
        }
      }),
      { numRuns: 150 },
    );
  });

  it('fire-all runs the latest ticks up to its limit, all others are over it', () => {
    fc.assert(
      fc.property(schedules, policies, fc.integer({ min: 0, max: SPAN }), (schedule, given, away) => {
        const options = { ...given, policy: 'fire-all' as const };
        const now = START + away;
        const late = enumerate(schedule, START, now).filter((tick) => {
          const age = now - startOf(schedule, tick);
          return age > options.graceMs && age <= options.deadlineMs;
        });
        const ran: number[] = [];
        for (let cursor = START; ;) {
          const { settle, run } = planTicks(schedule, cursor, now, now, options);
          if (run?.trigger === 'misfire') ran.push(run.tick);
          if (!run) break;
          cursor = Math.max(run.tick, settle.at(-1)?.to ?? run.tick);
        }
        expect(ran).toEqual(late.slice(-options.limit));
      }),
      { numRuns: 100 },
    );
  });

  it('a tick whose run is still to start is left alone, however long ago it was', () => {
    const schedule = jittered(intervalSchedule(3_600_000, START), 3_600_000, 'report');
    const tick = START + 3_600_000;
    const start = startOf(schedule, tick);
    expect(start - tick).toBeGreaterThan(400_000); // later than the deadline, counted from the tick
    const options: MisfireOptions = { policy: 'fire-once', limit: 1, deadlineMs: 300_000, graceMs: 1_000 };
    const plan = (now: number, horizon = now) => planTicks(schedule, START, now, horizon, options);
    expect(plan(start - 1)).toEqual({ settle: [] });
    expect(plan(start - 1, start)).toEqual({ settle: [], run: { tick, trigger: 'schedule', more: false } });
    expect(plan(start + 1_000)).toEqual({ settle: [], run: { tick, trigger: 'schedule', more: false } });
    expect(plan(start + 1_001)).toEqual({ settle: [], run: { tick, trigger: 'misfire', more: false } });
    expect(plan(start + 300_001).settle).toMatchObject([{ reason: 'too-late', from: tick, to: tick, count: 1 }]);
  });
});
