import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import {
  type Exclusion,
  excludes,
  exclusionProblems,
  exclusionText,
  normalizeExclusions,
  type StoredExclusion,
  withExclusions,
} from '../../../lib/core/schedule/calendar/exclusion.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { jittered } from '../../../lib/core/schedule/jitter.js';
import { normalizeCalendar } from '../../../lib/core/schedule/calendar/named-calendar.js';
import { onceSchedule } from '../../../lib/core/schedule/once.js';
import { derived, type Schedule } from '../../../lib/core/schedule/schedule.js';

const calendars = {
  de: normalizeCalendar('de', { weekend: ['sat', 'sun'], holidays: ['12-25'] }),
  cn: normalizeCalendar('cn', { weekend: ['sat', 'sun'], workdays: ['2026-10-10'] }),
};

const normalized = (except: Exclusion | readonly Exclusion[], timeZone = 'UTC'): StoredExclusion[] =>
  normalizeExclusions(except, { timeZone, calendars });

/** The first ticks after a start that are left, in local time. */
function left(
  base: Schedule,
  except: Exclusion | readonly Exclusion[],
  zone: string,
  start: string,
  count: number,
): string[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const schedule = withExclusions(base, normalized(except, zone), zone);
  const ticks: string[] = [];
  for (
    let tick = schedule.next(Date.parse(start));
    ticks.length < count && tick !== undefined;
    tick = schedule.next(tick)
  ) {
    ticks.push(format.format(tick));
  }
  return ticks;
}

describe('exclusions: stored form', () => {
  it.each<[Exclusion | readonly Exclusion[], StoredExclusion[]]>([
    ['2026-12-25', [{ dates: '2026-12-25' }]],
    ['12-25', [{ dates: '12-25' }]],
    [{ from: '2026-12-28', to: '2027-01-02' }, [{ dates: '2026-12-28/2027-01-02' }]],
    [{ from: '2026-12-28', to: '2026-12-28' }, [{ dates: '2026-12-28' }]],
    [{ from: '12-24', to: '01-02' }, [{ dates: '12-24/01-02' }]],
    [
      { from: '2026-12-28T18:00', to: '2026-12-29T06:00Z' },
      [{ from: Date.parse('2026-12-28T17:00Z'), to: Date.parse('2026-12-29T06:00Z') }],
    ],
    [{ cron: '*  0-7 * * *' }, [{ crons: ['* 0-7 * * *'] }]],
    [{ cron: '@DAILY' }, [{ crons: ['@daily'] }]],
    [{ daily: ['02:00', '14:30:05'] }, [{ crons: ['0 2 * * *', '5 30 14 * * *'] }]],
    [{ weekly: { on: ['mon', 'fri'], at: '09:00' } }, [{ crons: ['0 9 * * 1,5'] }]],
    [{ monthly: { day: ['last', 'second tuesday'], at: '09:00' } }, [{ crons: ['0 9 L * *', '0 9 * * 2#2'] }]],
    [{ calendar: 'de' }, [calendars.de]],
    [{ calendar: 'de', shift: 'next' }, [{ ...calendars.de, shift: 'next' }]],
    [
      ['12-25', { calendar: 'de' }, '12-25'],
      [{ dates: '12-25' }, calendars.de],
    ],
    [[], []],
  ])('%j', (given, stored) => {
    expect(exclusionProblems(given, 'except')).toEqual([]);
    expect(normalized(given, 'Europe/Berlin')).toEqual(stored);
    expect(JSON.parse(JSON.stringify(stored))).toEqual(stored);
  });

  it.each<[Exclusion | readonly Exclusion[], string]>([
    [{ calendar: 'dee' }, 'except.calendar: there is no calendar "dee"; did you mean \'de\'? There are de, cn'],
    [['12-25', { calendar: 'toString' }], 'except[1].calendar: there is no calendar "toString"; There are de, cn'],
    [
      { from: '2026-12-29T06:30Z', to: '2026-12-29T07:00' },
      'except: {"from":"2026-12-29T06:30Z","to":"2026-12-29T07:00"} ends before it begins in Europe/Berlin',
    ],
  ])('refuses %j', (given, message) => {
    expect(exclusionProblems(given, 'except')).toEqual([]);
    let thrown: unknown;
    try {
      normalized(given, 'Europe/Berlin');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'INVALID_SCHEDULE', message });
  });

  it('says what to do where there is no calendar at all', () => {
    expect(() => normalizeExclusions({ calendar: 'de' }, { timeZone: 'UTC', calendars: {} })).toThrow(
      'except.calendar: there is no calendar "de", nor any other; give it in the module\'s option calendars',
    );
  });

  it('refuses a stored form of another version when it is read', () => {
    const unknown = [{ moonPhase: 'full' }] as unknown as StoredExclusion[];
    expect(() => withExclusions(intervalSchedule(1_000, 0), unknown, 'UTC')).toThrow(
      '{"moonPhase":"full"} is not a stored exclusion',
    );
  });
});

describe('exclusions: ticks', () => {
  const daily = cronSchedule('0 9 * * *', 'Europe/Berlin');

  it.each<[string, Schedule, Exclusion | Exclusion[], string, string[]]>([
    ['a date', daily, '2026-12-25', '2026-12-24', ['2026-12-24 09:00:00', '2026-12-26 09:00:00']],
    ['a date of every year', daily, '12-25', '2031-12-24', ['2031-12-24 09:00:00', '2031-12-26 09:00:00']],
    [
      'a range of dates',
      daily,
      { from: '2026-12-24', to: '2027-01-02' },
      '2026-12-23',
      ['2026-12-23 09:00:00', '2027-01-03 09:00:00'],
    ],
    [
      'instants, the second not included',
      daily,
      { from: '2026-12-24T09:00', to: '2026-12-26T09:00' },
      '2026-12-23',
      ['2026-12-23 09:00:00', '2026-12-26 09:00:00'],
    ],
    ['a calendar', daily, { calendar: 'de' }, '2026-12-24', ['2026-12-24 09:00:00', '2026-12-28 09:00:00']],
    [
      'a make-up working day',
      daily,
      { calendar: 'cn' },
      '2026-10-09T12:00Z',
      ['2026-10-10 09:00:00', '2026-10-12 09:00:00'],
    ],
    [
      'a night of an interval',
      intervalSchedule(7_000, Date.parse('2026-07-01T00:00Z')),
      { cron: '* 0-7 * * *' },
      '2026-07-01T21:59:55Z',
      ['2026-07-01 23:59:58', '2026-07-02 08:00:03'],
    ],
    [
      'single seconds',
      intervalSchedule(500, 0),
      { cron: '0-58 * * * * *' },
      '2026-07-01T00:00:00Z',
      ['2026-07-01 02:00:59', '2026-07-01 02:00:59', '2026-07-01 02:01:59'],
    ],
    [
      'a minute of a day',
      intervalSchedule(30_000, 0),
      { daily: '02:01' },
      '2026-07-01T00:00:00Z',
      ['2026-07-01 02:00:30', '2026-07-01 02:02:00'],
    ],
    [
      'an alias, its whole minute',
      intervalSchedule(30_000, 0),
      { cron: '@hourly' },
      '2026-07-01T00:59:00Z',
      ['2026-07-01 02:59:30', '2026-07-01 03:01:00'],
    ],
    [
      'an hour that comes twice, both times',
      intervalSchedule(1_800_000, 0),
      { cron: '* 2 * * *' },
      '2026-10-24T23:30:00Z',
      ['2026-10-25 03:00:00', '2026-10-25 03:30:00'],
    ],
    [
      'an hour that clocks skip',
      intervalSchedule(1_800_000, 0),
      { cron: '* 2 * * *' },
      '2026-03-29T00:00:00Z',
      ['2026-03-29 01:30:00', '2026-03-29 03:00:00'],
    ],
    [
      'several, each its own',
      daily,
      ['2026-12-25', { cron: '* * 26 12 *' }, { from: '2026-12-27', to: '2026-12-27' }],
      '2026-12-24',
      ['2026-12-24 09:00:00', '2026-12-28 09:00:00'],
    ],
    [
      'a shift before the rest, in whatever order they are given',
      daily,
      ['2026-12-28', { calendar: 'de', shift: 'next' }],
      '2026-12-25',
      ['2026-12-29 09:00:00', '2026-12-30 09:00:00'],
    ],
    [
      'no tick on a date that is closed, because it has moved before',
      cronSchedule('0 9 * * 6', 'Europe/Berlin'),
      ['2026-12-26', { calendar: 'de', shift: 'next' }],
      '2026-12-25',
      ['2026-12-28 09:00:00', '2027-01-04 09:00:00'],
    ],
    ['nothing', daily, [], '2026-12-24', ['2026-12-24 09:00:00', '2026-12-25 09:00:00']],
  ])('%s', (_, base, except, start, expected) => {
    expect(left(base, except, 'Europe/Berlin', start, expected.length)).toEqual(expected);
  });

  it('leaves a schedule as it is where nothing is excluded', () => {
    expect(withExclusions(daily, [], 'UTC')).toBe(daily);
  });

  it('counts tick by tick, and keeps the rest of what the schedule knows', () => {
    const noted = derived(intervalSchedule(60_000, 0), { noteOn: (tick) => `note on ${tick}` });
    const kept = withExclusions(jittered(noted, 5_000, 'seed'), normalized('2026-12-25'), 'UTC');
    expect('count' in kept).toBe(false);
    expect(kept.minGapMs).toBe(60_000);
    expect(kept.noteOn!(120_000)).toBe('note on 120000');
    expect(kept.delayOf!(120_000)).toBe(jittered(noted, 5_000, 'seed').delayOf!(120_000));
  });

  it('says which rule an instant falls under, a shift included', () => {
    const [date, calendar, shift] = normalized(['2026-12-24', { calendar: 'de' }, { calendar: 'de', shift: 'next' }]);
    const covered = (stored: StoredExclusion, at: string): boolean => excludes(stored, 'Europe/Berlin')(Date.parse(at));
    expect(covered(date!, '2026-12-23T23:00Z')).toBe(true);
    expect(covered(date!, '2026-12-24T23:00Z')).toBe(false);
    for (const one of [calendar!, shift!]) {
      expect(covered(one, '2026-12-24T23:00Z')).toBe(true);
      expect(covered(one, '2026-12-24T22:59:59Z')).toBe(false);
    }
  });
});

describe('exclusions: text', () => {
  it.each<[Exclusion, string]>([
    ['2026-12-25', '2026-12-25'],
    [{ from: '2026-12-28', to: '2027-01-02' }, '2026-12-28 to 2027-01-02'],
    [
      { from: '2026-12-28T18:00', to: '2026-12-29T06:00' },
      'between 2026-12-28T18:00:00.000Z and 2026-12-29T06:00:00.000Z',
    ],
    [{ cron: '* 0-7 * * *' }, 'cron * 0-7 * * *'],
    [{ daily: ['02:00', '03:00'] }, 'cron 0 2 * * * and 0 3 * * *'],
    [{ daily: ['01:00', '02:00', '03:00', '04:00', '05:00'] }, 'cron 0 1 * * *, 0 2 * * *, 0 3 * * * and 2 more'],
    [{ calendar: 'de' }, 'calendar de'],
    [{ calendar: 'de', shift: 'previous' }, 'calendar de (moved to the previous working day)'],
  ])('%j', (given, text) => {
    expect(exclusionText(normalized(given)[0]!)).toBe(text);
  });

  it('is part of the description', () => {
    const except = normalized([{ calendar: 'de', shift: 'next' }, '2026-12-24', { cron: '* 0-7 * * *' }]);
    expect(withExclusions(intervalSchedule(60_000, 0), except, 'UTC').describe()).toBe(
      'every 1m, except calendar de (moved to the next working day), 2026-12-24 and cron * 0-7 * * *',
    );
  });
});

describe('exclusions: problems', () => {
  const wanted =
    "give a date, as '2026-12-25' or '12-25', { from, to }, { calendar }, { cron }, { daily }, { weekly } or { monthly }";

  it.each<[unknown, string[]]>([
    [undefined, [`except: undefined excludes nothing; ${wanted}`]],
    [[null], [`except[0]: null excludes nothing; ${wanted}`]],
    [{}, [`except: {} excludes nothing; ${wanted}`]],
    ['2026-02-30', ['except: "2026-02-30" does not exist']],
    ['02-30', ['except: "02-30" does not exist']],
    ['2300-01-01', ['except: "2300-01-01" is outside the years 1970 to 2199']],
    [
      'de',
      ["except: \"de\" is not a date; give '2026-12-25', or '12-25' for every year; a calendar is { calendar: name }"],
    ],
    [{ from: '2026-12-25' }, ['except.to: is missing; a range has from and to, both included']],
    [{ to: '2026-12-25T09:00' }, ['except.from: is missing; a range has from and to']],
    [
      { from: '2026-12-25', to: '2026-12-24' },
      ['except: {"from":"2026-12-25","to":"2026-12-24"} ends before it begins'],
    ],
    [{ from: '2026-12-25', to: '2026-02-30' }, ['except.to: "2026-02-30" does not exist']],
    [
      { from: '2026-12-25', to: '2026-12-26T09:00' },
      [
        'except: {"from":"2026-12-25","to":"2026-12-26T09:00"} has a date at one end and none at the other; give two dates, or two times of day with their dates',
      ],
    ],
    [
      { from: '2026-12-25T09:00', to: '2026-12-25T09:00' },
      ['except: {"from":"2026-12-25T09:00","to":"2026-12-25T09:00"} ends before it begins'],
    ],
    [
      { from: '2026-12-25T25:00', to: 7 },
      [
        "except.from: \"2026-12-25T25:00\" is neither a date nor a date with a time; give '2026-12-25' or '2026-12-25T18:00', with or without an offset",
        "except.to: 7 is neither a date nor a date with a time; give '2026-12-25' or '2026-12-25T18:00', with or without an offset",
      ],
    ],
    [
      { from: '1969-12-25T09:00', to: '1971-01-01T00:00' },
      ['except.from: "1969-12-25T09:00" is outside the years 1970 to 2199'],
    ],
    [{ calendar: 7 }, ['except.calendar: 7 is not the name of a calendar']],
    [{ calendar: 'de', shift: 'nearest' }, ["except.shift: \"nearest\" is none of 'next', 'previous'"]],
    [{ calendar: 'de', shft: 'next' }, ["except.shft: is not known; did you mean 'shift'?"]],
    [{ calender: 'de' }, ["except.calender: is not known; did you mean 'calendar'?"]],
    [
      { cron: '61 * * * *' },
      [expect.stringContaining('except.cron: "61 * * * *": minute "61" is out of range') as unknown as string],
    ],
    [
      { cron: 'H 2 * * *' },
      [
        'except.cron: "H 2 * * *" has an H, which stands for a number of each task; an exclusion names its times itself',
      ],
    ],
    [
      { daily: '25:00' },
      ["except.daily: \"25:00\" is not a time of day; give 'HH:MM' or 'HH:MM:SS', from '00:00' to '23:59:59'"],
    ],
    [
      { weekly: { on: 'mon' } },
      ["except.weekly.at: is missing; give an object, as { on: ['mon', 'thu'], at: '09:00' }"],
    ],
    [
      { monthly: { day: 32, at: '09:00' } },
      ["except.monthly.day: 32 is not a day of the month; give 1 to 31, 'last', 'second tuesday' or 'last friday'"],
    ],
    [
      { cron: '0 9 * * *', timeZone: 'UTC' },
      ['except.timeZone: an exclusion is read in the time zone of its schedule; leave it out'],
    ],
    [{ cron: '0 9 * * *', daily: '09:00' }, ['except.daily: does not go with cron; give two exclusions, as a list']],
    [['12-25', { every: '5m' }], [`except[1].every: is not known; ${wanted}`]],
    [
      Array.from({ length: 1_001 }, () => 0),
      ['except: 1001 are too many, at most 1000; put dates into a named calendar'],
    ],
  ])('of case %#', (given, problems) => {
    expect(exclusionProblems(given, 'except')).toEqual(problems);
  });

  it('never throws, and what has none can be stored and compiled', () => {
    const text = fc.oneof(
      fc.constantFrom('12-25', '2026-12-25', '2026-12-25T09:00', '2026-12-25T09:00Z', 'de'),
      fc.string(),
    );
    const anything = fc.oneof(
      fc.anything(),
      text,
      fc.record({ from: text, to: text }, { requiredKeys: [] }),
      fc.record(
        { calendar: text, shift: fc.constantFrom('next', 'previous', undefined, 1) },
        { requiredKeys: ['calendar'] },
      ),
      fc.record({ cron: fc.constantFrom('* * * * *', '@daily', 'L', '* 0-7 * * 1#5') }),
      fc.record({ daily: fc.anything() }),
    );
    fc.assert(
      fc.property(fc.oneof(anything, fc.array(anything, { maxLength: 3 })), (given) => {
        if (exclusionProblems(given, 'except').length > 0) return;
        const one = JSON.stringify(given).includes('"calendar"') || JSON.stringify(given).includes('T09:00');
        if (one) return; // may name a calendar that there is not, or end before it begins in a zone
        withExclusions(onceSchedule(0), normalized(given as Exclusion), 'UTC').next(-1);
      }),
      { numRuns: 2_000 },
    );
  });
});
