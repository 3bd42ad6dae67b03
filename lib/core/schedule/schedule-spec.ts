import type { EpochMs } from '../common/clock.js';
import { type Duration, requireDuration } from '../common/duration.js';
import { DistributedScheduleError } from '../common/errors.js';
import { anyOf } from './any-of.js';
import { resolveHashes } from './cron/cron-hash.js';
import { cronSchedule } from './cron/cron.js';
import { parseFields, tidyExpression } from './cron/cron-fields.js';
import type { DstPolicy } from './zone/dst.js';
import type { Grain } from './calendar/excluded-times.js';
import { type Exclusion, normalizeExclusions, type StoredExclusion, withExclusions } from './calendar/exclusion.js';
import { intervalSchedule } from './interval.js';
import {
  type DailyTimes,
  expressionsOf,
  type MonthlyTimes,
  tidyTimes,
  timesText,
  type WeeklyTimes,
} from './local-times.js';
import type { StoredCalendar } from './calendar/named-calendar.js';
import { onceSchedule } from './once.js';
import { instantOf, scheduleProblems } from './schedule-problems.js';
import type { Schedule } from './schedule.js';
import { timeZoneProblem } from './zone/time-zone.js';

/** When it does not run. */
export interface WithExceptions {
  /**
   * Ticks that are left out: on dates, in a range, on days closed in a named calendar (or moved to the next or previous
   * working day), or in the minutes that another schedule names. @default none
   */
  except?: Exclusion | readonly Exclusion[];
  /** The zone of its local times and dates: an IANA name. @default the module's `timeZone`, which is UTC */
  timeZone?: string;
}

/** What every schedule of local times takes. */
export interface LocalScheduleOptions extends WithExceptions {
  /** What to do on the days on which clocks change. @default { gap: 'shift', overlap: 'first' } */
  dst?: DstPolicy;
}

/**
 * When a task runs, as users write it.
 *
 * - `cron`: 5 fields, or 6 with seconds first; `H` stands for a number that follows from the task's name
 * - `daily`, `weekly`, `monthly`: at one time of day or several, on days of the week or of the month
 * - `every`: from 10 ms to a hundred years of real time, counted from the moment the task is added (with `startAt`: from
 *   there), whoever restarts in between
 * - `at`: once; text is ISO 8601, without an offset in the module's `timeZone`
 * - `delay`: once, so long after the task is added; `'now'` is no delay
 * - `anyOf`: all ticks of several schedules; its `timeZone` and `dst` hold for those that have none
 *
 * @example { cron: '0 9 * * mon-fri', timeZone: 'Europe/London', except: { calendar: 'uk' } }
 * @example { monthly: { day: 'last', at: '18:00' }, timeZone: 'Europe/Berlin' }
 * @example { every: '5m' }
 * @example { anyOf: [{ daily: '09:00' }, { weekly: { on: 'friday', at: '17:30' } }] }
 */
export type ScheduleSpec =
  | (({ cron: string } | DailyTimes | WeeklyTimes | MonthlyTimes) & LocalScheduleOptions)
  | ({ every: Duration } & WithExceptions)
  | { at: Date | string | number }
  | { delay: Duration }
  | ({ anyOf: readonly ScheduleSpec[] } & LocalScheduleOptions)
  | 'now';

type StoredLocal = ({ cron: string } | DailyTimes | WeeklyTimes | MonthlyTimes) & { timeZone: string; dst?: DstPolicy };

/** A schedule as it stands in the registry: nothing in it depends on who reads it, or when. */
export type StoredSchedule =
  | (StoredLocal & { except?: StoredExclusion[] })
  | { every: number; anchor: EpochMs; timeZone?: string; except?: StoredExclusion[] }
  | { at: EpochMs }
  | { anyOf: StoredSchedule[]; timeZone?: string; except?: StoredExclusion[] };

export interface ScheduleContext {
  /** When the task is added or its schedule is changed. */
  now: EpochMs;
  /** The zone of whatever names none. */
  timeZone: string;
  /** What an `H` in cron follows from: the task's name. @default '' */
  seed?: string;
  /** The first tick of an interval. @default one interval after `now` */
  startAt?: EpochMs;
  /** By name. @default none */
  calendars?: Readonly<Record<string, StoredCalendar>>;
  /** The policy of whatever names none: of the union it is part of. */
  dst?: DstPolicy;
}

/**
 * The schedule in stored form. What is due at once gets a tick just after `now`, since ticks up to the moment a task
 * was added do not exist for it.
 * @throws DistributedScheduleError `INVALID_SCHEDULE` with all problems
 */
export function normalizeSchedule(spec: ScheduleSpec, context: ScheduleContext): StoredSchedule {
  const problems = scheduleProblems(spec, '');
  const unknown = timeZoneProblem(context.timeZone);
  if (unknown) problems.push(`timeZone: ${JSON.stringify(context.timeZone)} ${unknown}`);
  if (problems.length > 0) throw new DistributedScheduleError('INVALID_SCHEDULE', problems.join('; '));
  return stored(spec, context);
}

function stored(spec: ScheduleSpec, context: ScheduleContext): StoredSchedule {
  const { now, startAt } = context;
  if (spec === 'now') return { at: now + 1 };
  if ('at' in spec) return { at: instantOf(spec.at, context.timeZone) };
  if ('delay' in spec) return { at: now + Math.max(1, requireDuration(spec.delay, 'delay')) };
  const timeZone = spec.timeZone ?? context.timeZone;
  const { calendars = {} } = context;
  const except = spec.except === undefined ? [] : normalizeExclusions(spec.except, { timeZone, calendars });
  if ('every' in spec) {
    const every = requireDuration(spec.every, 'every');
    const anchor = startAt === undefined ? now : startAt - every;
    return { every, anchor, ...(except.length > 0 && { timeZone, except }) };
  }
  const dst = spec.dst ?? context.dst;
  if ('anyOf' in spec) {
    const parts = spec.anyOf.map((part) => stored(part, { ...context, timeZone, ...(dst && { dst }) }));
    return { anyOf: parts, timeZone, ...(except.length > 0 && { except }) };
  }
  const times =
    'cron' in spec ? { cron: resolveHashes(tidyExpression(spec.cron), context.seed ?? '') } : tidyTimes(spec);
  return { ...times, timeZone, ...(dst && { dst }), ...(except.length > 0 && { except }) };
}

const STORED = ['cron', 'daily', 'weekly', 'monthly', 'every', 'at', 'anyOf'];

/** @throws DistributedScheduleError `INVALID_SCHEDULE` where the stored form is not one this version can read */
export function compileSchedule(from: StoredSchedule): Schedule {
  if (from === null || typeof from !== 'object' || !STORED.some((kind) => kind in from))
    throw new DistributedScheduleError('INVALID_SCHEDULE', `${JSON.stringify(from)} is not a stored schedule`);
  if ('at' in from) return onceSchedule(from.at);
  const schedule = compileTicks(from);
  return from.except ? withExclusions(schedule, from.except, from.timeZone ?? 'UTC', grainOf(from)) : schedule;
}

function compileTicks(from: Exclude<StoredSchedule, { at: EpochMs }>): Schedule {
  if ('every' in from) return intervalSchedule(from.every, from.anchor);
  if ('anyOf' in from) {
    const parts = from.anyOf.map(compileSchedule);
    return anyOf(parts, () => parts.map((part) => part.describe()).join('; '));
  }
  const { timeZone, dst } = from;
  if ('cron' in from) return cronSchedule(from.cron, timeZone, dst);
  const parts = expressionsOf(from).map((expression) => cronSchedule(expression, timeZone, dst));
  return anyOf(parts, () => `${timesText(from)} in ${timeZone}`);
}

/** The seconds and minutes of local time at which it may have ticks; `undefined` where any is possible. */
function grainOf(from: StoredSchedule): Grain | undefined {
  if ('at' in from) return undefined;
  if ('every' in from) {
    const { every, anchor } = from;
    if (MINUTE % every !== 0) return undefined;
    const count = MINUTE / every;
    return { seconds: Array.from({ length: count }, (_, i) => Math.floor(((anchor + i * every) % MINUTE) / 1_000)) };
  }
  if ('anyOf' in from) {
    const parts = from.anyOf.map(grainOf);
    return parts.every((part) => part !== undefined) ? { seconds: parts.flatMap(({ seconds }) => seconds) } : undefined;
  }
  const fields = expressionsOf(from).map(parseFields);
  const seconds = fields.flatMap((one) => one.seconds);
  // what names hours may be shifted to other minutes where clocks change
  const isMoved = from.except?.some((one) => 'shift' in one) ?? false;
  const isSteady = !isMoved && fields.every(({ hours }) => hours.length === 24);
  return { seconds, ...(isSteady && { minutes: fields.flatMap(({ minutes }) => minutes) }) };
}

const MINUTE = 60_000;

/** Whether two schedules are the same to their users: when an interval began does not count. */
export function sameSchedule(a: StoredSchedule, b: StoredSchedule): boolean {
  return essence(a) === essence(b);
}

function essence(stored: StoredSchedule): string {
  return JSON.stringify(stored, (key, value: unknown) => {
    if (key === 'anchor') return undefined;
    const isMap = value !== null && typeof value === 'object' && !Array.isArray(value);
    return isMap ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))) : value;
  });
}

type Parts = { at?: EpochMs; except?: readonly StoredExclusion[]; anyOf?: readonly StoredSchedule[] };

/** The calendars that stand in a schedule, as they were when it was written. */
export function calendarsIn(schedule: StoredSchedule): StoredCalendar[] {
  const { except = [], anyOf: parts = [] }: Parts = schedule;
  return [...except.filter((exclusion) => 'calendar' in exclusion), ...parts.flatMap(calendarsIn)];
}

/** The schedule with calendars as they are now; those that have no entry stay as they were. */
export function withCalendars<S extends StoredSchedule>(
  schedule: S,
  calendars: Readonly<Record<string, StoredCalendar>>,
): S {
  const { except, anyOf: parts }: Parts = schedule;
  const renew = (exclusion: StoredExclusion): StoredExclusion =>
    'calendar' in exclusion ? { ...exclusion, ...calendars[exclusion.calendar] } : exclusion;
  return {
    ...schedule,
    ...(except && { except: except.map(renew) }),
    ...(parts && { anyOf: parts.map((part) => withCalendars(part, calendars)) }),
  };
}

/** Whether it has one tick at most, at a fixed instant. */
export function isOnce(schedule: StoredSchedule): schedule is { at: EpochMs } {
  return 'at' in schedule;
}
