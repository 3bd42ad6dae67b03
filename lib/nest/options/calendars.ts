import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';
import { show } from '../../core/common/show.js';
import { datesText } from '../../core/schedule/calendar/local-dates.js';
import {
  type CalendarOptions,
  calendarProblems,
  normalizeCalendar,
  type StoredCalendar,
} from '../../core/schedule/calendar/named-calendar.js';
import { isObject, segment, text } from './checks.js';
import { type ICalendarLibrary, readICalendar } from './read-icalendar.js';

/**
 * The working days of a country or a company: what `except: { calendar: 'de' }` of a schedule names. All nodes should
 * have the same; it is stored with each task that uses it.
 *
 * @example { weekend: ['sat', 'sun'], holidays: ['12-25', '12-26', '2026-04-03'], workdays: ['2026-10-10'] }
 * @example { weekend: ['fri', 'sat'], ical: readFileSync('holidays.ics', 'utf8') }
 */
export interface NamedCalendarOptions extends CalendarOptions {
  /**
   * The text of an `.ics` file (iCalendar, RFC 5545): every date that an event in it covers is a holiday. Needs the package
   * `ical.js`. @default none
   */
  ical?: string;
}

type Calendars = Readonly<Record<string, NamedCalendarOptions>>;
/** Not said more exactly: the declarations of this file must hold where the package is not installed. */
type Load = () => Promise<unknown>;

const load: Load = async () => (await import('ical.js')).default;

/**
 * Everything that is wrong with the calendars as given, each with its path; also with iCalendar texts, if the package that
 * reads them is there. Takes any value.
 */
export async function calendarsProblems(given: unknown, path: string, loadICal = load): Promise<string[]> {
  if (!isObject(given))
    return [`${path}: ${show(given)} is not an object of calendars by name, as { de: { weekend: ['sat', 'sun'] } }`];
  const problems = Object.entries(given).flatMap(([name, value]) => problemsOf(name, value, `${path}.${name}`));
  const library = textsIn(given).length > 0 ? await loadICal().catch(() => undefined) : undefined;
  if (!library) return problems;
  const unread = textsIn(given).flatMap(([name, ical]) =>
    readICalendar(library as ICalendarLibrary, ical).problems.map((problem) => `${path}.${name}.ical: ${problem}`),
  );
  return [...problems, ...unread];
}

function problemsOf(name: string, value: unknown, path: string): string[] {
  const misnamed = segment(name, path);
  if (!isObject(value)) return [...misnamed, ...calendarProblems(value, path)];
  const { ical, ...calendar } = value;
  return [...misnamed, ...calendarProblems(calendar, path), ...(ical === undefined ? [] : text(ical, `${path}.ical`))];
}

/** The iCalendar texts by the names of their calendars. */
function textsIn(given: Readonly<Record<string, unknown>>): [name: string, ical: string][] {
  return Object.entries(given).flatMap(([name, value]) =>
    isObject(value) && typeof value.ical === 'string' && value.ical !== '' ? [[name, value.ical]] : [],
  );
}

/**
 * Checked calendars in stored form, by name.
 *
 * @throws DistributedScheduleError `MISSING_PEER` where there is an iCalendar text and nothing to read it with;
 * `INVALID_OPTIONS` where there are problems after all
 */
export async function resolveCalendars(
  given: Calendars = {},
  loadICal = load,
): Promise<Record<string, StoredCalendar>> {
  const texts = textsIn(given);
  const library = texts.length > 0 ? await loadPeer(texts[0]![0], loadICal) : undefined;
  const stored = Object.entries(given).map(([name, { ical, ...options }]) => {
    const calendar = normalizeCalendar(name, options);
    if (!library || ical === undefined) return [name, calendar];
    const { dates: covered, problems } = readICalendar(library as ICalendarLibrary, ical);
    if (problems.length > 0)
      throw new DistributedScheduleError('INVALID_OPTIONS', `calendars.${name}.ical: ${problems.join('; ')}`);
    const dates = [calendar.holidays, covered].flatMap((all) => all.split(' '));
    return [name, { ...calendar, holidays: datesText(dates.filter((date) => date !== '')) }];
  });
  return Object.fromEntries(stored) as Record<string, StoredCalendar>;
}

async function loadPeer(name: string, loadICal: Load): Promise<unknown> {
  try {
    return await loadICal();
  } catch (error) {
    if (!/Cannot find (package|module) 'ical\.js'/.test(errorMessage(error))) throw error;
    const message = `calendars.${name}.ical needs the package ical.js, which is not installed: npm install ical.js`;
    throw new DistributedScheduleError('MISSING_PEER', message, { cause: error });
  }
}
