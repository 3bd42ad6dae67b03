import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CronExpressionParser } from 'cron-parser';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { END_OF_TIME } from '../../../lib/core/schedule/schedule.js';
import {
  changesOf,
  type ClockChange,
  jumpOf,
  matchingTimes,
  POLICIES,
  ticksByCalendar,
  ticksOf,
  walkTheClock,
} from './clock-walk.js';
import {
  anyCron,
  cronAround,
  type CronCase,
  dailyCron,
  quartersOf,
  sparseCron,
  wallTimeOf,
  workdayCron,
} from './cron-arbitrary.js';
import { compareAllPolicies, compareTicks } from './tick-comparison.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Changes of the past by an hour, half an hour, a quarter, two hours, a day; at night, at midnight; for Ramadan; in seconds. */
const FACTS: [zone: string, at: string, jumpMinutes: number][] = [
  ['America/New_York', '2021-03-14T07:00:00Z', 60],
  ['America/New_York', '2021-11-07T06:00:00Z', -60],
  ['Europe/London', '2021-03-28T01:00:00Z', 60],
  ['Europe/London', '2021-10-31T01:00:00Z', -60],
  ['Australia/Lord_Howe', '2021-10-02T15:30:00Z', 30],
  ['Australia/Lord_Howe', '2022-04-02T15:00:00Z', -30],
  ['Antarctica/Troll', '2021-03-28T01:00:00Z', 120],
  ['Antarctica/Troll', '2021-10-31T01:00:00Z', -120],
  ['Antarctica/Casey', '2010-03-04T15:00:00Z', -180],
  ['Africa/Cairo', '2023-04-27T22:00:00Z', 60],
  ['Africa/Cairo', '2023-10-26T21:00:00Z', -60],
  ['America/Havana', '2021-03-14T05:00:00Z', 60],
  ['America/Havana', '2021-11-07T05:00:00Z', -60],
  ['America/Santiago', '2021-09-05T04:00:00Z', 60],
  ['America/Santiago', '2021-04-04T03:00:00Z', -60],
  ['Asia/Beirut', '2021-03-27T22:00:00Z', 60],
  ['Pacific/Chatham', '2021-09-25T14:00:00Z', 60],
  ['Pacific/Chatham', '2021-04-03T14:00:00Z', -60],
  ['Africa/Casablanca', '2022-03-27T02:00:00Z', -60],
  ['Africa/Casablanca', '2022-05-08T02:00:00Z', 60],
  ['Pacific/Apia', '2011-12-30T10:00:00Z', 1440],
  ['Pacific/Kwajalein', '1993-08-21T12:00:00Z', 1440],
  ['Asia/Kathmandu', '1985-12-31T18:30:00Z', 15],
  ['Asia/Pyongyang', '2015-08-14T15:00:00Z', -30],
  ['Asia/Pyongyang', '2018-05-04T15:00:00Z', 30],
  ['America/Caracas', '2007-12-09T07:00:00Z', -30],
  ['America/Caracas', '2016-05-01T07:00:00Z', 30],
  ['Europe/Moscow', '2014-10-25T22:00:00Z', -60],
  // Two changes within a week, or a few.
  ['America/Recife', '2000-10-08T03:00:00Z', 60],
  ['America/Recife', '2000-10-15T02:00:00Z', -60],
  ['America/Argentina/Tucuman', '2004-06-01T03:00:00Z', -60],
  ['America/Argentina/Tucuman', '2004-06-13T04:00:00Z', 60],
  ['Africa/Cairo', '2010-09-09T22:00:00Z', 60],
  ['Africa/Cairo', '2010-09-30T21:00:00Z', -60],
  ['Africa/Monrovia', '1972-01-07T00:44:30Z', 44.5],
];

/** Changes to come, if the zone data does not change: at the edges of what the library remembers of a zone at once. */
const FUTURE: [zone: string, around: string][] = [
  ['Asia/Jerusalem', '2079-03-24T00:00Z'],
  ['Asia/Gaza', '2083-03-27T00:00Z'],
  ['Asia/Jerusalem', '2087-03-28T00:00Z'],
  ['Africa/Casablanca', '2087-03-30T02:00Z'],
  ['Europe/Chisinau', '2087-03-30T00:00Z'],
  ['America/Santiago', '2094-04-04T03:00Z'],
  ['America/Santiago', '2095-04-03T03:00Z'],
  ['Africa/Cairo', '2121-04-24T22:00Z'],
  ['Africa/Cairo', '2128-04-29T22:00Z'],
  ['UTC', '2030-06-30T23:59Z'],
];

const ZONES = Intl.supportedValuesOf('timeZone');
const zones = fc.constantFrom(...ZONES);
const policies = fc.constantFrom(...POLICIES);
const instant = (from: number, to: number): fc.Arbitrary<number> =>
  fc.integer({ min: Date.UTC(from), max: Date.UTC(to) });

/** From some hours before `at` to some hours after it. */
function checkAround(zone: string, at: number, changes: readonly ClockChange[]): void {
  const reach = Math.max(0, ...changes.map((change) => Math.abs(jumpOf(change)))) + 5 * HOUR;
  const from = Math.floor((at - reach) / MINUTE) * MINUTE;
  const to = from + 2 * reach;
  const times = walkTheClock(zone, from, to, changes);
  const walls = changes.length > 0 ? changes.flatMap(({ before, after }) => [before, after]) : [at];
  const hours = walls.map((wall) => wallTimeOf(wall).hour);
  const around = fc.constantFrom(...walls).chain((wall) => cronAround(wall, hours));
  const edges = changes.flatMap((change) =>
    [-1, -0.5, 0, 0.5, 1].map((part) => change.at + part * jumpOf(change) - 1_500),
  );
  const starts = fc.array(fc.integer({ min: from, max: to }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.oneof(around, dailyCron, anyCron, workdayCron), starts, (cron, some) => {
      const matching = matchingTimes(cron, times);
      // Between two of them a search far later, so that what is remembered of the zone is of another year.
      const there = [...edges, ...some].flatMap((start) => [at + 40 * DAY, start]);
      compareAllPolicies(cron, { zone, from, to, starts: there }, (policy) => ticksOf(cron, policy, matching));
    }),
    { numRuns: 20, examples: hours.map((hour): [CronCase, number[]] => [quartersOf(hour), []]) },
  );
}

/** A Sunday that is 29 February comes so rarely that a few of them reach the end of time. */
function expectNoMore(cron: CronCase, zone: string, last: number): void {
  expect(ticksByCalendar(cron, POLICIES[0]!, zone, last + 1, END_OF_TIME)).toEqual([]);
}

describe('the oracle', () => {
  const ask = (zone: string, at: number, cron: Parameters<typeof ticksOf>[0]): string[] => {
    const [from, to] = [at - 6 * HOUR, at + 6 * HOUR];
    const times = walkTheClock(zone, from, to, changesOf(zone, from, to));
    return POLICIES.map((policy) =>
      ticksOf(cron, policy, matchingTimes(cron, times))
        .map((tick) => `${new Date(tick.at).toISOString().slice(11, 16)} ${tick.why}`)
        .join(', '),
    );
  };
  const at = (hour: number, minute: number): Parameters<typeof ticksOf>[0] => ({
    expression: `${minute} ${hour} * * *`,
    everyHour: false,
    seconds: [0],
    minutes: [minute],
    hours: [hour],
    isDay: () => true,
    matches: (time) => time.hour === hour && time.minute === minute && time.second === 0,
  });

  // Worked out by hand. The policies in order: shift with first, second, both; skip with first, second, both.
  it('says what the rules say', () => {
    const [shifted, none] = ['07:30 shifted', ''];
    const gap = ask('America/New_York', Date.parse('2021-03-14T07:00Z'), at(2, 30));
    expect(gap).toEqual([shifted, shifted, shifted, none, none, none]);
    const [first, second] = ['05:30 first', '06:30 second'];
    const overlap = ask('America/New_York', Date.parse('2021-11-07T06:00Z'), at(1, 30));
    const choices = [first, second, `${first}, ${second}`];
    expect(overlap).toEqual([...choices, ...choices]);
    const hourly = { ...at(1, 30), everyHour: true };
    expect(new Set(ask('America/New_York', Date.parse('2021-11-07T06:00Z'), hourly))).toEqual(new Set([choices[2]]));
    expect(ask('America/New_York', Date.parse('2021-03-14T07:00Z'), { ...at(2, 30), everyHour: true }).join('')).toBe(
      '',
    );
    expect(ask('Pacific/Apia', Date.parse('2011-12-30T10:00Z'), at(23, 0))[0]).toBe('09:00 once, 09:00 shifted');
  });

  it('agrees with itself: a walk along the clock and a look into the calendar', () => {
    const facts = FACTS.filter(([, , jump]) => Number.isInteger(jump));
    fc.assert(
      fc.property(
        fc.constantFrom(...facts),
        fc.oneof(dailyCron, sparseCron),
        policies,
        ([zone, date], cron, policy) => {
          const [from, to] = [Date.parse(date) - 30 * HOUR, Date.parse(date) + 30 * HOUR];
          const times = walkTheClock(zone, from, to, changesOf(zone, from, to));
          const walked = ticksOf(cron, policy, matchingTimes(cron, times));
          expect(ticksByCalendar(cron, policy, zone, from, to)).toEqual(walked);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('cron: properties', () => {
  it.each(FACTS)(
    'in %s at %s, when clocks jump by %d minutes, it fires what a walk says',
    (zone, date, jumpMinutes) => {
      const at = Date.parse(date);
      const changes = changesOf(zone, at - 2 * DAY, at + 2 * DAY);
      expect(changes.map((change) => [change.at, jumpOf(change)])).toEqual([[at, jumpMinutes * MINUTE]]);
      checkAround(zone, at, changes);
    },
  );

  it.each(FUTURE)('in %s around %s it fires what a walk says', (zone, date) => {
    const at = Date.parse(date);
    checkAround(zone, at, changesOf(zone, at - 2 * DAY, at + 2 * DAY));
  });

  it('in any zone and year it fires what a calendar says, from the first instant on', () => {
    const starts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
    const begin = fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: instant(1970, 2198) });
    fc.assert(
      fc.property(
        zones,
        fc.oneof(sparseCron, workdayCron),
        policies,
        begin,
        starts,
        (zone, cron, policy, from, parts) => {
          const to = from + Math.max(2, Math.min(700, 400 / (cron.hours.length * cron.minutes.length))) * DAY;
          const stretch = { zone, from, to, starts: parts.map((part) => Math.floor(from + part * (to - from))) };
          compareTicks(cron, policy, stretch, ticksByCalendar(cron, policy, zone, from, to));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('without a zone it agrees with cron-parser and with the meaning of the fields', () => {
    fc.assert(
      fc.property(anyCron, instant(1970, 2150), (cron, after) => {
        const parsed = CronExpressionParser.parse(cron.expression, { tz: 'UTC', currentDate: new Date(after) });
        const schedule = cronSchedule(cron.expression, 'UTC');
        for (let last = after, i = 0; i < 5; i++) {
          const tick = schedule.next(last);
          if (tick === undefined) return expectNoMore(cron, 'UTC', last);
          expect(tick).toBe(parsed.next().getTime());
          expect(cron.matches(wallTimeOf(tick))).toBe(true);
          last = tick;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('in every zone it grows strictly, ends, and has one answer between two ticks', () => {
    fc.assert(
      fc.property(
        anyCron,
        zones,
        policies,
        instant(1980, 2100),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (cron, zone, policy, after, part) => {
          const schedule = cronSchedule(cron.expression, zone, policy);
          let last = after;
          for (let i = 0; i < 10; i++) {
            const tick = schedule.next(last);
            if (tick === undefined) return expectNoMore(cron, zone, last);
            expect(tick).toBeGreaterThan(last);
            expect(Number.isInteger(tick)).toBe(true);
            if (i > 0) expect(tick - last).toBeGreaterThanOrEqual(schedule.minGapMs);
            expect(schedule.next(Math.floor(last + (tick - 1 - last) * part))).toBe(tick);
            expect(schedule.next(tick - 1)).toBe(tick);
            last = tick;
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
