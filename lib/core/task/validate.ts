import type { EpochMs } from '../common/clock.js';
import { DistributedScheduleError, errorMessage } from '../common/errors.js';
import { hash32 } from '../common/hash.js';
import { encodeJson, type Json } from '../common/json.js';
import { show } from '../common/show.js';
import { scheduleProblems } from '../schedule/schedule-problems.js';
import {
  calendarsIn,
  compileSchedule,
  normalizeSchedule,
  type ScheduleContext,
  type StoredSchedule,
} from '../schedule/schedule-spec.js';
import { timeZoneProblem } from '../schedule/zone/time-zone.js';
import { withoutExceptions } from '../schedule/stored-parts.js';
import { type GroupLimits, groupProblem } from './group-limits.js';
import { normalizePolicies } from './normalize-policies.js';
import type { ResolvedPolicies } from './policies.js';
import type { TaskDefinition, TaskInput, TaskSource } from './task-definition.js';

/** The longest payload, in bytes of JSON. */
export const MAX_PAYLOAD_BYTES = 64 * 1024;

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.:-]{0,199}$/u;
const OWN_KEYS = ['name', 'schedule', 'handler', 'payload', 'disabled', 'aliases'];

export interface DefinitionContext {
  now: EpochMs;
  /** The zone of a cron schedule that names none. */
  timeZone: string;
  /** The module's default policies, in stored form. */
  defaults: Partial<ResolvedPolicies>;
  source: TaskSource;
  /** The calendars that tasks may name. @default none */
  calendars?: ScheduleContext['calendars'];
  /** Of the application. */
  version?: string;
  /** The groups that tasks may name. @default none */
  groups?: Readonly<Record<string, GroupLimits>>;
}

/** What is wrong with a task's name, or `undefined`. */
export function nameProblem(name: unknown, path: string): string | undefined {
  if (typeof name === 'string' && NAME.test(name)) return undefined;
  return `${path}: ${JSON.stringify(name)} is no name; use 1 to 200 letters, digits and _ . : - and begin with a letter, digit or _`;
}

function aliasProblems({ aliases, name }: TaskInput, path: string): string[] {
  if (aliases === undefined) return [];
  if (!Array.isArray(aliases))
    return [`${path}: ${JSON.stringify(aliases)} is not a list of former names, as ['billing.close']`];
  return aliases.flatMap((alias: unknown, index) => {
    const at = `${path}[${index}]`;
    if (alias === name) return [`${at}: ${JSON.stringify(alias)} is the name it has now; list former ones`];
    return nameProblem(alias, at) ?? [];
  });
}

/** Every problem of a task as given, each with its path. */
export function taskProblems(input: TaskInput, path: string, timeZone?: string): string[] {
  if (input === null || typeof input !== 'object')
    return [`${path || 'task'}: ${JSON.stringify(input)} is not a task; give an object with name and schedule`];
  const problems: string[] = [];
  const at = (key: string): string => (path ? `${path}.${key}` : key);
  const name = nameProblem(input.name, at('name'));
  if (name) problems.push(name);
  problems.push(...scheduleProblems(input.schedule, at('schedule')), ...aliasProblems(input, at('aliases')));
  if (input.handler !== undefined && (typeof input.handler !== 'string' || input.handler === '')) {
    problems.push(`${at('handler')}: ${JSON.stringify(input.handler)} is not the id of a handler`);
  }
  if (input.disabled !== undefined && typeof input.disabled !== 'boolean')
    problems.push(`${at('disabled')}: ${show(input.disabled)} is neither true nor false`);
  const payload = encodeJson(input.payload, MAX_PAYLOAD_BYTES);
  if ('problem' in payload) problems.push(`${at('payload')}: it cannot be stored: ${payload.problem}`);
  normalizePolicies(input, path, problems, OWN_KEYS, zoneOf(input, timeZone));
  return problems;
}

/** Every problem of a task as given, each with its path: also those that only show together with the options of the module. */
export function definitionProblems(input: TaskInput, context: DefinitionContext): string[] {
  return examined(input, context).problems;
}

/**
 * A task as given, checked and in stored form, with a hash of its declaration that is equal on every node.
 * @throws DistributedScheduleError `INVALID_TASK` with all problems
 */
export function defineTask(
  input: TaskInput,
  context: DefinitionContext,
): { definition: TaskDefinition; declared: string } {
  const { problems, policies, schedule } = examined(input, context);
  if (!schedule || problems.length > 0) throw invalidTask(input?.name, problems);
  const { timeZone } = context;
  const definition: TaskDefinition = {
    handler: input.handler ?? input.name,
    schedule,
    source: context.source,
    ...(Object.keys(policies).length > 0 && { policies }),
    ...(input.payload !== undefined && { payload: JSON.parse(JSON.stringify(input.payload ?? null)) as Json }),
    ...(input.description !== undefined && { description: input.description }),
    ...(input.tags !== undefined && { tags: input.tags }),
  };
  const declared = canonical([
    definition.handler,
    input.schedule,
    timeZone,
    ...calendarsIn(schedule),
    policies,
    definition.payload,
    input.description,
    input.tags,
    input.disabled,
  ]);
  return { definition, declared: hash32(declared).toString(36) };
}

/** The zone of its bounds: that of its schedule, where it names one. */
function zoneOf<Z>({ schedule }: TaskInput, otherwise: Z): string | Z {
  if (schedule === null || typeof schedule !== 'object' || !('timeZone' in schedule)) return otherwise;
  return timeZoneProblem(schedule.timeZone) === undefined ? schedule.timeZone! : otherwise;
}

interface Examined {
  problems: string[];
  /** Those without a problem. */
  policies: Partial<ResolvedPolicies>;
  /** Absent where it has problems. */
  schedule?: StoredSchedule;
}

function examined(input: TaskInput, context: DefinitionContext): Examined {
  const { source, defaults, timeZone, version, groups = {} } = context;
  const problems = taskProblems(input, '', timeZone);
  if (input === null || typeof input !== 'object') return { problems, policies: {} };
  if (source === 'dynamic' && input.aliases !== undefined)
    problems.push('aliases: only a task declared in code has former names; leave it out');
  if (source === 'dynamic' && typeof input.retry?.retryIf === 'function')
    problems.push('retry.retryIf: a function cannot be stored; let the handler throw a NoRetryError instead');
  const policies = { ...defaults, ...normalizePolicies(input, '', [], OWN_KEYS, zoneOf(input, timeZone)) };
  if (policies.runOnStart === 'version' && version === undefined)
    problems.push("runOnStart: 'version' needs the module option version, the version of your application");
  const unknown = policies.group === undefined ? undefined : groupProblem(policies.group, Object.keys(groups), 'group');
  if (unknown) problems.push(unknown);
  if (scheduleProblems(input.schedule, '').length > 0) return { problems, policies };
  const settled = settledSchedule(input, policies.startAt, context);
  if ('problem' in settled) return { problems: [...problems, `schedule.${settled.problem}`], policies };
  return { problems, policies, ...settled };
}

/** A schedule without problems of its own, as it is together with the options of the module. */
function settledSchedule(
  { name, schedule: spec }: TaskInput,
  startAt: EpochMs | undefined,
  { now, timeZone, calendars }: DefinitionContext,
): { schedule: StoredSchedule } | { problem: string } {
  const terms = {
    now,
    timeZone,
    seed: String(name),
    ...(calendars && { calendars }),
    ...(startAt !== undefined && { startAt }),
  };
  try {
    const schedule = normalizeSchedule(spec, terms);
    const isUnder = (stored: StoredSchedule): boolean => compileSchedule(stored).next(now) !== undefined;
    return isUnder(schedule) || !isUnder(withoutExceptions(schedule))
      ? { schedule }
      : { problem: 'except: it takes out every tick, so the task would never run' };
  } catch (error) {
    return { problem: errorMessage(error) };
  }
}

/** A task with these problems. */
export function invalidTask(task: string, problems: readonly string[]): DistributedScheduleError {
  const lines = problems.map((problem) => `\n  - ${problem}`).join('');
  return new DistributedScheduleError('INVALID_TASK', `Task ${JSON.stringify(task)} is not valid:${lines}`, { task });
}

/** JSON with sorted keys: the same text for the same content, however it was written. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
