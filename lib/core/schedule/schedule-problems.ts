import { show } from '../common/show.js';
import type { EpochMs } from '../common/clock.js';
import { durationProblem, parseDuration } from '../common/duration.js';
import { nearest } from '../common/nearest.js';
import { parseFields, tidyExpression } from './cron/cron-fields.js';
import { resolveHashes } from './cron/cron-hash.js';
import { cronProblems } from './cron/cron-problems.js';
import { dstProblems } from './zone/dst.js';
import { exclusionProblems } from './calendar/exclusion.js';
import { intervalProblem, LONGEST_DURATION_MS } from './interval.js';
import { parseInstant } from './zone/iso-instant.js';
import { dateOf, dayOf } from './calendar/local-dates.js';
import { expressionsOf, type LocalTimes, localTimesProblems } from './local-times.js';
import { instantProblem } from './once.js';
import { timeZoneProblem } from './zone/time-zone.js';

/** How many schedules a union may have: it is asked for its next tick at every tick. */
const MOST_PARTS = 50;
/** Each is moved by itself, whenever the next tick is looked for. */
const MOST_MOVED = 100;

type Check = (value: unknown, path: string) => string[];

const one =
  (problemOf: (value: unknown) => string | undefined): Check =>
  (value, path) => {
    const problem = problemOf(value);
    return problem === undefined ? [] : [`${path}: ${show(value)} ${problem}`];
  };

const zone = one(timeZoneProblem);
const excepting: Record<string, Check> = { except: exclusionProblems, timeZone: zone };
const local: Record<string, Check> = { ...excepting, dst: dstProblems };

/** One line per kind of schedule: how its own value is checked, and what else may stand beside it. */
const KINDS: Record<string, { check: Check; beside: Record<string, Check> }> = {
  cron: { check: (cron, path) => cronProblems(cron).map((problem) => `${path}: ${problem}`), beside: local },
  daily: { check: localTimesProblems.daily, beside: local },
  weekly: { check: localTimesProblems.weekly, beside: local },
  monthly: { check: localTimesProblems.monthly, beside: local },
  every: { check: one(intervalProblem), beside: excepting },
  at: { check: one((at) => instantProblem(instantOf(at, 'UTC'))), beside: {} },
  delay: { check: delayProblems, beside: {} },
  anyOf: { check: partsProblems, beside: local },
};

const NAMES = Object.keys(KINDS);
const LISTED = `${NAMES.slice(0, -1).join(', ')} and ${NAMES.at(-1)}`;

/** Everything that is wrong with a schedule as given, each with its path. Takes any value. */
export function scheduleProblems(spec: unknown, path: string): string[] {
  const where = path || 'schedule';
  if (spec === 'now') return [];
  if (spec === null || typeof spec !== 'object' || Array.isArray(spec))
    return [
      `${where}: ${show(spec)} is not a schedule; give ${NAMES.map((name) => `{ ${name} }`).join(', ')} or 'now'`,
    ];
  const given = NAMES.filter((kind) => kind in spec);
  const beside = given.length === 1 ? KINDS[given[0]!]!.beside : local;
  const problems = Object.entries(spec).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key;
    if (given.includes(key)) return KINDS[key]!.check(value, at);
    if (!Object.hasOwn(beside, key)) return [unknownKey(key, at, given[0], beside)];
    return value === undefined ? [] : beside[key]!(value, at);
  });
  if (given.join() === 'every' && 'timeZone' in spec && !('except' in spec))
    problems.push(
      `${path ? `${path}.` : ''}timeZone: has no meaning for an interval without except; it runs on real time`,
    );
  if (problems.length === 0 && hasShift((spec as WithExcept).except)) problems.push(...shiftProblems(spec, path));
  if (given.length !== 1) {
    const instead = given.length > 1 ? `, not ${given.join(' and ')} together; anyOf takes several` : '';
    problems.push(`${where}: give one of ${LISTED}${instead}`);
  }
  return problems;
}

function partsProblems(parts: unknown, path: string): string[] {
  if (!Array.isArray(parts) || parts.length === 0)
    return [`${path}: ${show(parts)} is not a list of schedules; give at least one`];
  const count = leaves({ anyOf: parts });
  if (count > MOST_PARTS) return [`${path}: ${count} schedules are too many; at most ${MOST_PARTS} make one`];
  return parts.flatMap((part, i) => scheduleProblems(part, `${path}[${i}]`));
}

interface WithExcept {
  except?: unknown;
}

function hasShift(except: unknown): boolean {
  return [except]
    .flat()
    .some((one) => one !== null && typeof one === 'object' && 'shift' in one && one.shift !== undefined);
}

/** Whole days are moved to others with all their ticks: that needs local times, and not too many of them. */
function shiftProblems(spec: object, path: string): string[] {
  const at = path ? `${path}.except` : 'except';
  const perDay = timesADay(spec);
  if (perDay === undefined)
    return [`${at}: shift moves local times to another day; give cron, daily, weekly or monthly, or leave shift out`];
  if (perDay <= MOST_MOVED) return [];
  return [`${at}: shift moves at most ${MOST_MOVED} times a day to another day, these are ${perDay}; leave shift out`];
}

/** How often a schedule of local times fires on a day that it names; `undefined` where it is of another kind. */
function timesADay(spec: unknown): number | undefined {
  if (isUnion(spec)) return spec.anyOf.reduce<number | undefined>(sumOf, 0);
  if (!isLocalTimes(spec)) return undefined;
  return expressionsOf(spec).reduce((sum, expression) => {
    const { hours, minutes, seconds } = parseFields(resolveHashes(tidyExpression(expression), ''));
    return sum + hours.length * minutes.length * seconds.length;
  }, 0);
}

function sumOf(sum: number | undefined, part: unknown): number | undefined {
  const more = timesADay(part);
  return sum === undefined || more === undefined ? undefined : sum + more;
}

function isLocalTimes(spec: unknown): spec is LocalTimes {
  return (
    spec !== null && typeof spec === 'object' && ['cron', 'daily', 'weekly', 'monthly'].some((kind) => kind in spec)
  );
}

/** How many schedules a union joins, those in unions of its own included. */
function leaves(spec: unknown): number {
  const parts = isUnion(spec) ? spec.anyOf : undefined;
  return parts ? parts.reduce<number>((sum, part) => sum + leaves(part), 0) : 1;
}

function isUnion(spec: unknown): spec is { anyOf: unknown[] } {
  return spec !== null && typeof spec === 'object' && 'anyOf' in spec && Array.isArray(spec.anyOf);
}

function delayProblems(delay: unknown, path: string): string[] {
  const ms = parseDuration(delay);
  if (ms === undefined) return [durationProblem(delay, path)];
  return ms > LONGEST_DURATION_MS ? [`${path}: ${show(delay)} is too long; the longest delay is a hundred years`] : [];
}

function unknownKey(key: string, path: string, kind: string | undefined, beside: Record<string, Check>): string {
  if (Object.hasOwn(local, key)) return `${path}: has no meaning for a schedule with ${kind}`;
  const like = nearest(key, [...NAMES, ...Object.keys(beside)]);
  return `${path}: is not known${like ? `; did you mean '${like}'?` : ''}`;
}

/** The instant a user names; NaN where it is none. Text without an offset is local time in `timeZone`. */
export function instantOf(at: unknown, timeZone: string): EpochMs {
  if (at instanceof Date) return at.getTime();
  if (typeof at === 'number') return Math.round(at);
  return typeof at === 'string' ? parseInstant(at, timeZone) : Number.NaN;
}

/** The same for the end of a stretch: a date alone is its last millisecond. */
export function lastInstantOf(at: unknown, timeZone: string): EpochMs {
  if (typeof at !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(at) || Number.isNaN(parseInstant(at, timeZone)))
    return instantOf(at, timeZone);
  return parseInstant(dateOf(dayOf(at) + 1), timeZone) - 1;
}
