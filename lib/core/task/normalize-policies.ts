import { durationProblem, parseDuration } from '../common/duration.js';
import { nearest } from '../common/nearest.js';
import { instantProblem } from '../schedule/once.js';
import { instantOf, lastInstantOf } from '../schedule/schedule-problems.js';
import { DEFAULT_POLICIES, type ResolvedPolicies, type RetryOptions, type TaskPolicies } from './policies.js';

type Check = (value: unknown, path: string, out: Partial<ResolvedPolicies>, timeZone: string) => string | undefined;

const oneOf =
  <K extends keyof ResolvedPolicies>(key: K, ...values: readonly ResolvedPolicies[K][]): Check =>
  (value, path, out) => {
    if (!values.includes(value as ResolvedPolicies[K])) {
      return `${path}: ${JSON.stringify(value)} is none of ${values.map((v) => JSON.stringify(v)).join(', ')}`;
    }
    out[key] = value as ResolvedPolicies[K];
  };

const duration =
  (key: 'timeoutMs' | 'misfireDeadlineMs' | 'jitterMs'): Check =>
  (value, path, out) => {
    const ms = parseDuration(value);
    if (ms === undefined) return durationProblem(value, path);
    if (ms === 0) return `${path}: ${JSON.stringify(value)} is too short; give at least 1 ms, or leave it out`;
    out[key] = ms;
  };

const integer =
  (key: 'priority' | 'maxParallel' | 'misfireLimit' | 'maxRuns', min: number): Check =>
  (value, path, out) => {
    if (!Number.isSafeInteger(value) || (value as number) < min) {
      return `${path}: ${JSON.stringify(value)} is not a whole number${min > -Infinity ? ` of at least ${min}` : ''}`;
    }
    out[key] = value as number;
  };

const instant =
  (key: 'startAt' | 'endAt'): Check =>
  (value, path, out, timeZone) => {
    const at = key === 'endAt' ? lastInstantOf(value, timeZone) : instantOf(value, timeZone);
    const problem = instantProblem(at);
    if (problem) return `${path}: ${JSON.stringify(value)} ${problem}`;
    out[key] = at;
  };

const labels: Check = (value, path, out) => {
  const sound = value !== null && typeof value === 'object' && Object.values(value).every((v) => typeof v === 'string');
  if (!sound) return `${path}: give an object of label: value, both strings`;
  out.nodeSelector = value as Record<string, string>;
};

const retry: Check = (value, path, out) => {
  const given = value as RetryOptions;
  if (value === null || typeof value !== 'object') return `${path}: give an object, as { attempts: 3, delay: '1s' }`;
  const unknown = Object.keys(value).find((k) => !['attempts', 'delay', 'backoff', 'maxDelay'].includes(k));
  if (unknown) return `${path}.${unknown}: unknown option; retry knows attempts, delay, backoff, maxDelay`;
  if (!Number.isSafeInteger(given.attempts) || given.attempts < 1) {
    return `${path}.attempts: ${JSON.stringify(given.attempts)} is not a whole number of at least 1`;
  }
  const { delayMs, maxDelayMs } = DEFAULT_POLICIES.retry;
  const wait = parseDuration(given.delay ?? delayMs);
  if (wait === undefined) return durationProblem(given.delay, `${path}.delay`);
  const cap = parseDuration(given.maxDelay ?? maxDelayMs);
  if (cap === undefined) return durationProblem(given.maxDelay, `${path}.maxDelay`);
  const backoff = given.backoff ?? DEFAULT_POLICIES.retry.backoff;
  if (!['fixed', 'linear', 'exponential'].includes(backoff)) {
    return `${path}.backoff: ${JSON.stringify(backoff)} is none of "fixed", "linear", "exponential"`;
  }
  out.retry = { attempts: given.attempts, delayMs: wait, backoff, maxDelayMs: cap };
};

/** One line per policy: its name and how it is checked and stored. */
const CHECKS: Record<Exclude<keyof TaskPolicies, 'description' | 'tags'>, Check> = {
  priority: integer('priority', -Infinity),
  timeout: duration('timeoutMs'),
  retry,
  overlap: oneOf('overlap', 'skip', 'allow'),
  maxParallel: integer('maxParallel', 1),
  misfire: oneOf('misfire', 'fire-once', 'fire-all', 'skip'),
  misfireLimit: integer('misfireLimit', 1),
  misfireDeadline: duration('misfireDeadlineMs'),
  recovery: oneOf('recovery', 'none', 'rerun'),
  standby: oneOf('standby', true, false),
  startAt: instant('startAt'),
  endAt: instant('endAt'),
  maxRuns: integer('maxRuns', 1),
  jitter: duration('jitterMs'),
  runOnStart: oneOf('runOnStart', 'cluster', 'version'),
  oneShot: oneOf('oneShot', true, false),
  afterRun: oneOf('afterRun', 'keep', 'delete', 'purge'),
  nodeSelector: labels,
};

export const POLICY_NAMES: readonly string[] = [...Object.keys(CHECKS), 'description', 'tags'];

/**
 * The given policies, checked and in stored form; fields left `undefined` are left out. `known` names further keys the
 * object may carry, `timeZone` the zone of local times: without it they are not held against each other. Every problem is collected, each with its path.
 */
export function normalizePolicies(
  given: TaskPolicies,
  path: string,
  problems: string[],
  known: readonly string[] = [],
  timeZone?: string,
): Partial<ResolvedPolicies> {
  const out: Partial<ResolvedPolicies> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key as keyof typeof CHECKS] : undefined;
    const at = path ? `${path}.${key}` : key;
    if (check) {
      const problem = check(value, at, out, timeZone ?? 'UTC');
      if (problem) problems.push(problem);
    } else if (key === 'description' ? typeof value !== 'string' : key === 'tags' && !isStrings(value)) {
      problems.push(`${at}: ${JSON.stringify(value)} is not ${key === 'tags' ? 'a list of strings' : 'a string'}`);
    } else if (!POLICY_NAMES.includes(key) && !known.includes(key)) {
      const guess = nearest(key, [...POLICY_NAMES, ...known]);
      problems.push(`${at}: unknown option${guess ? `; did you mean ${guess}?` : ''}`);
    }
  }
  const { startAt, endAt } = out;
  if (timeZone !== undefined && startAt !== undefined && endAt !== undefined && endAt < startAt)
    problems.push(`${path ? `${path}.` : ''}endAt: it lies before startAt, so there is no tick`);
  return out;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
