import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CronExpressionParser } from 'cron-parser';
import { cronSchedule } from '../../../lib/core/schedule/cron.js';
import { anyCron, type CronCase, dailyCron, type WallTime, wallTimeOf } from './cron-arbitrary.js';
import { fastestOf } from './fastest-of.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** Days on which clocks change: by an hour, half an hour, a quarter, two hours, a day; at night, at midnight; for Ramadan. */
const CHANGES: [zone: string, around: string][] = [
  ['America/New_York', '2030-03-10'],
  ['America/New_York', '2030-11-03'],
  ['Europe/London', '2030-03-31'],
  ['Europe/London', '2030-10-27'],
  ['Australia/Lord_Howe', '2030-10-05'],
  ['Australia/Lord_Howe', '2030-04-06'],
  ['Antarctica/Troll', '2030-03-31'],
  ['Antarctica/Troll', '2030-10-27'],
  ['Africa/Cairo', '2030-04-25'],
  ['Africa/Cairo', '2030-10-31'],
  ['America/Havana', '2030-03-10'],
  ['America/Havana', '2030-11-03'],
  ['America/Santiago', '2030-09-08'],
  ['America/Santiago', '2030-04-07'],
  ['Asia/Beirut', '2030-03-31'],
  ['Pacific/Chatham', '2030-09-28'],
  ['Africa/Casablanca', '2023-03-19'],
  ['Africa/Casablanca', '2023-04-23'],
  ['Pacific/Apia', '2011-12-30'],
  ['Asia/Kathmandu', '1985-12-31'],
  ['Asia/Pyongyang', '2015-08-14'],
  ['Asia/Pyongyang', '2018-05-04'],
  ['America/Caracas', '2007-12-09'],
  ['Europe/Moscow', '2014-10-25'],
  ['UTC', '2030-06-30'],
];

const ZONES = Intl.supportedValuesOf('timeZone');
const instant = (from: number, to: number): fc.Arbitrary<number> =>
  fc.integer({ min: Date.UTC(from), max: Date.UTC(to) });

/** What happens on the clocks of a zone: each minute they show, skip or show again, and the instant it counts as. */
interface ClockMinute {
  at: number;
  time: WallTime;
  kind: 'shown' | 'skipped' | 'repeated';
}

function walkTheClock(zone: string, from: number, to: number): ClockMinute[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const read = (at: number): number => Date.parse(`${format.format(at).replace(' ', 'T')}Z`);
  const minutes: ClockMinute[] = [];
  let furthest = read(from - MINUTE);
  for (let at = from, previous = furthest; at < to; at += MINUTE) {
    const wall = read(at);
    for (let skipped = previous + MINUTE; skipped < wall; skipped += MINUTE) {
      minutes.push({ at: at - MINUTE + skipped - previous, time: wallTimeOf(skipped), kind: 'skipped' });
    }
    minutes.push({ at, time: wallTimeOf(wall), kind: wall > furthest ? 'shown' : 'repeated' });
    [furthest, previous] = [Math.max(furthest, wall), wall];
  }
  return minutes;
}

/** The slow way: every minute of the walk that matches, by the two rules for changing clocks. */
function bruteForce({ matches, everyHour }: CronCase, minutes: ClockMinute[]): number[] {
  const counts = ({ kind }: ClockMinute): boolean => kind === 'shown' || (kind === 'repeated') === everyHour;
  const ticks = minutes.filter((minute) => counts(minute) && matches(minute.time)).map(({ at }) => at);
  return [...new Set(ticks)].sort((a, b) => a - b);
}

describe('cron: properties', () => {
  it.each(CHANGES)(
    'in %s around %s it fires what a walk along the clock says, from wherever it starts',
    (zone, around) => {
      const from = Date.parse(around) - DAY;
      const to = from + 3 * DAY;
      const minutes = walkTheClock(zone, from, to + DAY);
      fc.assert(
        fc.property(dailyCron, fc.array(fc.integer({ min: from - 1, max: to }), { maxLength: 20 }), (cron, starts) => {
          const schedule = cronSchedule(cron.expression, zone);
          const expected = bruteForce(cron, minutes).filter((tick) => tick < to);
          const ticks: number[] = [];
          for (let tick = schedule.next(from - 1)!; tick < to; tick = schedule.next(tick)!) ticks.push(tick);
          expect(ticks).toEqual(expected);
          for (const start of starts) {
            const next = schedule.next(start)!;
            expect(next < to ? next : undefined).toBe(expected.find((tick) => tick > start));
          }
          const gaps = ticks.slice(1).map((tick, i) => tick - ticks[i]!);
          expect(Math.min(Infinity, ...gaps)).toBeGreaterThanOrEqual(schedule.minGapMs);
        }),
        { numRuns: 25 },
      );
    },
  );

  it('without a zone it agrees with cron-parser and with the meaning of the fields', () => {
    fc.assert(
      fc.property(anyCron, instant(1970, 2150), (cron, after) => {
        const parsed = CronExpressionParser.parse(cron.expression, { tz: 'UTC', currentDate: new Date(after) });
        const schedule = cronSchedule(cron.expression, 'UTC');
        for (let tick = after, i = 0; i < 5; i++) {
          tick = schedule.next(tick)!;
          expect(tick).toBe(parsed.next().getTime());
          expect(cron.matches(wallTimeOf(tick))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('in every zone it grows strictly, ends, and has one answer between two ticks', () => {
    fc.assert(
      fc.property(
        anyCron,
        fc.constantFrom(...ZONES),
        instant(1980, 2100),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (cron, zone, after, part) => {
          const schedule = cronSchedule(cron.expression, zone);
          let last = after;
          for (let i = 0; i < 10; i++) {
            const tick = schedule.next(last)!;
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

  it('finds the rarest date within 50 ms, in a zone never seen before', () => {
    const times = ZONES.filter((_, i) => i % 20 === 0).map((zone) => {
      const schedule = cronSchedule('7 7 * 2 1#5', zone);
      return fastestOf(1, () => schedule.next(Date.UTC(2072, 2, 1)));
    });
    // Each can be measured once only; a few may have waited for the machine.
    const [slowest] = times.sort((a, b) => b - a).slice(3);
    expect(slowest).toBeLessThan(50);
  });
});
