import { describe, expect, it } from '@jest/globals';
import { anyOf } from '../../../lib/core/schedule/any-of.js';
import { cronSchedule } from '../../../lib/core/schedule/cron/cron.js';
import { withExclusions } from '../../../lib/core/schedule/calendar/exclusion.js';
import { intervalSchedule } from '../../../lib/core/schedule/interval.js';
import { type CalendarOptions, normalizeCalendar } from '../../../lib/core/schedule/calendar/named-calendar.js';
import type { Schedule } from '../../../lib/core/schedule/schedule.js';
import { type Shift, shiftToWorkingDays } from '../../../lib/core/schedule/calendar/working-day-shift.js';
import { tickList } from './tick-list.js';

const WEEK: CalendarOptions = { weekend: ['sat', 'sun'] };
const CLOSED: CalendarOptions['weekend'] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const shifted = (cron: string, zone: string, options: CalendarOptions, shift: Shift): Schedule =>
  shiftToWorkingDays(cronSchedule(cron, zone), normalizeCalendar('de', options), shift, zone);

/** The first `count` ticks after a start, in local time. */
function local(schedule: Schedule, zone: string, start: string, count: number): string[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
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

describe('shift to working days', () => {
  it.each<[string, string, string, CalendarOptions, Shift, string, string[]]>([
    [
      'a first of the month on a Saturday',
      '0 9 1 * *',
      'Europe/Berlin',
      WEEK,
      'next',
      '2026-07-15',
      ['2026-08-03 09:00', '2026-09-01 09:00'],
    ],
    [
      'the same backwards, into the month before',
      '0 9 1 * *',
      'Europe/Berlin',
      WEEK,
      'previous',
      '2026-07-15',
      ['2026-07-31 09:00', '2026-09-01 09:00'],
    ],
    [
      'two days moved to one are one tick',
      '0 9 * * 6,0',
      'Europe/Berlin',
      WEEK,
      'next',
      '2026-07-15',
      ['2026-07-20 09:00', '2026-07-27 09:00'],
    ],
    [
      'with the tick that is there already',
      '0 9 * * *',
      'UTC',
      WEEK,
      'previous',
      '2026-07-16T10:00Z',
      ['2026-07-17 09:00', '2026-07-20 09:00'],
    ],
    [
      'times of different days in order',
      '0 9 * * 6',
      'UTC',
      WEEK,
      'next',
      '2026-07-15',
      ['2026-07-20 09:00', '2026-07-27 09:00'],
    ],
    [
      'over a row of holidays',
      '30 17 24 12 *',
      'Europe/Berlin',
      { ...WEEK, holidays: [{ from: '12-24', to: '01-02' }] },
      'next',
      '2026-12-01',
      ['2027-01-04 17:30', '2028-01-03 17:30'],
    ],
    [
      'to a make-up working day',
      '0 9 9 10 *',
      'Asia/Shanghai',
      { ...WEEK, holidays: ['2026-10-09'], workdays: ['2026-10-10'] },
      'next',
      '2026-10-01',
      ['2026-10-10 09:00', '2027-10-11 09:00'],
    ],
    [
      'to the first of two where clocks go back',
      '30 1 2 11 *',
      'America/New_York',
      { weekend: ['sat'] },
      'next',
      '2024-10-30',
      ['2024-11-03 01:30', '2025-11-02 01:30'],
    ],
    [
      'later by the jump where clocks skip the time',
      '30 2 9 3 *',
      'America/New_York',
      { weekend: ['sat'] },
      'next',
      '2024-03-01',
      ['2024-03-10 03:30', '2025-03-09 03:30'],
    ],
    [
      'from the day before one that a zone left out',
      '0 9 29 12 *',
      'Pacific/Apia',
      { weekend: [], holidays: ['2011-12-29'] },
      'next',
      '2011-12-01',
      ['2011-12-31 09:00', '2012-12-29 09:00'],
    ],
    [
      'from the day after one that a zone left out',
      '0 9 31 12 *',
      'Pacific/Apia',
      { weekend: [], holidays: ['2011-12-31'] },
      'previous',
      '2011-12-01',
      ['2011-12-29 09:00', '2012-12-31 09:00'],
    ],
    [
      'from a time that clocks skip, as it was written',
      '30 2 10 3 *',
      'America/New_York',
      { weekend: ['sun'] },
      'next',
      '2024-03-01',
      ['2024-03-11 02:30', '2025-03-10 02:30'],
    ],
    [
      'a midnight that clocks skip',
      '0 0 25 4 *',
      'Africa/Cairo',
      { weekend: [], holidays: ['2030-04-25'] },
      'next',
      '2030-04-01',
      ['2030-04-26 01:00', '2031-04-25 01:00'],
    ],
  ])('%s', (_, cron, zone, options, shift, start, expected) => {
    expect(local(shifted(cron, zone, options, shift), zone, start, 2)).toEqual(expected);
  });

  // In St. John's the 6th went on for an hour after the first minute of the 7th: 00:00 is 02:30Z, the second 23:30 is 03:00Z.
  it.each<[string, CalendarOptions, Shift, string, string[]]>([
    ['open days', { weekend: [] }, 'next', '2010-11-01', ['2010-11-07T02:30', '2010-11-07T03:00']],
    [
      'the earlier day asked for in the later one',
      { weekend: [] },
      'next',
      '2010-11-07T02:30:30Z',
      ['2010-11-07T03:00'],
    ],
    [
      'the earlier day closed',
      { weekend: ['sat'] },
      'previous',
      '2010-11-01',
      ['2010-11-06T02:00', '2010-11-07T02:30'],
    ],
    ['the later day closed', { weekend: ['sun'] }, 'next', '2010-11-01', ['2010-11-07T03:00', '2010-11-08T03:30']],
  ])('keeps the order of ticks where clocks go back over midnight: %s', (_, options, shift, start, expected) => {
    const zone = 'America/St_Johns';
    const base = anyOf(
      [cronSchedule('0 0 7 11 *', zone), cronSchedule('30 23 6 11 *', zone, { overlap: 'second' })],
      () => '',
    );
    const schedule = shiftToWorkingDays(base, normalizeCalendar('x', options), shift, zone);
    const ticks: string[] = [];
    for (
      let at = Date.parse(start);
      ticks.length < expected.length;
      ticks.push(new Date(at).toISOString().slice(0, 16))
    ) {
      at = schedule.next(at)!;
    }
    expect(ticks).toEqual(expected);
  });

  it('drops a tick for which no day is open for too long, and goes on after it', () => {
    const options = { weekend: CLOSED, workdays: ['2026-06-01', '2030-06-01'] };
    expect(local(shifted('0 9 1 1 *', 'UTC', options, 'next'), 'UTC', '2026-06-02', 3)).toEqual(['2030-06-01 09:00']);
    expect(local(shifted('0 9 1 8 *', 'UTC', options, 'previous'), 'UTC', '2026-01-02', 3)).toEqual([
      '2026-06-01 09:00',
      '2030-06-01 09:00',
    ]);
  });

  it('drops it also where later ones are moved', () => {
    const calendar = normalizeCalendar('x', { weekend: CLOSED, workdays: ['2026-06-01', '2030-06-01'] });
    const base = tickList([
      Date.parse('2028-03-01T09:00Z'),
      Date.parse('2030-03-01T10:00Z'),
      Date.parse('2030-09-01T11:00Z'),
    ]);
    const ticks = (shift: Shift): (number | undefined)[] => {
      const schedule = shiftToWorkingDays(base, calendar, shift, 'UTC');
      const first = schedule.next(Date.parse('2026-06-02'));
      return [first, schedule.next(first!)];
    };
    expect(ticks('next')).toEqual([Date.parse('2030-06-01T10:00Z'), undefined]);
    expect(ticks('previous')).toEqual([Date.parse('2030-06-01T11:00Z'), undefined]);
  });

  it('has no tick where no day is ever open', () => {
    const never = { calendar: 'x', weekend: [0, 1, 2, 3, 4, 5, 6], holidays: '', workdays: '' };
    for (const shift of ['next', 'previous'] as const) {
      expect(shiftToWorkingDays(cronSchedule('0 9 * * *', 'UTC'), never, shift, 'UTC').next(0)).toBeUndefined();
    }
  });

  it('moves nothing before 1970 and nothing beyond the end of time', () => {
    const last = tickList([Date.UTC(1970, 0, 1, 9), Date.UTC(2199, 11, 31, 9)]);
    const edges = normalizeCalendar('x', { weekend: [], holidays: ['1970-01-01', '2199-12-31'] });
    expect(shiftToWorkingDays(last, edges, 'previous', 'UTC').next(-1)).toBe(Date.UTC(2199, 11, 30, 9));
    expect(shiftToWorkingDays(last, edges, 'next', 'UTC').next(0)).toBe(Date.UTC(1970, 0, 2, 9));
    expect(shiftToWorkingDays(last, edges, 'next', 'UTC').next(Date.UTC(1970, 0, 2, 9))).toBeUndefined();
  });

  it.each<[string, string, CalendarOptions, Shift, string, string | undefined]>([
    [
      'a tick that moved',
      '0 9 25 12 *',
      { ...WEEK, holidays: ['12-25'] },
      'next',
      '2026-12-28T09:00Z',
      'moved from Fri 2026-12-25, closed in calendar de',
    ],
    [
      'ticks that met',
      '0 9 25-27 12 *',
      { ...WEEK, holidays: ['12-25'] },
      'next',
      '2026-12-28T09:00Z',
      'moved from Fri 2026-12-25, closed in calendar de, and 2 more',
    ],
    [
      'a tick that stands also for others',
      '0 9 * * *',
      WEEK,
      'previous',
      '2026-07-17T09:00Z',
      'also for Sat 2026-07-18, closed in calendar de, and 1 more',
    ],
    ['a tick of an open day', '0 9 * * *', WEEK, 'previous', '2026-07-16T09:00Z', undefined],
    ['an instant without a tick', '0 9 * * *', WEEK, 'previous', '2026-07-18T09:00Z', undefined],
  ])('notes on %s', (_, cron, options, shift, tick, note) => {
    expect(shifted(cron, 'UTC', options, shift).noteOn!(Date.parse(tick))).toBe(note);
  });

  it('keeps the notes of the schedule', () => {
    const zone = 'America/New_York';
    const tick = Date.parse('2030-03-10T03:30:00-04:00');
    const shown = 'shifted: the clock skips 02:30 on this day';
    expect(shifted('30 2 * * *', zone, { weekend: ['wed'] }, 'previous').noteOn!(tick)).toBe(shown);
    expect(shifted('30 2 * * *', zone, { weekend: ['mon'] }, 'previous').noteOn!(tick)).toBe(
      `${shown}; also for Mon 2030-03-11, closed in calendar de`,
    );
  });

  it('keeps what is known of the distance of ticks', () => {
    const base = cronSchedule('0,7 9 * * *', 'UTC');
    const { minGapMs, phase } = shifted('0,7 9 * * *', 'UTC', WEEK, 'next');
    expect([minGapMs, phase]).toEqual([base.minGapMs, base.phase]);
    // Of an interval nothing stays, once clocks have changed between a day and the one it is moved to.
    const weekdays = normalizeCalendar('x', WEEK);
    expect(intervalSchedule(420_000, 0).phase).toBeDefined();
    expect(shiftToWorkingDays(intervalSchedule(420_000, 0), weekdays, 'next', 'UTC').phase).toBeUndefined();
  });

  it('describes itself as the exclusion that it is', () => {
    const except = [{ ...normalizeCalendar('de', WEEK), shift: 'next' as const }];
    expect(withExclusions(cronSchedule('0 9 * * *', 'Europe/Berlin'), except, 'Europe/Berlin').describe()).toBe(
      'At 09:00, every day, in Europe/Berlin, except calendar de (moved to the next working day)',
    );
  });
});
