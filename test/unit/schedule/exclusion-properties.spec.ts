import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bounded } from '../../../lib/core/schedule/bounds.js';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { MOST_BLOCKS } from '../../../lib/core/schedule/calendar/excluded-blocks.js';
import {
  type Exclusion,
  excludes,
  normalizeExclusions,
  type StoredExclusion,
  withExclusions,
} from '../../../lib/core/schedule/calendar/exclusion.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { normalizeCalendar } from '../../../lib/core/schedule/calendar/named-calendar.js';
import { derived, type Schedule } from '../../../lib/core/schedule/schedule.js';
import { lastTick } from '../../../lib/core/schedule/ticks.js';
import { calendarNear, datesNear } from './calendar-arbitrary.js';
import { fastestOf } from './fastest-of.js';
import { CHANGES, DAY, ZoneWalk } from './zone-oracle.js';

const MINUTE = 60_000;
const RUNS_PER_CHANGE = 55;

/** An exclusion as users write it, and whether it covers an instant: from the words, not from the library. */
interface Case {
  stored: (zone: string) => StoredExclusion;
  covers: (walk: ZoneWalk, instant: number) => boolean;
}

const written = (exclusion: Exclusion, covers: Case['covers']): Case => ({
  stored: (timeZone) => normalizeExclusions(exclusion, { timeZone, calendars: {} })[0]!,
  covers,
});

interface Field {
  text: string;
  has: (value: number) => boolean;
}

const field = (max: number): fc.Arbitrary<Field> => {
  const value = fc.integer({ min: 0, max });
  const list = fc.uniqueArray(value, { minLength: 1, maxLength: 5 });
  return fc.oneof(
    fc.constant({ text: '*', has: () => true }),
    fc.tuple(value, value).map(([a, b]) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      return { text: `${from}-${to}`, has: (v: number) => from <= v && v <= to };
    }),
    list.map((values) => ({ text: values.join(','), has: (v: number) => values.includes(v) })),
    fc.integer({ min: 2, max }).map((step) => ({ text: `*/${step}`, has: (v: number) => v % step === 0 })),
  );
};

const cronPeriod = (seconds: fc.Arbitrary<Field | undefined>): fc.Arbitrary<Case> =>
  fc.tuple(seconds, field(59), field(23), field(6)).map(([second, minute, hour, weekday]) => {
    const cron = `${second ? `${second.text} ` : ''}${minute.text} ${hour.text} * * ${weekday.text}`;
    return written({ cron }, (walk, instant) => {
      const time = new Date(walk.wallOf(instant));
      const isSecond = second === undefined || second.has(time.getUTCSeconds());
      return (
        isSecond && minute.has(time.getUTCMinutes()) && hour.has(time.getUTCHours()) && weekday.has(time.getUTCDay())
      );
    });
  });

const twoDigits = (value: number): string => String(value).padStart(2, '0');

const dailyPeriod: fc.Arbitrary<Case> = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((times) => {
    const daily = times.map(([hour, minute]) => `${twoDigits(hour)}:${twoDigits(minute)}`);
    return written({ daily }, (walk, at) => daily.includes(new Date(walk.wallOf(at)).toISOString().slice(11, 16)));
  });

const exclusion = (around: string, seconds: fc.Arbitrary<Field | undefined>): fc.Arbitrary<Case> => {
  const instant = fc.integer({ min: Date.parse(around) - DAY, max: Date.parse(around) + 2 * DAY });
  return fc.oneof(
    datesNear(around, 2).map((dates) => written(dates.written, (walk, at) => dates.has(walk.dateOf(at)))),
    calendarNear(around).map(({ options, isOpen }) => ({
      stored: () => normalizeCalendar('x', options),
      covers: (walk: ZoneWalk, at: number) => !isOpen(walk.dateOf(at)),
    })),
    cronPeriod(seconds),
    dailyPeriod,
    fc
      .tuple(instant, instant)
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
        return written(range, (_, at) => from <= at && at < to);
      }),
  );
};

const schedule = (around: string, shortest: number): fc.Arbitrary<(zone: string) => Schedule> =>
  fc.oneof(
    fc.tuple(field(59), field(23)).map(
      ([minute, hour]) =>
        (zone: string) =>
          cronSchedule(`${minute.text} ${hour.text} * * *`, zone),
    ),
    fc.tuple(fc.integer({ min: shortest, max: 60 * shortest }), fc.integer({ min: 0, max: DAY })).map(
      ([every, by]) =>
        () =>
          intervalSchedule(every, Date.parse(around) - 3 * DAY + by),
    ),
  );

/** All ticks in (from, to), one after the other. */
function ticksOf(ticks: Schedule, from: number, to: number): number[] {
  const all: number[] = [];
  for (let tick = ticks.next(from); tick !== undefined && tick < to; tick = ticks.next(tick)) all.push(tick);
  return all;
}

function holds(
  walk: ZoneWalk,
  zone: string,
  endless: Schedule,
  except: readonly Case[],
  from: number,
  to: number,
  starts: readonly number[],
) {
  const stored = except.map((one) => one.stored(zone));
  const base = bounded(endless, { endAt: to + DAY }); // where nothing is left it need not search to the end of time
  const expected = ticksOf(base, from, to).filter((tick) => !except.some(({ covers }) => covers(walk, tick)));
  const kept = withExclusions(base, stored, zone);
  expect(ticksOf(kept, from, to)).toEqual(expected);
  for (const start of starts) {
    // From a start of its own, and by one that has answered before.
    const next = withExclusions(base, stored, zone).next(start);
    expect(next !== undefined && next < to ? next : undefined).toBe(expected.find((tick) => tick > start));
    expect(kept.next(start)).toBe(next);
  }
}

describe('exclusions: properties', () => {
  it.each(CHANGES)('in %s around %s only what is not covered fires, from wherever it starts', (zone, around) => {
    const from = Date.parse(around) - DAY;
    const to = from + 3 * DAY;
    const walk = new ZoneWalk(zone, from - DAY, to + DAY);
    fc.assert(
      fc.property(
        schedule(around, MINUTE),
        fc.array(exclusion(around, fc.constant(undefined)), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: from, max: to }), { maxLength: 4 }),
        (base, except, starts) => holds(walk, zone, base(zone), except, from, to, starts),
      ),
      { numRuns: RUNS_PER_CHANGE },
    );
  });

  it.each(CHANGES)('in %s around %s single seconds are covered', (zone, around) => {
    const day = new ZoneWalk(zone, Date.parse(around) - 2 * DAY, Date.parse(around) + 3 * DAY);
    const change = Array.from({ length: 72 * 60 }, (_, i) => Date.parse(around) - DAY + i * MINUTE).find(
      (at) => day.wallOf(at + MINUTE) - day.wallOf(at) !== MINUTE,
    );
    const from = (change ?? Date.parse(around)) - 10 * MINUTE;
    const to = from + 20 * MINUTE;
    fc.assert(
      fc.property(
        fc.integer({ min: 700, max: 30_000 }),
        fc.array(fc.oneof(cronPeriod(field(59)), exclusion(around, field(59))), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: from, max: to }), { maxLength: 4 }),
        (every, except, starts) => holds(day, zone, intervalSchedule(every, from - 777), except, from, to, starts),
      ),
      { numRuns: 30 },
    );
  });

  it('says of each tick which exclusion removes it', () => {
    const [zone, around] = CHANGES[0]!;
    const from = Date.parse(around) - DAY;
    const walk = new ZoneWalk(zone, from - DAY, from + 4 * DAY);
    fc.assert(
      fc.property(
        exclusion(around, fc.constant(undefined)),
        fc.integer({ min: from, max: from + 3 * DAY }),
        (one, tick) => {
          expect(excludes(one.stored(zone), zone)(tick)).toBe(one.covers(walk, tick));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('exclusions: time', () => {
  const zone = 'America/New_York';
  const at = (text: string): number => Date.parse(text);
  const kept = (base: Schedule, ...except: Exclusion[]): Schedule =>
    withExclusions(base, normalizeExclusions(except, { timeZone: zone, calendars: {} }), zone);
  const everySecond = cronSchedule('* * * * * *', zone);

  it.each<[string, () => Schedule, string, string]>([
    [
      'a night of seconds',
      () => kept(everySecond, { cron: '* 20-23,0-7 * * *' }),
      '2030-03-09T20:00:00-05:00',
      '2030-03-10T08:00:00-04:00',
    ],
    [
      'a year of seconds',
      () => kept(everySecond, { from: '2030-01-01', to: '2030-12-31' }),
      '2030-01-01T00:00:00-05:00',
      '2031-01-01T00:00:00-05:00',
    ],
    [
      'all months but one',
      () => kept(everySecond, { cron: '* * * 1-11 *' }),
      '2030-01-01T00:00:00-05:00',
      '2030-12-01T00:00:00-05:00',
    ],
    [
      'ten milliseconds of an odd second',
      () => kept(intervalSchedule(10, 0), { cron: '*/2 * * * * *' }),
      '2030-01-01T00:00:00-05:00',
      '2030-01-01T00:00:01-05:00',
    ],
  ])('jumps over %s', (_, build, start, first) => {
    expect(build().next(at(start) - 1)).toBe(at(first));
    const work = (): unknown => build().next(at(start) - 1);
    expect(fastestOf(5, work)).toBeLessThan(50);
  });

  /** A schedule that counts how often it is asked. */
  function counted(base: Schedule): { schedule: Schedule; calls: () => number } {
    let calls = 0;
    const next = (after: number): number | undefined => {
      calls++;
      return base.next(after);
    };
    return { schedule: derived(base, { next }), calls: () => calls };
  }

  it.each<[string, Schedule, Exclusion[]]>([
    ['at noon, not in the hour after noon', cronSchedule('0 12 * * *', zone), [{ cron: '* 12 * * *' }]],
    ['every second, not on Sundays nor on others', everySecond, [{ cron: '* * * * 1-6' }, { cron: '* * * * 0' }]],
    [
      'every second, not in even ones nor in odd ones',
      everySecond,
      [{ cron: '*/2 * * * * *' }, { cron: '1-59/2 * * * * *' }],
    ],
    ['every second, not in any', everySecond, [{ cron: '@secondly' }]],
    ['every five minutes, not on any date', cronSchedule('*/5 * * * *', zone), [{ from: '07-01', to: '06-30' }]],
  ])('ends where every tick is excluded: %s; asked again it knows', (_, base, except) => {
    const { schedule, calls } = counted(base);
    const never = kept(schedule, ...except);
    expect(never.next(at('2030-01-01'))).toBeUndefined();
    expect(calls()).toBeLessThanOrEqual(MOST_BLOCKS + 1);
    const asked = calls();
    expect(never.next(at('2030-01-01T00:00:01Z'))).toBeUndefined();
    expect(calls()).toBe(asked);
  });

  it('looks back over a stretch without ticks at the cost of one search', () => {
    const { schedule, calls } = counted(cronSchedule('*/5 * * * *', zone));
    const never = kept(schedule, { cron: '*/5 * * * *' });
    expect(lastTick(never, at('2029-12-01'), at('2030-01-01'))).toBeUndefined();
    expect(calls()).toBeLessThan(MOST_BLOCKS + 31 * 288 + 100);
  });

  it('gives up where no tick comes in all the blocks it may jump over, and finds it from nearer', () => {
    const even = kept(everySecond, { cron: '1-59/2 * * * * *' }, { cron: '*/2 * * * 1-11 *' });
    expect(even.next(at('2030-01-01T00:00:00-05:00'))).toBeUndefined();
    expect(even.next(at('2030-01-01T00:00:01-05:00'))).toBeUndefined();
    expect(even.next(at('2030-11-30T15:00:00-05:00'))).toBe(at('2030-12-01T00:00:00-05:00'));
  });

  it('takes at most 5 ms for 99 of 100 ticks of a busy schedule with many exclusions', () => {
    const dates = Array.from({ length: 300 }, (_, i) =>
      new Date(at('2030-01-01') + i * 3 * DAY).toISOString().slice(0, 10),
    );
    const busy = kept(
      cronSchedule('*/20 * * * * *', zone),
      { cron: '* 0-7 * * *' },
      { weekly: { on: 'sun', at: '12:00' } },
      { cron: '*/7 * * * *' },
      ...dates,
    );
    const times: number[] = [];
    for (let i = 0, tick = at('2030-01-01'); i < 5_000; i++) {
      const start = performance.now();
      tick = busy.next(tick)!;
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    expect(times[4_950]).toBeLessThan(5);
  });
});
