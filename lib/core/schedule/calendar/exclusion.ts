import { BoundedCache } from '../../common/bounded-cache.js';
import type { EpochMs } from '../../common/clock.js';
import { DistributedScheduleError } from '../../common/errors.js';
import { nearest } from '../../common/nearest.js';
import { tidyExpression } from '../cron/cron-fields.js';
import { type Block, localBlock, type LocalPeriods, spanBlock, without } from './excluded-blocks.js';
import { type Grain, namedPeriods } from './excluded-times.js';
import { exclusionProblems } from './exclusion-problems.js';
import { parseInstant } from '../zone/iso-instant.js';
import { DAY_MS, type DateRange, dateSet, datesText, isDateText } from './local-dates.js';
import { expressionsOf, type LocalTimes } from '../local-times.js';
import { LONGEST_CLOSURE, type StoredCalendar, type WorkingDays, workingDays } from './named-calendar.js';
import type { Schedule } from '../schedule.js';
import { timeZone } from '../zone/time-zone.js';
import { type Shift, shiftToWorkingDays } from './working-day-shift.js';

export { exclusionProblems };

/**
 * When a schedule does not run. Dates and times are local, in the zone of the schedule.
 *
 * - a text: a date, `'2026-12-25'`, or `'12-25'` of every year
 * - `from`, `to`: dates, both included; or ISO 8601 dates with times, the second no longer included
 * - `calendar`: days that are closed in a calendar of the module's `calendars`. With `shift` a tick on such a day is not
 *   dropped, but moved to the next or the previous open day, at the same local time; only for schedules of local times
 * - `cron`, `daily`, `weekly`, `monthly`: a period, all seconds of the minutes that these name. With seconds in the
 *   expression, or in the time of day: those seconds
 *
 * @example { every: '10s', except: { cron: '* 0-7 * * *' } } // not between 0:00 and 7:59
 * @example { monthly: { day: 1, at: '09:00' }, except: { calendar: 'de', shift: 'next' } }
 */
export type Exclusion = string | DateRange | { calendar: string; shift?: Shift } | LocalTimes;

/** An exclusion as it stands in the registry: nothing in it depends on who reads it. */
export type StoredExclusion =
  | { dates: string }
  | { from: EpochMs; to: EpochMs }
  | { crons: readonly string[] }
  | (StoredCalendar & { shift?: Shift });

export interface ExclusionContext {
  timeZone: string;
  /** By name. */
  calendars: Readonly<Record<string, StoredCalendar>>;
}

/**
 * Exclusions in stored form, each once, in the order given.
 *
 * @param except without problems
 * @throws DistributedScheduleError `INVALID_SCHEDULE` with every calendar that there is not, and every empty range
 */
export function normalizeExclusions(
  except: Exclusion | readonly Exclusion[],
  context: ExclusionContext,
): StoredExclusion[] {
  const problems: string[] = [];
  const isList = Array.isArray(except);
  const stored = (isList ? (except as readonly Exclusion[]) : [except as Exclusion]).map((one, i) =>
    storedOf(one, context, isList ? `except[${i}]` : 'except', problems),
  );
  if (problems.length > 0) throw new DistributedScheduleError('INVALID_SCHEDULE', problems.join('; '));
  return [...new Map(stored.map((one) => [JSON.stringify(one), one])).values()];
}

function storedOf(given: Exclusion, context: ExclusionContext, path: string, problems: string[]): StoredExclusion {
  if (typeof given === 'string') return { dates: datesText([given]) };
  if ('from' in given) {
    if (isDateText(given.from)) return { dates: datesText([given]) };
    const [from, to] = [parseInstant(given.from, context.timeZone), parseInstant(given.to, context.timeZone)];
    if (!(from < to)) problems.push(`${path}: ${JSON.stringify(given)} ends before it begins in ${context.timeZone}`);
    return { from, to };
  }
  if (!('calendar' in given)) return { crons: [...new Set(expressionsOf(given).map(tidyExpression))] };
  const { calendar: name, shift } = given;
  if (Object.hasOwn(context.calendars, name)) return { ...context.calendars[name]!, ...(shift && { shift }) };
  problems.push(`${path}.calendar: ${unknownCalendar(name, Object.keys(context.calendars))}`);
  return { dates: '' };
}

function unknownCalendar(name: string, known: readonly string[]): string {
  if (known.length === 0)
    return `there is no calendar ${JSON.stringify(name)}, nor any other; give it in the module's option calendars`;
  const meant = nearest(name, known);
  return `there is no calendar ${JSON.stringify(name)}${meant ? `; did you mean '${meant}'?` : ';'} There are ${known.join(', ')}`;
}

/**
 * The ticks of a schedule that are not excluded, in stored form and zone: first moved to working days, calendar by
 * calendar, then dropped.
 *
 * @throws DistributedScheduleError `INVALID_SCHEDULE` where an exclusion is not one this version can read
 */
export function withExclusions(
  schedule: Schedule,
  except: readonly StoredExclusion[],
  zone: string,
  grain?: Grain,
): Schedule {
  if (except.length === 0) return schedule;
  let ticks = schedule;
  for (const one of except) if (isShift(one)) ticks = shiftToWorkingDays(ticks, one, one.shift, zone);
  const dropped = except.filter((one) => !isShift(one));
  return without(
    ticks,
    blocksOf(dropped, zone, grain),
    () => `${schedule.describe()}, except ${listed(except.map(exclusionText))}`,
  );
}

/** Whether an exclusion removes or moves a tick at this instant. */
export function excludes(stored: StoredExclusion, zone: string): (tick: EpochMs) => boolean {
  const blocks = blocksOf([stored], zone);
  return (tick) => blocks.some((block) => block(tick) !== undefined);
}

/** For people: `calendar de`, `2026-12-25`, `cron * 0-7 * * *`. */
export function exclusionText(stored: StoredExclusion): string {
  if ('calendar' in stored) {
    const { calendar, shift } = stored;
    return `calendar ${calendar}${shift === undefined ? '' : ` (moved to the ${shift} working day)`}`;
  }
  if ('dates' in stored) return listed(stored.dates.split(' ').map((date) => date.replace('/', ' to ')));
  if ('crons' in stored) return `cron ${listed(stored.crons)}`;
  return `between ${new Date(stored.from).toISOString()} and ${new Date(stored.to).toISOString()}`;
}

function isShift(one: StoredExclusion): one is StoredCalendar & { shift: Shift } {
  return 'calendar' in one && one.shift !== undefined;
}

const compiled = new BoundedCache<Block[]>(500);

/** Equal exclusions share one evaluator. */
function blocksOf(except: readonly StoredExclusion[], zone: string, grain?: Grain): Block[] {
  return compiled.get(JSON.stringify([zone, except, grain]), () => compileBlocks(except, zone, grain));
}

/** Everything that is local in one block, so that a tick's local time is looked up once; all dates in one set. */
function compileBlocks(except: readonly StoredExclusion[], zone: string, grain: Grain | undefined): Block[] {
  const dates = except.flatMap((one) => ('dates' in one ? [one.dates] : [])).join(' ');
  const local = except.flatMap((one) => ('calendar' in one || 'crons' in one ? periodsOf(one, grain) : []));
  if (dates !== '') local.unshift(daysOf(dateSet(dates)));
  const ranges = except.flatMap((one) => ('from' in one ? [spanBlock(one.from, one.to)] : []));
  const unknown = except.find((one) => !['dates', 'calendar', 'crons', 'from'].some((key) => key in one));
  if (unknown)
    throw new DistributedScheduleError('INVALID_SCHEDULE', `${JSON.stringify(unknown)} is not a stored exclusion`);
  return local.length > 0 ? [localBlock(timeZone(zone), local), ...ranges] : ranges;
}

function periodsOf(one: StoredCalendar | { crons: readonly string[] }, grain: Grain | undefined): LocalPeriods[] {
  if ('calendar' in one) return [daysOf(closedDays(workingDays(one)))];
  return one.crons.map((expression) => {
    const periods = namedPeriods(expression, grain);
    return (wall) => periods.endAt(wall);
  });
}

interface Days {
  has(day: number): boolean;
  /** The first day after `day` that is not one of them, or an earlier one. */
  endOf(day: number): number;
}

function closedDays(days: WorkingDays): Days {
  return { has: (day) => !days.isOpen(day), endOf: (day) => days.openFrom(day, 1) ?? day + LONGEST_CLOSURE };
}

/** Days as periods of local time. */
function daysOf(days: Days): LocalPeriods {
  return (wall) => {
    const day = Math.floor(wall / DAY_MS);
    return days.has(day) ? days.endOf(day) * DAY_MS : undefined;
  };
}

/** `a, b and c`; of many the first three. */
function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  if (items.length > 4) return `${items.slice(0, 3).join(', ')} and ${items.length - 3} more`;
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
