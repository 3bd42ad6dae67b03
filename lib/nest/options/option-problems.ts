import { resolveStrategy } from '../../core/assignment/strategy-table.js';
import { parseDuration } from '../../core/common/duration.js';
import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';
import { show } from '../../core/common/show.js';
import { isMiddlewareClass, middlewareOf } from '../../core/execution/middleware.js';
import { timeZoneProblem } from '../../core/schedule/zone/time-zone.js';
import { DEFAULT_CLUSTER } from '../../core/scheduler/scheduler-options.js';
import { groupProblem } from '../../core/task/group-limits.js';
import { normalizePolicies } from '../../core/task/normalize-policies.js';
import type { TaskPolicies } from '../../core/task/policies.js';
import type { DistributedScheduleOptions } from '../distributed-schedule.options.js';
import { calendarsProblems } from './calendars.js';
import { duration, isObject, labels, oneOf, section, segment, share, text, wholeNumber, type Check } from './checks.js';
import { registryProblems } from './registries.js';

/** The starts of a whole stretch stand in one document of the registry. */
const MAX_RATE = 1_000;

const timeZone: Check = (value, path) => {
  const problem = timeZoneProblem(value);
  return problem === undefined ? [] : [`${path}: ${show(value)} ${problem}`];
};

const assignment: Check = (value) => {
  try {
    resolveStrategy(value as never);
    return [];
  } catch (error) {
    return [errorMessage(error)];
  }
};

/** The defaults of tasks. */
export const policies: Check = (value, path) => {
  if (!isObject(value)) return [`${path}: ${show(value)} is not an object of task policies, as { timeout: '5m' }`];
  const problems: string[] = [];
  normalizePolicies(value, path, problems);
  if (typeof (value as TaskPolicies).retry?.retryIf === 'function')
    problems.push(`${path}.retry.retryIf: a function belongs to the task it judges; give it in its decorator`);
  for (const own of ['description', 'tags', 'startAt', 'endAt']) {
    if (own in value) problems.push(`${path}.${own}: belongs to each task by itself; leave it out of the defaults`);
  }
  return problems;
};

const middleware: Check = (value, path) => {
  if (!Array.isArray(value)) return [`${path}: ${show(value)} is no list of middlewares, as [(run, next) => next()]`];
  return value.flatMap((one: unknown, index) =>
    middlewareOf(one) || isMiddlewareClass(one)
      ? []
      : [`${path}[${index}]: ${show(one)} is neither a function nor a class or object with a method use(run, next)`],
  );
};

const cluster = section({
  sessionTtl: duration(1),
  heartbeatInterval: duration(1),
  resyncInterval: duration(100),
  standbyDelay: (value, path) => (value === false ? [] : duration(1)(value, path)),
  claimAhead: duration(0),
});

const rateParts = section({ limit: wholeNumber(1, MAX_RATE), per: duration(1) });
const rate: Check = (value, path) => {
  const missing = isObject(value) ? ['limit', 'per'].filter((key) => value[key] === undefined) : [];
  return [
    ...rateParts(value, path),
    ...missing.map((key) => `${path}.${key}: it is missing; as { limit: 100, per: '1m' }`),
  ];
};
const group = section({ concurrency: wholeNumber(1), rate });

const groups: Check = (value, path) => {
  if (!isObject(value)) return [`${path}: ${show(value)} is not an object of groups, as { mail: { concurrency: 5 } }`];
  return Object.entries(value).flatMap(([name, limits]) => {
    const problems = group(limits, `${path}.${name}`);
    if (problems.length > 0 || Object.keys(limits as object).length > 0) return problems;
    return [`${path}.${name}: it limits nothing; give concurrency, rate or both`];
  });
};

/** One line per option. */
const options = section({
  namespace: segment,
  registry: () => [], // loads its adapter, so it is looked at apart
  node: section({ id: segment, ip: text, hostname: text, weight: share, labels, role: oneOf('worker', 'observer') }),
  version: text,
  assignment,
  timeZone,
  calendars: () => [], // may load the reader of iCalendar text, so they are looked at apart
  concurrency: wholeNumber(1),
  groups,
  defaults: policies,
  middleware,
  enhancers: oneOf(true, false),
  eventEmitter: oneOf(true, false),
  tracing: oneOf(true, false),
  cluster: (value, path) => [...cluster(value, path), ...heartbeatProblems(value, path)],
  shutdown: section({ drainTimeout: duration(0) }),
  startup: oneOf('wait', 'background'),
  history: section({ keepRuns: wholeNumber(1) }),
  orphans: section({ pruneAfter: (value, path) => (value === false ? [] : duration(1)(value, path)) }),
  autoStart: oneOf(true, false),
});

/** Everything that is wrong with the options, each with its path; empty where nothing is. */
export async function optionProblems(given: unknown): Promise<string[]> {
  if (given === undefined || given === null) {
    return [
      `options: the factory returned ${String(given)}; return an object, {} for the defaults. Is the configuration key right?`,
    ];
  }
  const registry =
    isObject(given) && given.registry !== undefined ? await registryProblems(given.registry, 'registry') : [];
  const calendars =
    isObject(given) && given.calendars !== undefined ? await calendarsProblems(given.calendars, 'calendars') : [];
  return [...options(given, ''), ...(isObject(given) ? defaultGroupProblems(given) : []), ...registry, ...calendars];
}

/**
 * @param name of the scheduler, where it has one: its namespace, unless the options say another
 * @throws DistributedScheduleError `INVALID_OPTIONS` listing every problem
 */
export async function requireOptions(given: unknown, name?: unknown): Promise<DistributedScheduleOptions> {
  const problems = [...(name === undefined ? [] : segment(name, 'name')), ...(await optionProblems(given))];
  if (problems.length === 0) {
    const options = given as DistributedScheduleOptions;
    return name === undefined ? options : { ...options, namespace: options.namespace ?? (name as string) };
  }
  const lines = problems.map((problem) => `\n  - ${problem}`).join('');
  throw new DistributedScheduleError(
    'INVALID_OPTIONS',
    `The options of DistributedScheduleModule are not valid:${lines}`,
  );
}

/** Told of the defaults, since no task has named it. */
export function defaultGroupProblems({ defaults, groups = {} }: { defaults?: unknown; groups?: unknown }): string[] {
  if (!isObject(defaults) || !isObject(groups)) return [];
  const { group: name } = normalizePolicies({ group: defaults.group as string }, '', []); // none where it is malformed
  const problem = name === undefined ? undefined : groupProblem(name, Object.keys(groups), 'defaults.group');
  return problem === undefined ? [] : [problem];
}

/** Between two heartbeats there must be time for one that fails. */
function heartbeatProblems(value: unknown, path: string): string[] {
  if (!isObject(value) || value.heartbeatInterval === undefined) return [];
  const beat = parseDuration(value.heartbeatInterval);
  const ttl = parseDuration(value.sessionTtl ?? DEFAULT_CLUSTER.ttlMs);
  if (beat === undefined || ttl === undefined || beat * 2 <= ttl) return [];
  return [
    `${path}.heartbeatInterval: ${show(value.heartbeatInterval)} is more than half of sessionTtl (${ttl} ms); leave it out or give at most ${Math.floor(ttl / 2)} ms`,
  ];
}
