import { durationProblem, formatDuration, parseDuration } from '../common/duration.js';
import { nearest } from '../common/nearest.js';
import { show } from '../common/show.js';
import { instantProblem } from '../schedule/once.js';
import { instantOf, lastInstantOf } from '../schedule/schedule-problems.js';
import {
  DEFAULT_POLICIES,
  type ResolvedPolicies,
  type ResolvedRetry,
  type RetryOptions,
  type TaskPolicies,
} from './policies.js';

/** One, several or none. */
type Problem = string | readonly string[] | undefined;

type Check = (value: unknown, path: string, out: Partial<ResolvedPolicies>, timeZone: string) => Problem;

const oneOf =
  <K extends keyof ResolvedPolicies>(key: K, ...values: readonly ResolvedPolicies[K][]): Check =>
  (value, path, out) => {
    if (!values.includes(value as ResolvedPolicies[K])) {
      return `${path}: ${show(value)} is none of ${values.map((v) => JSON.stringify(v)).join(', ')}`;
    }
    out[key] = value as ResolvedPolicies[K];
  };

const duration =
  (key: 'timeoutMs' | 'totalTimeoutMs' | 'abortGraceMs' | 'misfireDeadlineMs' | 'jitterMs'): Check =>
  (value, path, out) => {
    const ms = parseDuration(value);
    if (ms === undefined) return durationProblem(value, path);
    if (ms === 0) return `${path}: ${show(value)} is too short; give at least 1 ms, or leave it out`;
    out[key] = ms;
  };

/** The one duration, or one for each thing. */
const timeout: Check = (value, path, out, timeZone) => {
  if (value === null || typeof value !== 'object') return duration('timeoutMs')(value, path, out, timeZone);
  const parts: Record<string, Check> = { attempt: duration('timeoutMs'), total: duration('totalTimeoutMs') };
  const problem = partsProblem(value, path, (key, part, at) => parts[key]?.(part, at, out, timeZone), {
    known: Object.keys(parts),
    required: [],
  });
  const { timeoutMs = 0, totalTimeoutMs = Infinity } = out;
  if (problem !== undefined || timeoutMs <= totalTimeoutMs) return problem;
  return `${path}.attempt: ${formatDuration(timeoutMs)} is more than total (${formatDuration(totalTimeoutMs)}), so it never applies; give less, or leave it out`;
};

const wholeNumber =
  <K extends string>(key: K, min = 1) =>
  (value: unknown, path: string, out: Partial<Record<K, number>>): Problem => {
    if (!Number.isSafeInteger(value) || (value as number) < min) {
      return `${path}: ${show(value)} is not a whole number${min > -Infinity ? ` of at least ${min}` : ''}`;
    }
    out[key] = value as number;
  };

const instant =
  (key: 'startAt' | 'endAt'): Check =>
  (value, path, out, timeZone) => {
    const at = key === 'endAt' ? lastInstantOf(value, timeZone) : instantOf(value, timeZone);
    const problem = instantProblem(at);
    if (problem) return `${path}: ${show(value)} ${problem}`;
    out[key] = at;
  };

const group: Check = (value, path, out) => {
  if (typeof value !== 'string' || !/^[^*\s/]+$/.test(value))
    return `${path}: ${show(value)} is not the name of a group: a text without spaces, / and *`;
  out.group = value;
};

const labels: Check = (value, path, out) => {
  const sound = value !== null && typeof value === 'object' && Object.values(value).every((v) => typeof v === 'string');
  if (!sound) return `${path}: give an object of label: value, both strings`;
  out.nodeSelector = value as Record<string, string>;
};

const retry: Check = (value, path, out) => {
  if (!isObject(value)) return `${path}: give an object, as { attempts: 3, delay: '1s' }`;
  const given = value as Partial<RetryOptions>;
  const known = ['attempts', 'delay', 'backoff', 'maxDelay', 'deadline', 'retryIf'];
  const { delayMs, maxDelayMs, backoff } = DEFAULT_POLICIES.retry;
  const resolved: ResolvedRetry = { attempts: 1, delayMs, backoff, maxDelayMs };
  const problem = partsProblem(
    value,
    path,
    (key, part, at) => {
      if (key === 'attempts') return wholeNumber('attempts')(part, at, resolved);
      if (key === 'backoff')
        return BACKOFFS.includes(given.backoff!)
          ? void (resolved.backoff = given.backoff!)
          : `${at}: ${show(part)} is none of ${BACKOFFS.map((name) => JSON.stringify(name)).join(', ')}`;
      if (key === 'retryIf')
        return typeof part === 'function'
          ? undefined
          : `${at}: ${show(part)} is not a function (error, attempt) => boolean`;
      const ms = parseDuration(part);
      if (ms === undefined) return durationProblem(part, at);
      resolved[`${key as 'delay' | 'maxDelay' | 'deadline'}Ms`] = ms;
    },
    { known, required: ['attempts'] },
  );
  if (problem !== undefined) return problem;
  if (given.maxDelay === undefined) resolved.maxDelayMs = Math.max(maxDelayMs, resolved.delayMs);
  out.retry = resolved;
  return waitProblems(resolved, given, path);
};

/** A wait that could never be as long as it says, or after which there is no further attempt. */
function waitProblems(
  { delayMs, maxDelayMs, backoff, deadlineMs = Infinity }: ResolvedRetry,
  { delay }: Partial<RetryOptions>,
  path: string,
): Problem {
  const problems: string[] = [];
  const wait = `${path}.delay: ${formatDuration(delayMs)}`;
  if (delay !== undefined && delayMs > maxDelayMs) {
    problems.push(
      `${wait} is more than maxDelay (${formatDuration(maxDelayMs)}), so no wait would be that long; give a longer maxDelay, or a shorter delay`,
    );
  }
  if (backoff === 'fixed' && Math.min(delayMs, maxDelayMs) > deadlineMs) {
    const last = `deadline (${formatDuration(deadlineMs)})`;
    problems.push(
      `${wait} is more than ${last}, so there would be no second attempt; give a longer deadline, or a shorter delay`,
    );
  }
  return problems.length > 0 ? problems : undefined;
}

const BACKOFFS: readonly ResolvedRetry['backoff'][] = ['fixed', 'linear', 'exponential'];

const circuitBreaker: Check = (value, path, out) => {
  if (!isObject(value)) return `${path}: give an object, as { threshold: 5, halfOpenAfter: '1m' }`;
  const resolved = { threshold: 1, halfOpenAfterMs: 60_000 };
  const problem = partsProblem(
    value,
    path,
    (key, part, at) => {
      if (key === 'threshold') return wholeNumber('threshold')(part, at, resolved);
      const ms = parseDuration(part);
      if (ms === undefined || ms === 0) return durationProblem(part, at);
      resolved.halfOpenAfterMs = ms;
    },
    { known: ['threshold', 'halfOpenAfter'], required: ['threshold'] },
  );
  if (problem === undefined) out.circuitBreaker = resolved;
  return problem;
};

/** Every problem of an option that is an object: keys it does not know, those it needs, and what `check` says of a part. */
function partsProblem(
  value: object,
  path: string,
  check: (key: string, part: unknown, path: string) => Problem,
  { known, required }: { known: readonly string[]; required: readonly string[] },
): Problem {
  const given = Object.entries(value).filter(([, part]) => part !== undefined);
  const missing = required.filter((key) => !given.some(([name]) => name === key));
  const problems = given.flatMap(([key, part]) => {
    if (known.includes(key)) return check(key, part, `${path}.${key}`) ?? [];
    const guess = nearest(key, known);
    return `${path}.${key}: unknown option; ${guess ? `did you mean ${guess}?` : `there are ${known.join(', ')}`}`;
  });
  problems.push(...missing.map((key) => `${path}.${key}: it is missing`));
  if (given.length === 0 && required.length === 0) problems.push(`${path}: give ${known.join(', ')}`);
  return problems.length > 0 ? problems : undefined;
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** One line per policy: its name and how it is checked and stored. */
const CHECKS: Record<Exclude<keyof TaskPolicies, 'description' | 'tags'>, Check> = {
  priority: wholeNumber('priority', -Infinity),
  timeout,
  abortGrace: duration('abortGraceMs'),
  retry,
  overlap: oneOf('overlap', 'skip', 'queue', 'allow', 'replace'),
  maxParallel: wholeNumber('maxParallel'),
  group,
  circuitBreaker,
  pauseAfter: wholeNumber('pauseAfter'),
  misfire: oneOf('misfire', 'fire-once', 'fire-all', 'skip'),
  misfireLimit: wholeNumber('misfireLimit'),
  misfireDeadline: duration('misfireDeadlineMs'),
  recovery: oneOf('recovery', 'none', 'rerun'),
  standby: oneOf('standby', true, false),
  startAt: instant('startAt'),
  endAt: instant('endAt'),
  maxRuns: wholeNumber('maxRuns'),
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
      if (problem !== undefined) problems.push(...[problem].flat());
    } else if (key === 'description' ? typeof value !== 'string' : key === 'tags' && !isStrings(value)) {
      problems.push(`${at}: ${show(value)} is not ${key === 'tags' ? 'a list of strings' : 'a string'}`);
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
