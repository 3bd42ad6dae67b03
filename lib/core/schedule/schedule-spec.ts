import type { EpochMs } from '../common/clock.js';
import { type Duration, durationProblem, parseDuration, requireDuration } from '../common/duration.js';
import { DistributedScheduleError } from '../common/errors.js';
import { nearest } from '../common/nearest.js';
import { cronSchedule } from './cron.js';
import { tidyExpression } from './cron-fields.js';
import { cronProblems } from './cron-problems.js';
import { intervalProblem, intervalSchedule, LONGEST_DURATION_MS } from './interval.js';
import { parseInstant } from './iso-instant.js';
import { instantProblem, onceSchedule } from './once.js';
import type { Schedule } from './schedule.js';
import { timeZoneProblem } from './time-zone.js';

/**
 * When a task runs, as users write it.
 *
 * - `cron`: 5 fields, or 6 with seconds first; `timeZone` is an IANA name. @default the module's `timeZone`
 * - `every`: from 10 ms to a hundred years, counted from the moment the task is added, whoever restarts in between
 * - `at`: once; text is ISO 8601, without an offset in the module's `timeZone`
 * - `delay`: once, so long after the task is added; `'now'` is no delay
 *
 * @example { cron: '0 9 * * mon-fri', timeZone: 'Europe/London' }
 * @example { every: '5m' }
 * @example { at: '2030-01-31T09:00:00Z' }
 */
export type ScheduleSpec =
  | { cron: string; timeZone?: string }
  | { every: Duration }
  | { at: Date | string | number }
  | { delay: Duration }
  | 'now';

/** A schedule as it stands in the registry: nothing in it depends on who reads it, or when. */
export type StoredSchedule = { cron: string; timeZone: string } | { every: number; anchor: EpochMs } | { at: EpochMs };

export interface ScheduleContext {
  /** When the task is added or its schedule is changed. */
  now: EpochMs;
  /** The zone of whatever names none. */
  timeZone: string;
}

const KINDS = ['cron', 'every', 'at', 'delay'] as const;

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
  if (spec === 'now') return { at: context.now + 1 };
  if ('cron' in spec) return { cron: tidyExpression(spec.cron), timeZone: spec.timeZone ?? context.timeZone };
  if ('every' in spec) return { every: requireDuration(spec.every, 'every'), anchor: context.now };
  if ('at' in spec) return { at: instantOf(spec.at, context.timeZone) };
  return { at: context.now + Math.max(1, requireDuration(spec.delay, 'delay')) };
}

/** @throws DistributedScheduleError `INVALID_SCHEDULE` where the stored form is not one this version can read */
export function compileSchedule(stored: StoredSchedule): Schedule {
  if (stored === null || typeof stored !== 'object') {
    throw new DistributedScheduleError('INVALID_SCHEDULE', `${show(stored)} is not a stored schedule`);
  }
  if ('cron' in stored) return cronSchedule(stored.cron, stored.timeZone);
  if ('every' in stored) return intervalSchedule(stored.every, stored.anchor);
  return onceSchedule(stored.at);
}

/** Whether two schedules are the same to their users: when an interval began does not count. */
export function sameSchedule(a: StoredSchedule, b: StoredSchedule): boolean {
  if ('cron' in a) return 'cron' in b && a.cron === b.cron && a.timeZone === b.timeZone;
  if ('every' in a) return 'every' in b && a.every === b.every;
  return 'at' in b && a.at === b.at;
}

/** Everything that is wrong with a schedule as given, each with its path. Takes any value. */
export function scheduleProblems(spec: unknown, path: string): string[] {
  const at = (key: string): string => (path ? `${path}.${key}` : key);
  const where = path || 'schedule';
  if (spec === 'now') return [];
  if (spec === null || typeof spec !== 'object' || Array.isArray(spec)) {
    return [`${where}: ${show(spec)} is not a schedule; give { cron }, { every }, { at }, { delay } or 'now'`];
  }
  const given = KINDS.filter((kind) => kind in spec);
  const problems = Object.keys(spec).flatMap((key) => unknownKey(key, at(key), given.includes('cron')));
  if (given.length !== 1) {
    problems.push(
      `${where}: give one of cron, every, at and delay${given.length > 1 ? `, not ${given.join(' and ')} together` : ''}`,
    );
  }
  const { cron, timeZone, every, at: instant, delay } = spec as Record<string, unknown>;
  if (given.includes('cron')) problems.push(...cronProblems(cron).map((problem) => `${at('cron')}: ${problem}`));
  const zone = timeZone === undefined ? undefined : timeZoneProblem(timeZone);
  if (zone) problems.push(`${at('timeZone')}: ${show(timeZone)} ${zone}`);
  const interval = given.includes('every') && intervalProblem(every);
  if (interval) problems.push(`${at('every')}: ${show(every)} ${interval}`);
  const once = given.includes('at') && instantProblem(instantOf(instant, 'UTC'));
  if (once) problems.push(`${at('at')}: ${show(instant)} ${once}`);
  if (given.includes('delay')) problems.push(...delayProblems(delay, at('delay')));
  return problems;
}

function delayProblems(delay: unknown, path: string): string[] {
  const ms = parseDuration(delay);
  if (ms === undefined) return [durationProblem(delay, path)];
  return ms > LONGEST_DURATION_MS ? [`${path}: ${show(delay)} is too long; the longest delay is a hundred years`] : [];
}

function unknownKey(key: string, path: string, isCron: boolean): string[] {
  const known = isCron ? [...KINDS, 'timeZone'] : KINDS;
  if ((known as readonly string[]).includes(key)) return [];
  if (key === 'timeZone') return [`${path}: only a cron schedule has a time zone`];
  const like = nearest(key, known);
  return [`${path}: is not known${like ? `; did you mean '${like}'?` : ''}`];
}

function instantOf(at: unknown, timeZone: string): EpochMs {
  if (at instanceof Date) return at.getTime();
  if (typeof at === 'number') return Math.round(at);
  return typeof at === 'string' ? parseInstant(at, timeZone) : Number.NaN;
}

function show(value: unknown): string {
  const text = value instanceof Date ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
