import fc from 'fast-check';
import type { CalendarOptions, Weekday } from '../../../lib/core/schedule/calendar/named-calendar.js';
import { DAY } from './zone-oracle.js';

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export interface CalendarCase {
  options: CalendarOptions;
  /** Worked out from the options as they are written, date by date. */
  isOpen: (date: string) => boolean;
}

interface Dates {
  written: string | { from: string; to: string };
  has: (date: string) => boolean;
}

/** A date or a range near `around`, of one year or of every year. */
export function datesNear(around: string, days = 12): fc.Arbitrary<Dates> {
  const date = fc
    .integer({ min: -days, max: days })
    .map((by) => new Date(Date.parse(around) + by * DAY).toISOString().slice(0, 10));
  const range = fc.tuple(date, date).map(([a, b]) => (a < b ? { from: a, to: b } : { from: b, to: a }));
  const yearly = (text: string): string => text.slice(5);
  return fc.oneof(
    date.map((one) => ({ written: one, has: (given: string) => given === one })),
    date.map((one) => ({ written: yearly(one), has: (given: string) => yearly(given) === yearly(one) })),
    range.map((one) => ({ written: one, has: (given: string) => one.from <= given && given <= one.to })),
    range.map(({ from, to }) => ({
      written: { from: yearly(from), to: yearly(to) },
      has: (given: string) =>
        yearly(from) <= yearly(to)
          ? yearly(from) <= yearly(given) && yearly(given) <= yearly(to)
          : yearly(from) <= yearly(given) || yearly(given) <= yearly(to),
    })),
  );
}

/** Calendars that close days near `around`, and open some of them again. */
export function calendarNear(around: string): fc.Arbitrary<CalendarCase> {
  const weekend = fc.oneof(
    fc.constantFrom<Weekday[]>(['sat', 'sun'], ['fri', 'sat'], ['sun'], []),
    fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { maxLength: 6 }),
  );
  const dates = fc.array(datesNear(around), { maxLength: 3 });
  return fc.tuple(weekend, dates, dates).map(([closed, holidays, workdays]) => ({
    options: {
      weekend: closed,
      holidays: holidays.map(({ written }) => written),
      workdays: workdays.map(({ written }) => written),
    },
    isOpen: (date) =>
      workdays.some(({ has }) => has(date)) ||
      !(closed.includes(WEEKDAYS[new Date(date).getUTCDay()]!) || holidays.some(({ has }) => has(date))),
  }));
}
