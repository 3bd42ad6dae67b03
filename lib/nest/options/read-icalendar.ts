import { runInNewContext } from 'node:vm';
import type ICAL from 'ical.js';
import { errorMessage } from '../../core/common/errors.js';
import { DAY_MS, dateOf, dateProblem, datesText, dayOf, yearlyFrom } from '../../core/schedule/calendar/local-dates.js';
import { MOST_DATES } from '../../core/schedule/calendar/named-calendar.js';

export type ICalendarLibrary = typeof ICAL;
type Library = ICalendarLibrary;
type Component = InstanceType<Library['Component']>;
type Event = InstanceType<Library['Event']>;
type Time = InstanceType<Library['Time']>;

/** Characters. */
export const LONGEST_TEXT = 1_048_576;
/** Recurrences that do not fit the form "every year on this date" are written out up to the end of this year. */
export const LAST_YEAR = 2050;
/** Of all events of a text together. */
const MOST_OCCURRENCES = 20_000;
/** There are recurrence rules for which the library searches without end, as `FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30`. */
const TIME_LIMIT_MS = 5_000;
const MOST_PROBLEMS = 5;

/** Whole days since 1970-01-01, both included. */
interface Days {
  first: number;
  last: number;
}

/**
 * The local dates that the events of an iCalendar text cover, as a stored calendar has them, and what is wrong with the
 * text. A timed event covers each date on which it lasts, in the time zone it is written in; the end of an event is not
 * part of it. Cancelled events and occurrences cover none. An event of every year on its date stays one entry.
 */
export function readICalendar(library: Library, text: string): { dates: string; problems: string[] } {
  if (text.length > LONGEST_TEXT)
    return { dates: '', problems: [`has ${text.length} characters, at most ${LONGEST_TEXT} are read`] };
  const read = (): { dates: string; problems: string[] } => datesIn(library, text.replace(/^\uFEFF/, ''));
  try {
    return runInNewContext('read()', { read }, { timeout: TIME_LIMIT_MS }) as ReturnType<typeof read>;
  } catch (error) {
    const isTooLong = (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    const problem = isTooLong
      ? `takes longer than ${TIME_LIMIT_MS / 1_000} seconds to read; does a recurrence rule name days that never come?`
      : `cannot be read as iCalendar (${errorMessage(error)}); give the text of an .ics file`;
    return { dates: '', problems: [problem] };
  }
}

function datesIn(library: Library, text: string): { dates: string; problems: string[] } {
  const events = eventsIn(library, text);
  if (events.length === 0) return { dates: '', problems: ['has no event (VEVENT)'] };
  const dates = new Set<string>();
  const problems: string[] = [];
  const budget = { left: MOST_OCCURRENCES };
  for (const [component, overrides] of withOverrides(events)) {
    if (problems.length === MOST_PROBLEMS) break;
    try {
      [component, ...overrides].forEach(requireDates);
      for (const date of datesOf(new library.Event(component, { exceptions: overrides }), budget)) dates.add(date);
      if (dates.size > MOST_DATES)
        return { dates: '', problems: [`covers more than ${MOST_DATES} dates, which is the most`] };
    } catch (error) {
      problems.push(`event ${nameOf(component)}: ${errorMessage(error)}`);
    }
  }
  return { dates: datesText([...dates]), problems };
}

function eventsIn(library: Library, text: string): Component[] {
  if (text.trim() === '') throw new Error('the text is empty');
  const parsed = library.parse(text) as unknown[];
  const roots = (Array.isArray(parsed[0]) ? parsed : [parsed]).map((one) => new library.Component(one as never));
  const other = roots.find(({ name }) => name !== 'vcalendar');
  if (other) throw new Error(`it is a ${other.name.toUpperCase()}, not a VCALENDAR`);
  return roots.flatMap((root) => root.getAllSubcomponents('vevent'));
}

/** Each event with those that replace single occurrences of it; one of these whose event is not there stands for itself. */
function withOverrides(events: readonly Component[]): [Component, Component[]][] {
  const overrides = new Map<string, Component[]>();
  const masters: Component[] = [];
  for (const event of events) {
    if (event.hasProperty('recurrence-id'))
      overrides.set(uidOf(event), [...(overrides.get(uidOf(event)) ?? []), event]);
    else masters.push(event);
  }
  const known = new Set(masters.map(uidOf));
  const orphans = [...overrides].flatMap(([uid, replaced]) => (known.has(uid) ? [] : replaced));
  return [
    ...masters.map((event): [Component, Component[]] => [event, overrides.get(uidOf(event)) ?? []]),
    ...orphans.map((event): [Component, Component[]] => [event, []]),
  ];
}

const uidOf = (event: Component): string => String(event.getFirstPropertyValue('uid') ?? '');

function nameOf(event: Component): string {
  const name = event.getFirstPropertyValue('summary') ?? event.getFirstPropertyValue('uid') ?? 'without a name';
  return JSON.stringify(String(name).slice(0, 60));
}

/** The library takes 30 February for 2 March, and fails on what is missing without naming it. */
function requireDates(event: Component): void {
  if (!event.hasProperty('dtstart')) throw new Error('has no DTSTART');
  for (const name of ['dtstart', 'dtend', 'exdate', 'rdate', 'recurrence-id']) {
    for (const property of event.getAllProperties(name)) {
      const [, , type, ...values] = property.toJSON() as unknown as [string, object, string, ...string[]];
      if (type === 'period') throw new Error(`${name.toUpperCase()} with a period is not supported; give its start`);
      const wrong = values.find((value) => dateProblem(value.slice(0, 10)) === 'does not exist');
      if (wrong !== undefined) throw new Error(`${name.toUpperCase()} ${wrong} does not exist`);
    }
  }
}

/** @throws Error where the event cannot be understood, or recurs too often */
function datesOf(event: Event, budget: { left: number }): string[] {
  if (isCancelled(event)) return [];
  const covered = daysOf(event);
  if (event.isRecurrenceException() || !event.isRecurring()) return rangeText(covered);
  const yearly = everyYear(event, covered);
  if (yearly) return yearly;
  return [...occurrencesOf(event, budget)].flatMap((occurrence) => {
    const { item, startDate } = event.getOccurrenceDetails(occurrence);
    const { first, last } = daysOf(item);
    return isCancelled(item) ? [] : rangeText({ first: dayIn(startDate), last: dayIn(startDate) + last - first });
  });
}

const isCancelled = (event: Event): boolean =>
  String(event.component.getFirstPropertyValue('status') ?? '').toUpperCase() === 'CANCELLED';

const dayIn = (time: Time): number => Date.UTC(time.year, time.month - 1, time.day) / DAY_MS;

/** @throws Error where it ends before it begins */
function daysOf({ startDate, endDate }: Event): Days {
  const [first, end] = [dayIn(startDate), dayIn(endDate)];
  const wall = (day: number, { hour, minute, second }: Time): number =>
    day * 86_400 + hour * 3_600 + minute * 60 + second;
  const seconds = wall(end, endDate) - wall(first, startDate);
  if (seconds < 0) throw new Error(`ends before it begins (${startDate.toString()} to ${endDate.toString()})`);
  const endsAtMidnight = wall(end, endDate) === end * 86_400;
  return { first, last: seconds > 0 && endsAtMidnight ? end - 1 : end };
}

/** Within the years that schedules have. */
function rangeText({ first, last }: Days): string[] {
  const [from, to] = [Math.max(first, 0), Math.min(last, dayOf('2199-12-31'))];
  return from > to ? [] : [datesText([{ from: dateOf(from), to: dateOf(to) }])];
}

/** The dates of an event that comes every year on the same date and nothing else; `undefined` for all others. */
function everyYear(event: Event, { first, last }: Days): string[] | undefined {
  const { component, startDate } = event;
  const [rule, ...more] = component.getAllProperties('rrule').map((property) => property.getFirstValue() as Recur);
  const isAltered = component.hasProperty('rdate') || component.hasProperty('exdate') || hasOverrides(event);
  if (!rule || more.length > 0 || isAltered || rule.freq !== 'YEARLY') return undefined;
  const { BYMONTH: months, BYMONTHDAY: days, ...others } = rule.parts;
  const isPlain = rule.interval <= 1 && !rule.count && !rule.until && Object.keys(others).length === 0;
  const isMonth = months === undefined || (months.length === 1 && months[0] === startDate.month);
  const isDay = days === undefined || (months !== undefined && days.length === 1 && days[0] === startDate.day);
  if (!isPlain || !isMonth || !isDay) return undefined;
  const dates = Array.from({ length: last - first + 1 }, (_, i) => dateOf(first + i));
  // Over the end of February its dates are not the same in all years.
  if (dates.length > 1 && dates.some((date) => /-02-2[89]$/.test(date))) return undefined;
  return dates.map((date) => yearlyFrom(Number(date.slice(0, 4)), date.slice(5)));
}

type Recur = InstanceType<Library['Recur']>;

const hasOverrides = (event: Event): boolean => Object.keys(event.exceptions).length > 0;

/** @throws Error where there are too many */
function* occurrencesOf(event: Event, budget: { left: number }): Generator<Time> {
  const { component, startDate } = event;
  const isExcluded = exclusionsOf(component);
  const rules = component.getAllProperties('rrule').map((property) => property.getFirstValue() as Recur);
  // The library leaves the start out where there are dates (RDATE) and no rule.
  if (rules.length === 0 && !isExcluded(startDate)) yield startDate;
  const iterator = event.iterator();
  for (let time: Time | null = iterator.next(); time && time.year <= LAST_YEAR; time = iterator.next()) {
    if (budget.left-- === 0) throw new Error(`there are more than ${MOST_OCCURRENCES} occurrences up to ${LAST_YEAR}`);
    if (!isExcluded(time) && (rules.length === 0 || rules.some((rule) => hasSuchDay(rule, startDate, time!))))
      yield time;
  }
}

/** The library looks at no EXDATE again that follows one without an occurrence. */
function exclusionsOf(component: Component): (time: Time) => boolean {
  const values = component.getAllProperties('exdate').flatMap((property) => property.getValues() as Time[]);
  const days = new Set(values.filter((time) => time.isDate).map(dayIn));
  const instants = new Set(values.filter((time) => !time.isDate).map((time) => time.toUnixTime()));
  return (time) => days.has(dayIn(time)) || (!time.isDate && instants.has(time.toUnixTime()));
}

/** A month or year without such a day has no occurrence; the library takes a day after it. */
function hasSuchDay({ freq, parts }: Recur, start: Time, time: Time): boolean {
  if ((freq !== 'YEARLY' && freq !== 'MONTHLY') || parts.BYDAY || parts.BYYEARDAY || parts.BYWEEKNO) return true;
  const length = new Date(Date.UTC(time.year, time.month, 0)).getUTCDate();
  return (parts.BYMONTHDAY ?? [start.day]).some((day) => day === time.day || day + length + 1 === time.day);
}
