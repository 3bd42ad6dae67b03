import { describe, expect, it } from '@jest/globals';
import { bounded } from '../../../lib/core/schedule/bounds.js';
import { normalizeCalendar } from '../../../lib/core/schedule/calendar/named-calendar.js';
import {
  compileSchedule,
  normalizeSchedule,
  type ScheduleSpec,
  type StoredSchedule,
} from '../../../lib/core/schedule/schedule-spec.js';
import { warningsOf } from '../../../lib/core/schedule/warnings.js';
import { fastestOf } from './fastest-of.js';

const NOW = Date.UTC(2030, 1, 1);
const NY = 'America/New_York';
const calendars = {
  de: normalizeCalendar('de', { weekend: ['saturday', 'sunday'], holidays: ['12-25', '12-26'] }),
};

const store = (spec: ScheduleSpec, now = NOW): StoredSchedule =>
  normalizeSchedule(spec, { now, timeZone: 'UTC', calendars, seed: 'billing' });

const warnings = (spec: ScheduleSpec, now = NOW): string[] => {
  const stored = store(spec, now);
  return warningsOf(stored, compileSchedule(stored), now);
};

const WARNED: [spec: ScheduleSpec, says: (string | RegExp)[]][] = [
  // Never.
  [{ at: '2029-12-31' }, ['it never fires: 2029-12-31T00:00:00.000Z is past; give a later time']],
  [
    { anyOf: [{ at: '2029-01-01' }, { at: '2028-01-01' }] },
    ['it never fires: all its times are past; give later ones'],
  ],
  [{ daily: '09:00', except: { cron: '* * * * *' } }, ['it never fires: except leaves no tick; make it narrower']],
  [
    { weekly: { on: ['sat', 'sun'], at: '09:00' }, except: { calendar: 'de' } },
    ['it never fires: except leaves no tick; make it narrower'],
  ],
  [
    { anyOf: [{ daily: '09:00' }, { at: '2029-12-31' }] },
    ['anyOf: 2029-12-31T00:00:00.000Z is past and never fires; leave it out'],
  ],
  // Clocks jump ahead, go back.
  [
    { cron: '30 2 * * *', timeZone: NY },
    [
      'cron "30 2 * * *": 02:30 does not exist on Sun 2030-03-10 in America/New_York, where clocks jump from 02:00 to 03:00: it fires at 03:30 then; choose another time, or dst: { gap: \'skip\' } for not at all on that day',
    ],
  ],
  [
    { daily: ['09:00', '02:30'], timeZone: NY, dst: { gap: 'skip' } },
    [
      "02:30 does not exist on Sun 2030-03-10 in America/New_York, where clocks jump from 02:00 to 03:00: it does not fire on that day; choose another time, or dst: { gap: 'shift' } for as much later",
    ],
  ],
  [
    { weekly: { on: 'sunday', at: '01:30' }, timeZone: NY },
    [
      "01:30 comes twice on Sun 2030-11-03 in America/New_York, where clocks go back from 02:00 to 01:00: it fires the first time only; choose another time, or dst: { overlap: 'both' } for both",
    ],
  ],
  [
    { weekly: { on: 'sunday', at: '01:30' }, timeZone: NY, dst: { overlap: 'second' } },
    [/comes twice .* it fires the second time only; .* dst: \{ overlap: 'both' \}/],
  ],
  [
    { weekly: { on: 'sunday', at: '01:30' }, timeZone: NY, dst: { overlap: 'both' } },
    [/comes twice .* it fires both times; .* dst: \{ overlap: 'first' \}/],
  ],
  [
    { cron: '*/15 0-3 * * *', timeZone: 'Australia/Lord_Howe' },
    [
      /02:00 does not exist on Sun 2030-10-06 .* from 02:00 to 02:30: it fires at 02:30 then/,
      /01:30 comes twice on Sun 2030-04-07 .* from 02:00 to 01:30/,
    ],
  ],
  [{ cron: '15 30 2 * * *', timeZone: NY }, [/02:30:15 does not exist .* it fires at 03:30:15 then/]],
  // The first of two schedules to meet a change, in the second of the years ahead as well.
  [
    {
      anyOf: [
        { cron: '30 2 10-20 3 sun', timeZone: 'Europe/London' },
        { monthly: { day: 11, at: '02:30' }, timeZone: NY },
        { daily: '01:30', timeZone: 'Europe/London' },
      ],
    },
    [/^01:30 does not exist on Sun 2030-03-31 in Europe\/London/, /^01:30 comes twice on Sun 2030-10-27/, /both given/],
  ],
  [{ monthly: { day: 9, at: '02:30' }, timeZone: NY }, [/^02:30 does not exist on Sun 2031-03-09/]],
  // A policy that does nothing.
  [
    { cron: '*/5 * * * *', timeZone: NY, dst: { gap: 'skip' } },
    ['dst has no effect: what runs in all 24 hours keeps its pace when clocks change; leave it out'],
  ],
  [
    { daily: '02:30', timeZone: 'Asia/Tokyo', dst: { gap: 'skip' } },
    ['dst has no effect: clocks in Asia/Tokyo do not change; leave it out, or give the timeZone that is meant'],
  ],
  [{ cron: '*/5 * * * *', dst: { overlap: 'first' } }, [/^dst has no effect: clocks in UTC do not change/]],
  // An exclusion of the time that is skipped does not catch the time it is shifted to.
  [{ daily: '02:30', timeZone: NY, except: { weekly: { on: 'sun', at: '02:30' } } }, [/it fires at 03:30 then/]],
  // Dense.
  [
    { cron: '* * * * * *' },
    ['it fires up to 86,400 times a day, each a run with its record; do several pieces of work in one run, less often'],
  ],
  [{ every: '1s' }, [/up to 86,400 times a day/]],
  [{ every: '10ms' }, [/up to 8,640,000 times a day/]],
  [{ anyOf: [{ every: '2s' }, { cron: '*/2 * * * * *' }] }, [/up to 86,400 times a day/]],
  // Both kinds of days.
  [
    { cron: '0 9 13 * fri' },
    [
      'cron "0 9 13 * fri": day of month and day of week are both given, and either suffices: At 09:00, on day 13 of the month or on Friday; where both must hold, give one of them and exclude the others by except',
    ],
  ],
  // Days that not every month has.
  [
    { cron: '0 9 31 * *' },
    [
      'cron "0 9 31 * *": there is no day 31 in February, April, June, September, November, where it does not fire; for the last day of each month give L',
    ],
  ],
  [{ cron: '0 9 1,30 1-3 *' }, [/no day 30 in February, where/]],
  [{ cron: '0 9 29 2 *' }, [/no day 29 in most Februaries, where .* give L$/]],
  [{ cron: '0 9 29,30 * *' }, [/no day 30 in February, where/]],
  [{ cron: '0 9 31W * *' }, [/no day 31 in .* give LW$/]],
  [
    { monthly: { day: [1, 31], at: '09:00' } },
    [/^monthly: there is no day 31 in February, April, .* give day: 'last'$/],
  ],
  // Steps that begin anew.
  [
    { cron: '*/7 * * * *' },
    [
      'cron "*/7 * * * *": */7 begins anew with every hour, after minute 56 the next comes 4 minutes later; for an even pace give { every: \'7m\' }',
    ],
  ],
  [{ cron: '*/45 * * * * *' }, [/every minute, after second 45 the next comes 15 seconds later; .* every: '45s'/]],
  [{ cron: '3/25 * * * *' }, [/after minute 53 the next comes 10 minutes later/]],
  [{ cron: '0 */5 * * *' }, [/every day, after hour 20 the next comes 4 hours later; .* every: '5h'/]],
  [{ cron: '0 9 */2 * *' }, [/every month, however long that is; .* every: '2d'/]],
  [{ cron: '0 9 1 */5 *' }, [/every year, after month 11 the next comes 2 months later; .* list each month$/]],
  [{ cron: '0 9 * * */2' }, [/every week, after day 6 the next comes 1 day later; .* list each day$/]],
];

/** What is meant as it stands. */
const QUIET: ScheduleSpec[] = [
  'now',
  { delay: '1h' },
  { at: '2030-03-10T02:30:00-05:00' },
  { every: '1001ms' },
  { every: '1d' },
  { cron: '*/2 * * * * *' },
  { cron: '0 9 * * mon-fri', timeZone: NY },
  { cron: '30 2 * * *' },
  { cron: '30 2 * * *', timeZone: 'Asia/Tokyo' },
  // In all 24 hours: real time, without a word.
  { cron: '30 * * * *', timeZone: NY },
  // 02:30, but never on the days of change.
  { cron: '30 2 * * mon-fri', timeZone: NY },
  { cron: '30 2 * 1,12 *', timeZone: NY },
  { daily: '02:30', timeZone: NY, except: { cron: '* * * * sun' } },
  { weekly: { on: 'sun', at: '02:30' }, timeZone: NY, except: ['2030-03-10', '2031-03-09'] },
  { weekly: { on: 'sun', at: '01:30' }, timeZone: NY, except: ['2030-11-03', '2031-11-02'] },
  // A policy that matters, if not within two years.
  { daily: '09:00', timeZone: NY, dst: { gap: 'skip' } },
  { anyOf: [{ daily: '09:00' }, { cron: '0 * * * *' }], timeZone: NY, dst: { gap: 'skip' } },
  { cron: '0 9 L * *' },
  { cron: '0 9 L,30 * *' },
  { cron: '0 9 28-31 * *' },
  { cron: '0 9 28 * *' },
  { cron: '0 9 31 1,3,12 *' },
  { monthly: { day: 'last', at: '09:00' } },
  { cron: '*/15 * * * *' },
  { cron: '5/15 * * * *' },
  { cron: '*/45 3 * * *' }, // one hour a day: nothing begins anew
  { cron: '*/7 3,5 * * *' },
  { cron: '50/45 * * * *' }, // one number
  { cron: '5-40/7 * * * *' }, // a range that was meant to end
  { cron: 'H/15 H(0-7) * * *' },
  { daily: '09:00', except: { calendar: 'de', shift: 'next' } },
];

const text = (spec: ScheduleSpec): string => JSON.stringify(spec);

describe('warnings of a schedule', () => {
  it.each(WARNED.map(([spec, says]) => [text(spec), spec, says] as const))('%s', (_text, spec, says) => {
    const given = warnings(spec);
    expect(given).toHaveLength(says.length);
    says.forEach((one, i) => {
      if (typeof one === 'string') expect(given[i]).toBe(one);
      else expect(given[i]).toMatch(one);
    });
  });

  it.each(QUIET.map((spec) => [text(spec), spec] as const))('has none for %s', (_text, spec) => {
    expect(warnings(spec)).toEqual([]);
  });

  it('counts two years from now, and no change that is past', () => {
    const stored = store({ cron: '30 2 10 3 *', timeZone: NY }); // a day of change in 2030, 2041 and 2047
    const schedule = compileSchedule(stored);
    const at = (...date: [number, number, number]): number => warningsOf(stored, schedule, Date.UTC(...date)).length;
    expect(at(2030, 2, 10)).toBe(1);
    expect(at(2030, 2, 11)).toBe(0);
    expect(at(2039, 1, 1)).toBe(0);
    expect(at(2039, 2, 20)).toBe(1);
  });

  it('sees the bounds of the schedule', () => {
    const stored = store({ daily: '02:30', timeZone: NY });
    const schedule = compileSchedule(stored);
    const warned = (startAt?: number, endAt?: number): string[] =>
      warningsOf(stored, bounded(schedule, { startAt, endAt }), NOW);
    expect(warned(undefined, NOW)).toEqual([
      'it never fires: from now on it has no tick between its startAt and endAt; move one of them',
    ]);
    expect(warned(Date.UTC(2040, 0, 1), Date.UTC(2039, 0, 1))[0]).toMatch(/no tick between its startAt and endAt/);
    expect(warned(undefined, Date.UTC(2030, 2, 9))).toEqual([]);
    expect(warned(Date.UTC(2030, 2, 11), Date.UTC(2030, 5, 1))).toEqual([]);
    expect(warned(Date.UTC(2030, 2, 11))).toEqual([expect.stringContaining('Sun 2031-03-09')]);
    expect(warned(Date.UTC(2030, 2, 10), Date.UTC(2030, 2, 11))).toEqual([expect.stringContaining('Sun 2030-03-10')]);
    const once = store({ at: '2030-06-01' });
    expect(warningsOf(once, bounded(compileSchedule(once), { endAt: NOW + 1 }), NOW)[0]).toMatch(
      /its startAt and endAt/,
    );
  });

  it.each([
    ['one expression', { cron: '*/7 1-3 31 * sun', timeZone: NY }],
    [
      'a hundred times of day',
      { daily: Array.from({ length: 100 }, (_, i) => `0${i % 10}:${String(i % 60).padStart(2, '0')}`), timeZone: NY },
    ],
    ['a union of fifty', { anyOf: Array.from({ length: 50 }, (_, i) => ({ cron: `${i} 2 * * *`, timeZone: NY })) }],
  ] as [string, ScheduleSpec][])('costs little: %s', (_what, spec) => {
    const stored = store(spec);
    const schedule = compileSchedule(stored);
    expect(warningsOf(stored, schedule, NOW).length).toBeGreaterThan(0);
    expect(fastestOf(5, () => warningsOf(stored, schedule, NOW))).toBeLessThan(20);
  });
});
