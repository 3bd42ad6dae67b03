import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dateOf, dayOf, DateSet } from '../../../lib/core/schedule/calendar/local-dates.js';
import {
  type CalendarOptions,
  calendarProblems,
  LONGEST_CLOSURE,
  normalizeCalendar,
  workingDays,
} from '../../../lib/core/schedule/calendar/named-calendar.js';

const open = (options: CalendarOptions, date: string): boolean =>
  workingDays(normalizeCalendar('de', options)).isOpen(dayOf(date));

describe('named calendar: stored form', () => {
  it('writes dates once, in order, ranges with a slash and weekdays as numbers', () => {
    const stored = normalizeCalendar('de', {
      weekend: ['sun', 'saturday', 'sat'],
      holidays: ['2026-12-25', { from: '2026-12-28', to: '2027-01-02' }, '12-26', '2026-12-25'],
      workdays: [{ from: '2026-10-10', to: '2026-10-10' }],
    });
    expect(stored).toEqual({
      calendar: 'de',
      weekend: [0, 6],
      holidays: '12-26 2026-12-25 2026-12-28/2027-01-02',
      workdays: '2026-10-10',
    });
  });

  it('is the same for the same days in another order', () => {
    const [a, b] = [
      ['12-25', '12-26'],
      ['12-26', '12-25', '12-25'],
    ].map((holidays) => normalizeCalendar('x', { weekend: ['sat', 'sun'], holidays }));
    expect(a).toEqual(b);
    expect(workingDays(a!)).toBe(workingDays({ ...b!, calendar: 'another' }));
  });

  it('refuses what has problems', () => {
    expect(() => normalizeCalendar('de', { weekend: ['sat'], holidays: ['2026-02-30'] })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTIONS',
        message: 'calendars.de.holidays[0]: "2026-02-30" does not exist',
      }) as unknown as Error,
    );
  });
});

describe('named calendar: days', () => {
  it.each<[string, CalendarOptions, string, boolean]>([
    ['a Saturday of the weekend', { weekend: ['sat', 'sun'] }, '2026-12-26', false],
    ['a Friday', { weekend: ['sat', 'sun'] }, '2026-12-25', true],
    ['a Friday where the weekend is on it', { weekend: ['fri', 'sat'] }, '2026-12-25', false],
    ['without a weekend', { weekend: [] }, '2026-12-26', true],
    ['a holiday', { weekend: [], holidays: ['2026-12-25'] }, '2026-12-25', false],
    ['a year later', { weekend: [], holidays: ['2026-12-25'] }, '2027-12-25', true],
    ['a holiday of every year', { weekend: [], holidays: ['12-25'] }, '2095-12-25', false],
    [
      'the first day of a range',
      { weekend: [], holidays: [{ from: '2026-12-28', to: '2027-01-02' }] },
      '2026-12-28',
      false,
    ],
    [
      'the last day of a range',
      { weekend: [], holidays: [{ from: '2026-12-28', to: '2027-01-02' }] },
      '2027-01-02',
      false,
    ],
    ['after a range', { weekend: [], holidays: [{ from: '2026-12-28', to: '2027-01-02' }] }, '2027-01-03', true],
    ['a range over New Year', { weekend: [], holidays: [{ from: '12-24', to: '01-02' }] }, '2030-01-02', false],
    ['before a range over New Year', { weekend: [], holidays: [{ from: '12-24', to: '01-02' }] }, '2030-12-23', true],
    ['a leap day', { weekend: [], holidays: ['02-29'] }, '2028-02-29', false],
    ['a day after February without one', { weekend: [], holidays: ['02-29'] }, '2027-03-01', true],
    ['a make-up day on a weekend', { weekend: ['sat', 'sun'], workdays: ['2026-10-10'] }, '2026-10-10', true],
    ['a make-up day on a holiday', { weekend: [], holidays: ['10-10'], workdays: ['2026-10-10'] }, '2026-10-10', true],
    [
      'ranges that overlap',
      {
        weekend: [],
        holidays: [
          { from: '2026-01-01', to: '2026-02-01' },
          { from: '2026-01-10', to: '2026-01-11' },
        ],
      },
      '2026-01-20',
      false,
    ],
  ])('%s', (_, options, date, expected) => {
    expect(open(options, date)).toBe(expected);
  });

  it('finds the next and the previous open day, itself included', () => {
    const days = workingDays(normalizeCalendar('de', { weekend: ['sat', 'sun'], holidays: ['12-25'] }));
    const from = (date: string, direction: 1 | -1): string => dateOf(days.openFrom(dayOf(date), direction)!);
    expect(from('2026-12-25', 1)).toBe('2026-12-28');
    expect(from('2026-12-25', -1)).toBe('2026-12-24');
    expect(from('2026-12-24', 1)).toBe('2026-12-24');
    expect(from('1970-01-03', 1)).toBe('1970-01-05');
    expect(from('1970-01-03', -1)).toBe('1970-01-02');
  });

  it('counts as closed for good where no day is open for too long', () => {
    const until = (days: number) =>
      workingDays(
        normalizeCalendar('x', {
          weekend: [],
          holidays: [{ from: '2026-01-01', to: dateOf(dayOf('2026-01-01') + days - 1) }],
        }),
      ).openFrom(dayOf('2026-01-01'), 1);
    expect(until(LONGEST_CLOSURE)).toBe(dayOf('2026-01-01') + LONGEST_CLOSURE);
    expect(until(LONGEST_CLOSURE + 1)).toBeUndefined();
  });
});

describe('named calendar: sets of dates', () => {
  const date = fc.integer({ min: dayOf('2020-01-01'), max: dayOf('2023-12-31') }).map(dateOf);
  const item = fc.oneof(
    date,
    date.map((text) => text.slice(5)),
    fc.tuple(date, date).map(([a, b]) => (a < b ? `${a}/${b}` : `${b}/${a}`)),
    fc.tuple(date, date).map(([a, b]) => `${a.slice(5)}/${b.slice(5)}`),
    fc.tuple(fc.integer({ min: 2018, max: 2024 }), date).map(([year, text]) => `${year}+${text.slice(5)}`),
  );
  const names = (text: string, day: string): boolean => {
    const [since, dates] = text.includes('+') ? text.split('+') : ['0000', text];
    const [from, to = from] = dates!.split('/') as [string, string?];
    const shown = day.slice(10 - from.length);
    const isIn = from <= to ? from <= shown && shown <= to : from <= shown || shown <= to;
    return isIn && day.slice(0, 4) >= since!;
  };

  it('have the dates that their text names, and end where these end', () => {
    fc.assert(
      fc.property(fc.uniqueArray(item, { maxLength: 8 }), fc.array(date, { maxLength: 6 }), (items, days) => {
        const set = new DateSet(items.join(' '));
        for (const day of days) {
          const isNamed = items.some((text) => names(text, day));
          expect([day, set.has(dayOf(day))]).toEqual([day, isNamed]);
          if (!isNamed) continue;
          let end = dayOf(day);
          while (items.some((text) => names(text, dateOf(end))) && end - dayOf(day) < 300) end++;
          const found = set.endOf(dayOf(day));
          if (end - dayOf(day) < 300) expect(dateOf(found)).toBe(dateOf(end));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('named calendar: problems', () => {
  const problems = (value: unknown): string[] => calendarProblems(value, 'calendars.de');

  it('has none where nothing is wrong', () => {
    expect(problems({ weekend: [] })).toEqual([]);
    expect(problems({ weekend: ['SAT', 'Sunday'], holidays: ['02-29', '1970-01-01'], workdays: undefined })).toEqual(
      [],
    );
    expect(problems({ weekend: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'], workdays: ['2026-10-10'] })).toEqual(
      [],
    );
  });

  it.each<[unknown, string]>([
    [
      undefined,
      "calendars.de: undefined is not a calendar; give an object, as { weekend: ['sat', 'sun'], holidays: ['12-25'] }",
    ],
    [
      ['sat'],
      "calendars.de: [\"sat\"] is not a calendar; give an object, as { weekend: ['sat', 'sun'], holidays: ['12-25'] }",
    ],
    [{}, "calendars.de.weekend: is missing; give the closed days, as ['sat', 'sun'], or []"],
    [{ weekend: 'sat' }, "calendars.de.weekend: \"sat\" is not a list of days; give ['sat', 'sun'], or []"],
    [{ weekend: ['sat', 7] }, "calendars.de.weekend[1]: 7 is not a day of the week; give 'saturday' or 'sat'"],
    [{ weekend: [], holliday: [] }, "calendars.de.holliday: is not known; did you mean 'holidays'?"],
    [{ weekend: [], zone: 'UTC' }, 'calendars.de.zone: is not known; there are weekend, holidays, workdays'],
    [
      { weekend: [], holidays: '12-25' },
      "calendars.de.holidays: \"12-25\" is not a list of dates; give ['2026-12-25', '12-26']",
    ],
    [{ weekend: [], holidays: ['2026-02-29'] }, 'calendars.de.holidays[0]: "2026-02-29" does not exist'],
    [{ weekend: [], holidays: ['02-30'] }, 'calendars.de.holidays[0]: "02-30" does not exist'],
    [{ weekend: [], holidays: ['2026-13-01'] }, 'calendars.de.holidays[0]: "2026-13-01" does not exist'],
    [
      { weekend: [], holidays: ['2200-01-01'] },
      'calendars.de.holidays[0]: "2200-01-01" is outside the years 1970 to 2199',
    ],
    [
      { weekend: [], holidays: ['25.12.2026'] },
      "calendars.de.holidays[0]: \"25.12.2026\" is not a date; give '2026-12-25', or '12-25' for every year",
    ],
    [
      { weekend: [], workdays: [{ from: '2026-12-25' }] },
      'calendars.de.workdays[0].to: is missing; a range has from and to, both included',
    ],
    [
      { weekend: [], workdays: [{ from: '2026-12-25', to: '2026-12-24' }] },
      'calendars.de.workdays[0]: {"from":"2026-12-25","to":"2026-12-24"} ends before it begins',
    ],
    [
      { weekend: [], workdays: [{ from: '2026-12-25', to: '01-02' }] },
      'calendars.de.workdays[0]: {"from":"2026-12-25","to":"01-02"} is of one year at one end and of every year at the other; give both alike',
    ],
    [
      { weekend: [], workdays: [{ from: '12-25', to: '01-02', until: 1 }] },
      'calendars.de.workdays[0].until: is not known; a range has from and to',
    ],
    [
      { weekend: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
      'calendars.de: no day is ever open; leave a day out of weekend, or give workdays',
    ],
  ])('%j', (value, problem) => {
    expect(problems(value)).toEqual([problem]);
  });

  it('bounds the number of dates', () => {
    const holidays = Array.from({ length: 5_001 }, () => '12-25');
    const problem = 'calendars.de.holidays: 5001 dates are too many; a calendar has at most 5000';
    expect(problems({ weekend: [], holidays })).toEqual([problem]);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (value, holidays) => {
        expect(Array.isArray(problems(value))).toBe(true);
        expect(Array.isArray(problems({ weekend: ['sat'], holidays: [holidays] }))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
