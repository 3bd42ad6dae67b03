import { describe, expect, it } from '@jest/globals';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { type MisfireOptions, type MisfirePolicy, planTicks } from '../../../lib/core/schedule/misfire.js';
import { fastestOf } from './fastest-of.js';

const WEEK = 604_800_000;
const options = (policy: MisfirePolicy, changes: Partial<MisfireOptions> = {}): MisfireOptions => ({
  policy,
  limit: 100,
  deadlineMs: 300_000,
  graceMs: 1_000,
  ...changes,
});

/** A tick every 10 s from 10 s on; times below are in seconds. */
const every10s = intervalSchedule(10_000, 0);

/** `too-late 10..30 ×3 | misfire 40 +` */
function plan(settledUpTo: number, now: number, changes: MisfireOptions, horizon = now): string {
  const { settle, run } = planTicks(every10s, settledUpTo * 1000, now * 1000, horizon * 1000, changes);
  const stretches = settle.map(({ from, to, count, reason }) => `${reason} ${from / 1000}..${to / 1000} ×${count}`);
  return [...stretches, run ? `${run.trigger} ${run.tick / 1000}${run.more ? ' +' : ''}` : 'nothing'].join(' | ');
}

describe('misfire: what becomes of ticks', () => {
  it.each<[what: string, policy: MisfirePolicy, settled: number, now: number, expected: string]>([
    ['nothing is due', 'fire-once', 20, 29, 'nothing'],
    ['one is due now', 'fire-once', 20, 30, 'schedule 30'],
    ['one is due within the grace', 'fire-once', 20, 31, 'schedule 30'],
    ['one is late', 'fire-once', 20, 31.001, 'misfire 30'],
    ['one is late', 'fire-all', 20, 31.001, 'misfire 30'],
    ['one is late', 'skip', 20, 31.001, 'misfire-skipped 30..30 ×1 | nothing'],
    ['three are late', 'fire-once', 20, 55, 'coalesced 30..40 ×2 | misfire 50'],
    ['three are late', 'fire-all', 20, 55, 'misfire 30 +'],
    ['three are late', 'skip', 20, 55, 'misfire-skipped 30..50 ×3 | nothing'],
    ['two are late and one is due', 'fire-once', 20, 50, 'coalesced 30..40 ×2 | schedule 50'],
    ['two are late and one is due', 'fire-all', 20, 50, 'misfire 30 +'],
    ['two are late and one is due', 'skip', 20, 50, 'misfire-skipped 30..40 ×2 | schedule 50'],
    ['some are too late', 'fire-once', 20, 345, 'too-late 30..40 ×2 | coalesced 50..330 ×29 | misfire 340'],
    ['some are too late', 'fire-all', 20, 345, 'too-late 30..40 ×2 | misfire 50 +'],
    ['some are too late', 'skip', 20, 345, 'too-late 30..40 ×2 | misfire-skipped 50..340 ×30 | nothing'],
    ['as old as the deadline is not too late', 'fire-all', 20, 330, 'misfire 30 +'],
    ['settled ahead of now', 'fire-once', 60, 50, 'nothing'],
  ])('%s: %s, settled up to %d s, at %d s', (_what, policy, settled, now, expected) => {
    expect(plan(settled, now, options(policy))).toBe(expected);
  });

  it.each<[policy: MisfirePolicy, expected: string]>([
    ['fire-once', 'coalesced 30..50 ×3 | schedule 60 +'],
    ['fire-all', 'misfire 30 +'],
    ['skip', 'misfire-skipped 30..50 ×3 | schedule 60 +'],
  ])('%s takes ticks ahead of time up to the horizon', (policy, expected) => {
    expect(plan(20, 55, options(policy), 70)).toBe(expected);
    expect(plan(50, 55, options(policy), 59)).toBe('nothing');
    expect(plan(50, 55, options(policy), 60)).toBe('schedule 60');
  });

  it.each<[limit: number, now: number, expected: string]>([
    [3, 55, 'misfire 30 +'],
    [2, 55, 'over-limit 30..30 ×1 | misfire 40 +'],
    [1, 55, 'over-limit 30..40 ×2 | misfire 50'],
    [1, 60, 'over-limit 30..40 ×2 | misfire 50 +'],
    [2, 345, 'too-late 30..40 ×2 | over-limit 50..320 ×28 | misfire 330 +'],
  ])('fire-all with a limit of %d, at %d s', (limit, now, expected) => {
    expect(plan(20, now, options('fire-all', { limit }))).toBe(expected);
  });

  it.each<[what: string, changes: Partial<MisfireOptions>, now: number, expected: string]>([
    ['no grace: the moment itself is on time', { graceMs: 0 }, 30, 'schedule 30'],
    ['no grace: a millisecond later is late', { graceMs: 0 }, 30.001, 'misfire 30'],
    ['no deadline', { deadlineMs: Infinity }, 100_000, 'coalesced 30..99990 ×9997 | schedule 100000'],
    ['a deadline of nothing', { deadlineMs: 0 }, 40.5, 'too-late 30..40 ×2 | nothing'],
    ['a deadline within the grace', { deadlineMs: 500 }, 40.5, 'too-late 30..30 ×1 | schedule 40'],
  ])('%s', (_what, changes, now, expected) => {
    expect(plan(20, now, options('fire-once', changes))).toBe(expected);
  });

  it('does not leave a tick to an end that has none', () => {
    const once = {
      minGapMs: Infinity,
      next: (after: number) => (after < 30_000 ? 30_000 : undefined),
      describe: () => 'once',
    };
    expect(planTicks(once, 0, 55_000, 55_000, options('fire-once'))).toEqual({
      settle: [],
      run: { tick: 30_000, trigger: 'misfire', more: false },
    });
    expect(planTicks(once, 30_000, 55_000, 55_000, options('fire-once'))).toEqual({ settle: [] });
  });
});

describe('misfire: a week away', () => {
  const now = Date.UTC(2030, 5, 5, 5, 5, 5);
  const everySecond = {
    'a cron': cronSchedule('* * * * * *', 'Europe/London'),
    'an uneven cron': cronSchedule('1,7-9,40 */7 2-22 * * *', 'America/New_York'),
    'a rare cron': cronSchedule('* * 3 1 1 *', 'America/New_York'),
    'an interval': intervalSchedule(1_000, now - 2 * WEEK),
    'the shortest interval': intervalSchedule(10, now - 2 * WEEK),
  };

  for (const [name, schedule] of Object.entries(everySecond)) {
    it.each<MisfirePolicy>(['fire-once', 'fire-all', 'skip'])(`from ${name}, %s, takes no time`, (policy) => {
      for (const deadlineMs of [300_000, Infinity]) {
        const plan = (): unknown => planTicks(schedule, now - WEEK, now, now + 100, options(policy, { deadlineMs }));
        expect(fastestOf(5, plan)).toBeLessThan(20);
      }
    });
  }

  it('counts what it can and says where it stopped', () => {
    const cron = planTicks(everySecond['a cron'], now - WEEK, now, now, options('fire-once'));
    expect(cron.settle).toEqual([
      { from: now - WEEK + 1000, to: now - 301_000, count: 1000, atLeast: true, reason: 'too-late' },
      { from: now - 300_000, to: now - 2_000, count: 299, reason: 'coalesced' },
    ]);
    const interval = planTicks(everySecond['an interval'], now - WEEK, now, now, options('fire-once'));
    expect(interval.settle[0]).toEqual({
      from: now - WEEK + 1000,
      to: now - 301_000,
      count: 604_500 - 1,
      reason: 'too-late',
    });
  });

  it('finds the last tick of a short, distant burst', () => {
    const { settle } = planTicks(everySecond['a rare cron'], Date.UTC(2029, 11, 1), now, now, options('fire-once'));
    expect(settle).toEqual([
      {
        from: Date.UTC(2030, 0, 1, 8, 0, 0),
        to: Date.UTC(2030, 0, 1, 8, 59, 59),
        count: 1000,
        atLeast: true,
        reason: 'too-late',
      },
    ]);
  });
});
