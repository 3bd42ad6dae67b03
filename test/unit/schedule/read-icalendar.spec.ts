import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import ICAL from 'ical.js';
import { dateOf, DateSet, dayOf } from '../../../lib/core/schedule/calendar/local-dates.js';
import { workingDays } from '../../../lib/core/schedule/calendar/named-calendar.js';
import { calendarsProblems, resolveCalendars } from '../../../lib/nest/options/calendars.js';
import { LONGEST_TEXT, readICalendar } from '../../../lib/nest/options/read-icalendar.js';
import { fastestOf } from './fastest-of.js';

type Lines = readonly string[];

const calendar = (...events: readonly Lines[]): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//EN',
    ...events.flatMap((lines, i) => [
      'BEGIN:VEVENT',
      ...(lines.some((line) => line.startsWith('UID')) ? [] : [`UID:${i}`]),
      ...lines,
      'END:VEVENT',
    ]),
    'END:VCALENDAR',
    '',
  ].join('\r\n');

const allDay = (from: string, to?: string): Lines => [
  `DTSTART;VALUE=DATE:${from}`,
  ...(to === undefined ? [] : [`DTEND;VALUE=DATE:${to}`]),
];

const read = (text: string): { dates: string; problems: string[] } => readICalendar(ICAL, text);

/** All dates of these years, one by one. */
function datesOf(text: string, from: number, to: number): string[] {
  const { dates, problems } = read(text);
  expect(problems).toEqual([]);
  const set = new DateSet(dates);
  const first = dayOf(`${from}-01-01`);
  const all = Array.from({ length: dayOf(`${to}-12-31`) + 1 - first }, (_, i) => first + i);
  return all.filter((day) => set.has(day)).map(dateOf);
}

describe('iCalendar: dates', () => {
  it.each<[string, string, string]>([
    ['an event of a day', calendar(allDay('20261225')), '2026-12-25'],
    ['whose end is not part of it', calendar(allDay('20261225', '20261226')), '2026-12-25'],
    ['whose end is its start', calendar(allDay('20261225', '20261225')), '2026-12-25'],
    ['an event of several days', calendar(allDay('20261228', '20270103')), '2026-12-28/2027-01-02'],
    ['a duration', calendar([...allDay('20261228'), 'DURATION:P2D']), '2026-12-28/2026-12-29'],
    ['a timed event', calendar(['DTSTART:20261224T140000', 'DTEND:20261224T180000']), '2026-12-24'],
    ['one that ends at midnight', calendar(['DTSTART:20261224T140000', 'DTEND:20261225T000000']), '2026-12-24'],
    [
      'one that ends after midnight',
      calendar(['DTSTART:20261224T220000', 'DTEND:20261225T020000']),
      '2026-12-24/2026-12-25',
    ],
    ['a moment', calendar(['DTSTART:20261224T140000']), '2026-12-24'],
    [
      'in its own zone',
      calendar(['DTSTART;TZID=Asia/Tokyo:20261224T010000', 'DTEND;TZID=Asia/Tokyo:20261224T020000']),
      '2026-12-24',
    ],
    ['in UTC', calendar(['DTSTART:20261224T230000Z', 'DTEND:20261224T233000Z']), '2026-12-24'],
    [
      'several, each once',
      calendar(allDay('20261225'), allDay('20261225'), allDay('20260101')),
      '2026-01-01 2026-12-25',
    ],
    ['no cancelled one', calendar(allDay('20261225'), [...allDay('20261226'), 'STATUS:CANCELLED']), '2026-12-25'],
    ['one that blocks no time', calendar([...allDay('20261225'), 'TRANSP:TRANSPARENT']), '2026-12-25'],
    ['every year', calendar([...allDay('19701225'), 'RRULE:FREQ=YEARLY']), '12-25'],
    ['every year from a year on', calendar([...allDay('20211225'), 'RRULE:FREQ=YEARLY']), '2021+12-25'],
    [
      'every year, month and day said again',
      calendar([...allDay('19691225'), 'RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25']),
      '12-25',
    ],
    [
      'two days of every year',
      calendar([...allDay('20201225', '20201227'), 'RRULE:FREQ=YEARLY']),
      '2020+12-25 2020+12-26',
    ],
    [
      'every year over New Year',
      calendar([...allDay('20201231', '20210102'), 'RRULE:FREQ=YEARLY']),
      '2020+12-31 2021+01-01',
    ],
    ['every leap day', calendar([...allDay('20240229'), 'RRULE:FREQ=YEARLY']), '2024+02-29'],
    ['a number of years', calendar([...allDay('20261225'), 'RRULE:FREQ=YEARLY;COUNT=2']), '2026-12-25 2027-12-25'],
    [
      'until a date',
      calendar([...allDay('20261225'), 'RRULE:FREQ=YEARLY;UNTIL=20281225']),
      '2026-12-25 2027-12-25 2028-12-25',
    ],
    [
      'every second year',
      calendar([...allDay('20461225'), 'RRULE:FREQ=YEARLY;INTERVAL=2']),
      '2046-12-25 2048-12-25 2050-12-25',
    ],
    [
      'the fourth Thursday of November',
      calendar([...allDay('20481126'), 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH']),
      '2048-11-26 2049-11-25 2050-11-24',
    ],
    [
      'months that have the day',
      calendar([...allDay('20260131'), 'RRULE:FREQ=MONTHLY;COUNT=3']),
      '2026-01-31 2026-03-31 2026-05-31',
    ],
    [
      'the last days of months',
      calendar([...allDay('20260131'), 'RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3']),
      '2026-01-31 2026-02-28 2026-03-31',
    ],
    [
      'leap days one by one',
      calendar([...allDay('20240229'), 'RRULE:FREQ=YEARLY;UNTIL=20330101']),
      '2024-02-29 2028-02-29 2032-02-29',
    ],
    [
      'single dates besides',
      calendar([...allDay('20260105'), 'RDATE;VALUE=DATE:20260107,20260201']),
      '2026-01-05 2026-01-07 2026-02-01',
    ],
    [
      'not the excluded ones',
      calendar([...allDay('20260105'), 'RRULE:FREQ=WEEKLY;COUNT=4', 'EXDATE;VALUE=DATE:20260112']),
      '2026-01-05 2026-01-19 2026-01-26',
    ],
    [
      'excluded after a date without an occurrence',
      calendar([...allDay('20260105'), 'RRULE:FREQ=WEEKLY;COUNT=4', 'EXDATE;VALUE=DATE:20260107,20260112']),
      '2026-01-05 2026-01-19 2026-01-26',
    ],
    [
      'timed ones excluded by date',
      calendar(['DTSTART:20260105T100000', 'RRULE:FREQ=WEEKLY;COUNT=2', 'EXDATE;VALUE=DATE:20260112']),
      '2026-01-05',
    ],
    [
      'timed ones excluded by time',
      calendar(['DTSTART:20260105T100000Z', 'RRULE:FREQ=WEEKLY;COUNT=2', 'EXDATE:20260112T100000Z']),
      '2026-01-05',
    ],
    ['events before 1970 and after 2199', calendar(allDay('19691231', '19700102'), allDay('22000101')), '1970-01-01'],
    ['nothing left', calendar([...allDay('20261225'), 'STATUS:CANCELLED']), ''],
  ])('%s', (_, text, dates) => {
    expect(read(text)).toEqual({ dates, problems: [] });
  });

  it('replaces single occurrences, and drops those that are cancelled', () => {
    const weekly: Lines = ['UID:a', ...allDay('20260105'), 'RRULE:FREQ=WEEKLY;COUNT=4'];
    const text = calendar(
      weekly,
      ['UID:a', 'RECURRENCE-ID;VALUE=DATE:20260112', ...allDay('20260114', '20260116')],
      ['UID:a', 'RECURRENCE-ID;VALUE=DATE:20260119', ...allDay('20260119'), 'STATUS:CANCELLED'],
      ['UID:b', 'RECURRENCE-ID;VALUE=DATE:20260126', ...allDay('20260301')],
    );
    expect(read(text).dates).toBe('2026-01-05 2026-01-14/2026-01-15 2026-01-26 2026-03-01');
  });

  it('moves all later occurrences with one of them', () => {
    const weekly: Lines = ['UID:a', ...allDay('20260105'), 'RRULE:FREQ=WEEKLY;COUNT=4'];
    const later: Lines = ['UID:a', 'RECURRENCE-ID;VALUE=DATE;RANGE=THISANDFUTURE:20260112', ...allDay('20260113')];
    expect(read(calendar(weekly, later)).dates).toBe('2026-01-05 2026-01-13 2026-01-20 2026-01-27');
  });

  it('leaves out single occurrences of every year', () => {
    const text = calendar([...allDay('20481225'), 'RRULE:FREQ=YEARLY', 'EXDATE;VALUE=DATE:20491225']);
    expect(read(text).dates).toBe('2048-12-25 2050-12-25');
  });

  it('expands what covers the end of February year by year', () => {
    const text = calendar([...allDay('20240228', '20240302'), 'RRULE:FREQ=YEARLY']);
    const set = new DateSet(read(text).dates);
    const named = ['2024-03-01', '2024-03-02', '2025-03-01', '2025-03-02', '2025-03-03'].filter((date) =>
      set.has(dayOf(date)),
    );
    expect(named).toEqual(['2024-03-01', '2025-03-01', '2025-03-02']);
  });

  it('reads folded lines, line feeds, a byte order mark and several calendars in one text', () => {
    const folded = calendar([...allDay('20261225'), 'SUMMARY:a name\r\n  over two lines']).replaceAll('\r\n', '\n');
    expect(read(`\uFEFF${folded}${calendar(allDay('20261226'))}`).dates).toBe('2026-12-25 2026-12-26');
  });

  it('agrees with the dates counted by hand, for any rule of days, weeks, months and years', () => {
    const rule = fc.record({
      start: fc
        .integer({ min: dayOf('2020-01-01'), max: dayOf('2024-12-31') })
        .filter((day) => !dateOf(day).endsWith('-02-29')), // of these the library counts each year

      length: fc.integer({ min: 1, max: 4 }),
      freq: fc.constantFrom('DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'),
      interval: fc.integer({ min: 1, max: 3 }),
      count: fc.integer({ min: 1, max: 12 }),
      skip: fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(rule, ({ start, length, freq, interval, count, skip }) => {
        const first = new Date(start * 86_400_000);
        const starts: number[] = [];
        for (let i = 0; starts.length < count; i += interval) {
          const [year, month, day] = [first.getUTCFullYear(), first.getUTCMonth(), first.getUTCDate()];
          const by = { DAILY: [0, 0, i], WEEKLY: [0, 0, 7 * i], MONTHLY: [0, i, 0], YEARLY: [i, 0, 0] }[freq]!;
          const at = new Date(Date.UTC(year + by[0]!, month + by[1]!, day + by[2]!));
          if (by[2] !== 0 || at.getUTCDate() === day) starts.push(at.getTime() / 86_400_000);
        }
        const excluded = skip.flatMap((i) => (starts[i] === undefined ? [] : [starts[i]]));
        const expected = starts
          .filter((at) => !excluded.includes(at) && dateOf(at) <= '2050-12-31')
          .flatMap((at) => Array.from({ length }, (_, i) => dateOf(at + i)));
        const compact = (day: number): string => dateOf(day).replaceAll('-', '');
        const lines = [
          ...allDay(compact(start), compact(start + length)),
          `RRULE:FREQ=${freq};INTERVAL=${interval};COUNT=${count}`,
        ];
        const text = calendar([...lines, ...excluded.map((day) => `EXDATE;VALUE=DATE:${compact(day)}`)]);
        expect(datesOf(text, 2020, 2060)).toEqual([...new Set(expected)].sort());
      }),
      { numRuns: 500 },
    );
  });
});

describe('iCalendar: problems', () => {
  it.each<[string, string, string | RegExp]>([
    ['no text', ' ', 'cannot be read as iCalendar (the text is empty); give the text of an .ics file'],
    ['a web page', '<!doctype html><html></html>', /^cannot be read as iCalendar \(invalid line/],
    ['a cut text', calendar(allDay('20261225')).slice(0, -20), /^cannot be read as iCalendar \(/],
    [
      'a business card',
      'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nEND:VCARD',
      'cannot be read as iCalendar (it is a VCARD, not a VCALENDAR); give the text of an .ics file',
    ],
    ['no event', calendar(), 'has no event (VEVENT)'],
    ['no start', calendar(['SUMMARY:Christmas']), 'event "Christmas": has no DTSTART'],
    [
      'a date that does not exist',
      calendar(['SUMMARY:Odd', ...allDay('20260230')]),
      'event "Odd": DTSTART 2026-02-30 does not exist',
    ],
    ['a date without its type', calendar(['SUMMARY:Odd', 'DTSTART:20260228']), /^event "Odd": invalid date-time value/],
    [
      'no date at all',
      calendar(['SUMMARY:Odd', 'DTSTART;VALUE=DATE:christmas']),
      /^event "Odd": Could not extract integer/,
    ],
    [
      'an end before the start',
      calendar(['SUMMARY:Odd', ...allDay('20261224', '20261220')]),
      'event "Odd": ends before it begins (2026-12-24 to 2026-12-20)',
    ],
    [
      'an unknown frequency',
      calendar(['SUMMARY:Odd', ...allDay('20261224'), 'RRULE:FREQ=SOMETIMES']),
      /^cannot be read as iCalendar \(invalid frequency "SOMETIMES"/,
    ],
    [
      'periods',
      calendar(['SUMMARY:Odd', 'DTSTART:20261224T100000Z', 'RDATE;VALUE=PERIOD:20260107T100000Z/PT2H']),
      'event "Odd": RDATE with a period is not supported; give its start',
    ],
    [
      'every second',
      calendar(['SUMMARY:Odd', 'DTSTART:20261224T100000Z', 'RRULE:FREQ=SECONDLY']),
      'event "Odd": there are more than 20000 occurrences up to 2050',
    ],
    [
      'every day for ever',
      calendar([...allDay('20261224'), 'RRULE:FREQ=DAILY']),
      'covers more than 5000 dates, which is the most',
    ],
    [
      'a rule that never comes',
      calendar(['SUMMARY:Odd', ...allDay('20261224'), 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30']),
      'takes longer than 5 seconds to read; does a recurrence rule name days that never come?',
    ],
    [
      'too long a text',
      'x'.repeat(LONGEST_TEXT + 1),
      `has ${LONGEST_TEXT + 1} characters, at most ${LONGEST_TEXT} are read`,
    ],
  ])(
    '%s',
    (_, text, problem) => {
      const { problems } = read(text);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(
        problem instanceof RegExp ? problem : new RegExp(`^${problem.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`),
      );
    },
    30_000,
  );

  it('names the first few of many broken events, and none of the others', () => {
    const { problems } = read(calendar(...Array.from({ length: 9 }, (_, i) => [`SUMMARY:${i}`])));
    expect(problems).toEqual([0, 1, 2, 3, 4].map((i) => `event "${i}": has no DTSTART`));
  });

  it('reads a calendar of thousands of days in good time', () => {
    const days = Array.from({ length: 4_900 }, (_, i) => allDay(dateOf(i * 3).replaceAll('-', '')));
    const text = calendar(...days);
    expect(read(text).dates.split(' ')).toHaveLength(4_900);
    expect(fastestOf(2, () => read(text))).toBeLessThan(5_000);
  });

  it('never throws, whatever is in the lines', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'RRULE:FREQ=YEARLY',
        'RRULE:FREQ=WEEKLY;BYDAY=MO',
        'EXDATE:20261224T000000',
        'DURATION:-P1D',
        'RDATE:x',
        'BEGIN:VALARM',
        'STATUS:X',
      ),
      fc
        .tuple(fc.constantFrom('RRULE', 'DTEND', 'DURATION', 'RECURRENCE-ID', 'EXDATE', 'UID'), fc.string())
        .map(([a, b]) => `${a}:${b}`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), fc.boolean(), (lines, isTimed) => {
        const start = isTimed ? ['DTSTART:20261224T100000'] : allDay('20261224');
        const { dates, problems } = read(calendar([...start, ...lines]));
        expect(typeof dates === 'string' && Array.isArray(problems)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('named calendars of the module', () => {
  const missing = async (): Promise<never> => {
    throw Object.assign(new Error("Cannot find package 'ical.js' imported from /app/index.js"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
  };

  it('are stored with the days of their iCalendar texts', async () => {
    const ical = calendar(allDay('20261225'), [...allDay('20200501'), 'RRULE:FREQ=YEARLY']);
    const given = {
      de: { weekend: ['sat', 'sun'] as const, holidays: ['2026-01-01', '2026-12-25'], workdays: ['2026-05-01'], ical },
      plain: { weekend: [] },
    };
    expect(await calendarsProblems(given, 'calendars')).toEqual([]);
    const { de, plain } = await resolveCalendars(given);
    expect(de).toEqual({
      calendar: 'de',
      weekend: [0, 6],
      holidays: '2020+05-01 2026-01-01 2026-12-25',
      workdays: '2026-05-01',
    });
    expect(plain).toEqual({ calendar: 'plain', weekend: [], holidays: '', workdays: '' });
    const days = workingDays(de!);
    expect(['2019-05-01', '2020-05-01', '2026-05-01', '2026-12-25'].map((date) => days.isOpen(dayOf(date)))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('are none where none are given', async () => {
    expect(await resolveCalendars()).toEqual({});
  });

  it('say everything that is wrong, by calendar', async () => {
    const given = {
      de: { weekend: ['sat'], ical: 'x' },
      fr: { weekend: 'sat', ical: 7 },
      'a b': { weekend: [] },
      it: null,
      es: { weekend: [], icall: '' },
    };
    expect(await calendarsProblems(given, 'calendars')).toEqual([
      "calendars.fr.weekend: \"sat\" is not a list of days; give ['sat', 'sun'], or []",
      'calendars.fr.ical: 7 is not a text',
      expect.stringContaining('calendars.a b: "a b" must be 1 to 100 letters'),
      expect.stringContaining('calendars.it: null is not a calendar'),
      expect.stringContaining('calendars.es.icall: is not known'),
      expect.stringContaining('calendars.de.ical: cannot be read as iCalendar (invalid line'),
    ]);
    expect(await calendarsProblems([], 'calendars')).toEqual([
      "calendars: [] is not an object of calendars by name, as { de: { weekend: ['sat', 'sun'] } }",
    ]);
  });

  it('tell the missing package with its cure, and only where it is needed', async () => {
    const ical = calendar(allDay('20261225'));
    expect(await calendarsProblems({ de: { weekend: [], ical } }, 'calendars', missing)).toEqual([]);
    await expect(resolveCalendars({ de: { weekend: [], ical } }, missing)).rejects.toMatchObject({
      code: 'MISSING_PEER',
      message: 'calendars.de.ical needs the package ical.js, which is not installed: npm install ical.js',
    });
    await expect(resolveCalendars({ de: { weekend: [] } }, missing)).resolves.toHaveProperty('de');
  });

  it('tell a package that is there and does not load as it is', async () => {
    const broken = async (): Promise<never> => {
      throw new Error("Cannot find module 'other'");
    };
    await expect(resolveCalendars({ de: { weekend: [], ical: 'x' } }, broken)).rejects.toThrow(
      "Cannot find module 'other'",
    );
  });

  it('refuse a text that was not checked', async () => {
    await expect(resolveCalendars({ de: { weekend: [], ical: 'x' } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });
});
