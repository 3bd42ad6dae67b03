import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { normalizeCalendar } from '../../../lib/core/schedule/calendar/named-calendar.js';
import { compileSchedule, normalizeSchedule, type ScheduleSpec } from '../../../lib/core/schedule/schedule-spec.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import { fastestOf } from './fastest-of.js';
import { DAY, ZoneWalk } from './zone-oracle.js';

const MINUTE = 60_000;
const WEEK = 7 * DAY;
const at = (text: string): number => Date.parse(text);
const compiled = (spec: ScheduleSpec, timeZone = 'UTC', now = at('2030-01-01')): Schedule =>
  compileSchedule(normalizeSchedule(spec, { now, timeZone }));

const EVEN_SECONDS = '*/2 * * * * *';
const EVEN_AT_WEEKENDS = '*/2 * * * * sat,sun';

describe('exceptions that name each tick by itself', () => {
  const weekend = (base: ScheduleSpec & object): ScheduleSpec =>
    ({ ...base, except: { cron: EVEN_AT_WEEKENDS } }) as ScheduleSpec;

  it.each<[string, ScheduleSpec, string, string]>([
    ['even seconds', weekend({ cron: EVEN_SECONDS }), '2030-01-05', '2030-01-07'],
    ['an interval', weekend({ every: '2s' }), '2030-01-05', '2030-01-07'],
    [
      'a union',
      weekend({ anyOf: [{ cron: '*/4 * * * * *' }, { cron: '2-58/4 * * * * *' }] }),
      '2030-01-05',
      '2030-01-07',
    ],
    ['half a year', { cron: '*/5 * * * *', except: { cron: '*/5 * * 1-6 *' } }, '2030-01-01', '2030-07-01'],
  ])('%s: the first tick after it, from any start, soon', (_, spec, from, first) => {
    const [begin, end] = [at(from), at(first)];
    const step = spec !== 'now' && 'cron' in spec && spec.cron.startsWith('*/5') ? 5 * MINUTE : 2_000;
    for (let i = 0; i <= 40; i++) {
      const start = Math.min(begin + Math.floor(((end - begin) * i) / 40) + i * 777, end - 1);
      expect(compiled(spec).next(start)).toBe(end);
    }
    const kept = compiled(spec);
    expect(kept.next(begin - 1)).toBe(end);
    expect(kept.next(end)).toBe(end + step);
    expect(kept.next(begin - 1 - step)).toBe(begin - step);
    expect(fastestOf(5, () => compiled(spec).next(begin - 1))).toBeLessThan(50);
  });

  it('in the zone of the schedule, over a change of clocks', () => {
    const spec: ScheduleSpec = { cron: EVEN_SECONDS, except: { cron: EVEN_AT_WEEKENDS } };
    const kept = compiled(spec, 'America/New_York');
    expect(kept.next(at('2030-03-09T00:00:00-05:00') - 1)).toBe(at('2030-03-11T00:00:00-04:00'));
    expect(kept.next(at('2030-11-02T00:00:00-04:00') - 1)).toBe(at('2030-11-04T00:00:00-05:00'));
  });
});

describe('a tick that is moved to a working day', () => {
  it('is left out by the minute at which it fires, where the clocks skip the one it was to fire at', () => {
    const calendars = { w: normalizeCalendar('w', { weekend: ['saturday'], holidays: [] }) };
    const spec: ScheduleSpec = {
      cron: '0 * * * *',
      except: [{ calendar: 'w', shift: 'next' }, { cron: '0 * * * sun' }],
    };
    const stored = normalizeSchedule(spec, { now: at('2030-01-01'), timeZone: 'Australia/Lord_Howe', calendars });
    // Saturday's 2:00, moved to a Sunday whose clocks jump from 2:00 to 2:30
    expect(compileSchedule(stored).next(at('2030-10-06T00:00:00+10:30'))).toBe(at('2030-10-06T02:30:00+11:00'));
  });
});

/** A dense schedule, its exception of equal fields, and both from the words. */
interface Case {
  spec: ScheduleSpec;
  /** Instants at which it may have ticks are so far apart. */
  stepMs: number;
  isTick: (wall: Date, instant: number) => boolean;
  isExcluded: (wall: Date) => boolean;
}

const someDays = fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 });
const someHours = fc.tuple(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 12, max: 23 }));
/** When the exception holds: on days of the week, or in hours of them. */
const period = fc.tuple(someDays, fc.option(someHours, { nil: undefined })).map(([days, hours]) => ({
  hours: hours ? `${hours[0]}-${hours[1]}` : '*',
  days: days.join(','),
  holds: (wall: Date): boolean =>
    days.includes(wall.getUTCDay()) && (!hours || (hours[0] <= wall.getUTCHours() && wall.getUTCHours() <= hours[1])),
}));

const bySeconds: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(2, 4, 5, 10, 20, 30), period)
  .map(([step, { hours, days, holds }]) => ({
    spec: { cron: `*/${step} * * * * *`, except: { cron: `*/${step} * ${hours} * * ${days}` } },
    stepMs: step * 1_000,
    isTick: (wall) => wall.getUTCSeconds() % step === 0,
    isExcluded: (wall) => wall.getUTCSeconds() % step === 0 && holds(wall),
  }));

const byMinutes: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(2, 5, 7, 20, 30, 45), period)
  .map(([step, { hours, days, holds }]) => ({
    spec: { cron: `*/${step} * * * *`, except: { cron: `*/${step} ${hours} * * ${days}` } },
    stepMs: MINUTE,
    isTick: (wall) => wall.getUTCMinutes() % step === 0,
    isExcluded: (wall) => wall.getUTCMinutes() % step === 0 && holds(wall),
  }));

const byInterval: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(2, 3, 5, 12, 30), fc.boolean(), period)
  .map(([every, isFitting, { hours, days, holds }]) => {
    const seconds = isFitting ? every : 2 * every; // else every other tick stays
    const named = `*/${seconds}`;
    return {
      spec: { every: every * 1_000, except: { cron: `${named} * ${hours} * * ${days}` } },
      stepMs: every * 1_000,
      isTick: () => true,
      isExcluded: (wall) => wall.getUTCSeconds() % seconds === 0 && holds(wall),
    };
  });

/** Every tick of the week that is left, found step by step. */
function keptOf({ stepMs, isTick, isExcluded }: Case, walk: ZoneWalk, from: number, to: number): number[] {
  const kept: number[] = [];
  for (let instant = from; instant < to; instant += stepMs) {
    const wall = new Date(walk.wallOf(instant));
    if (isTick(wall, instant) && !isExcluded(wall)) kept.push(instant);
  }
  return kept;
}

/** Starts where a stretch without ticks begins, which are what a search has to jump over. */
function beforeGaps(kept: readonly number[], stepMs: number): number[] {
  return kept.filter((tick, i) => kept[i + 1] !== undefined && kept[i + 1]! - tick > 2 * stepMs).slice(0, 20);
}

describe('exceptions of the fields of the schedule itself: properties', () => {
  it.each([
    ['UTC', '2030-01-02'],
    ['Australia/Lord_Howe', '2030-04-03'], // half an hour back
    ['Australia/Lord_Howe', '2030-10-03'], // and ahead
    ['America/New_York', '2030-03-07'],
    ['America/New_York', '2030-10-31'],
  ])('in %s in the week from %s as a search step by step', (zone, around) => {
    const from = at(around);
    const to = from + WEEK;
    const walk = new ZoneWalk(zone, from - 2 * DAY, to + 2 * DAY);
    fc.assert(
      fc.property(
        fc.oneof(bySeconds, byMinutes, byInterval),
        fc.array(fc.integer({ min: from, max: to }), { minLength: 3, maxLength: 6 }),
        (one, starts) => {
          const kept = keptOf(one, walk, from, to);
          const reused = compiled(one.spec, zone, from - DAY);
          for (const start of [...starts, ...beforeGaps(kept, one.stepMs)]) {
            const next = compiled(one.spec, zone, from - DAY).next(start);
            expect(next !== undefined && next < to ? next : undefined).toBe(kept.find((tick) => tick > start));
            expect(reused.next(start)).toBe(next);
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});
