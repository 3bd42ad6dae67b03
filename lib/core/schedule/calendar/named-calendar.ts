import { show } from '../../common/show.js';
import { BoundedCache } from '../../common/bounded-cache.js';
import { DistributedScheduleError } from '../../common/errors.js';
import { nearest } from '../../common/nearest.js';
import { dateProblem, type DateRange, dateSet, datesText, rangeProblem } from './local-dates.js';
import { type Weekday, weekdayNumber } from '../local-times.js';

export type { DateRange, Weekday };

/**
 * The working days of a country or a company, shared by name by any number of schedules. Dates are local dates in the
 * zone of each schedule: `'2026-12-25'`, or `'12-25'` for every year.
 */
export interface CalendarOptions {
  /** Days of the week that are closed; `[]` where none is. */
  weekend: readonly Weekday[];
  /** Closed besides the weekend. @default [] */
  holidays?: readonly (string | DateRange)[];
  /** Open although they are on a weekend or a holiday: make-up working days. @default [] */
  workdays?: readonly (string | DateRange)[];
}

/** A calendar as it stands in the registry, inside each schedule that uses it: ticks follow from the task alone. */
export interface StoredCalendar {
  /** Its name. */
  calendar: string;
  /** 0 is Sunday. In order. */
  weekend: readonly number[];
  /** Dates as {@link datesText} writes them. */
  holidays: string;
  /** Dates as {@link datesText} writes them. */
  workdays: string;
}

/** Which days are open: whole days since 1970-01-01 of the local date. */
export interface WorkingDays {
  isOpen(day: number): boolean;
  /** The first open day at or after `day`, or at or before it; `undefined` where none is within {@link LONGEST_CLOSURE}. */
  openFrom(day: number, direction: 1 | -1): number | undefined;
}

/** Days. Where none is open for longer, a calendar counts as closed for good. */
export const LONGEST_CLOSURE = 400;

/** How many holidays or workdays a calendar may have. */
export const MOST_DATES = 5_000;

const NAMES = ['weekend', 'holidays', 'workdays'];

/** Everything that is wrong with a calendar as given, each with its path. Takes any value. */
export function calendarProblems(value: unknown, path: string): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [
      `${path}: ${show(value)} is not a calendar; give an object, as { weekend: ['sat', 'sun'], holidays: ['12-25'] }`,
    ];
  const { weekend, holidays, workdays } = value as Record<string, unknown>;
  const problems = Object.keys(value).flatMap((key) => {
    if (NAMES.includes(key)) return [];
    const meant = nearest(key, NAMES);
    return [`${path}.${key}: is not known; ${meant ? `did you mean '${meant}'?` : `there are ${NAMES.join(', ')}`}`];
  });
  problems.push(
    ...weekendProblems(weekend, `${path}.weekend`),
    ...datesProblems(holidays, `${path}.holidays`),
    ...datesProblems(workdays, `${path}.workdays`),
  );
  if (problems.length === 0 && weekdaysOf(weekend as Weekday[]).length === 7 && !(workdays as unknown[])?.length)
    problems.push(`${path}: no day is ever open; leave a day out of weekend, or give workdays`);
  return problems;
}

function weekendProblems(weekend: unknown, path: string): string[] {
  if (weekend === undefined) return [`${path}: is missing; give the closed days, as ['sat', 'sun'], or []`];
  if (!Array.isArray(weekend)) return [`${path}: ${show(weekend)} is not a list of days; give ['sat', 'sun'], or []`];
  return weekend.flatMap((day, i) =>
    weekdayNumber(day) === undefined
      ? [`${path}[${i}]: ${show(day)} is not a day of the week; give 'saturday' or 'sat'`]
      : [],
  );
}

function datesProblems(dates: unknown, path: string): string[] {
  if (dates === undefined) return [];
  if (!Array.isArray(dates)) return [`${path}: ${show(dates)} is not a list of dates; give ['2026-12-25', '12-26']`];
  if (dates.length > MOST_DATES)
    return [`${path}: ${dates.length} dates are too many; a calendar has at most ${MOST_DATES}`];
  return dates.flatMap((date, i) => datesItemProblems(date, `${path}[${i}]`));
}

/** What is wrong with a date or a range of dates, each with its path. Takes any value. */
function datesItemProblems(date: unknown, path: string): string[] {
  if (date === null || typeof date !== 'object' || Array.isArray(date)) {
    const problem = dateProblem(date);
    return problem ? [`${path}: ${show(date)} ${problem}`] : [];
  }
  const unknown = Object.keys(date).filter((key) => key !== 'from' && key !== 'to');
  const problems = unknown.map((key) => `${path}.${key}: is not known; a range has from and to`);
  return [...problems, ...dateRangeProblems(date as Partial<DateRange>, path)];
}

/** What is wrong with the two dates of a range, each with its path. */
export function dateRangeProblems(range: Partial<Record<keyof DateRange, unknown>>, path: string): string[] {
  const problems = (['from', 'to'] as const).flatMap((end) => {
    if (range[end] === undefined) return [`${path}.${end}: is missing; a range has from and to, both included`];
    const problem = dateProblem(range[end]);
    return problem ? [`${path}.${end}: ${show(range[end])} ${problem}`] : [];
  });
  if (problems.length > 0) return problems;
  const problem = rangeProblem(range as DateRange);
  return problem ? [`${path}: ${show(range)} ${problem}`] : [];
}

/** @throws DistributedScheduleError `INVALID_OPTIONS` with all problems */
export function normalizeCalendar(name: string, options: CalendarOptions): StoredCalendar {
  const problems = calendarProblems(options, `calendars.${name}`);
  if (problems.length > 0) throw new DistributedScheduleError('INVALID_OPTIONS', problems.join('; '));
  return {
    calendar: name,
    weekend: weekdaysOf(options.weekend),
    holidays: datesText(options.holidays ?? []),
    workdays: datesText(options.workdays ?? []),
  };
}

function weekdaysOf(weekend: readonly Weekday[]): number[] {
  return [...new Set(weekend.map((day) => weekdayNumber(day)!))].sort((a, b) => a - b);
}

const compiled = new BoundedCache<WorkingDays>(200);

/** Calendars with the same days share one evaluator, whatever their names. */
export function workingDays({ weekend, holidays, workdays }: StoredCalendar): WorkingDays {
  return compiled.get([weekend, holidays, workdays].join('|'), () => {
    const isWeekend = Array.from({ length: 7 }, (_, weekday) => weekend.includes(weekday));
    const [closed, open] = [dateSet(holidays), dateSet(workdays)];
    const isOpen = (day: number): boolean => open.has(day) || !(isWeekend[weekdayOf(day)] || closed.has(day));
    return {
      isOpen,
      openFrom(day, direction) {
        for (let i = 0; i <= LONGEST_CLOSURE; i++) if (isOpen(day + i * direction)) return day + i * direction;
        return undefined;
      },
    };
  });
}

/** 0 is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}
