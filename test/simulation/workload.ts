import type { DstPolicy } from '../../lib/core/schedule/zone/dst.js';
import { normalizeCalendar, type StoredCalendar } from '../../lib/core/schedule/calendar/named-calendar.js';
import type { ScheduleSpec } from '../../lib/core/schedule/schedule-spec.js';
import type { RetryOptions, TaskPolicies } from '../../lib/core/task/policies.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import { pick } from '../../lib/testing/seeded-random.js';
import type { Behaviour } from './node.js';

/** Only nodes of a later deploy have it. */
export const NEW_HANDLER = 'new-handler';
/** Only nodes that carry the label `disk` run it. */
export const DISK = { disk: 'ssd' };

/** When a simulation begins: a minute before clocks in Europe jump ahead, go back, or at a moment like any other. */
export const BEGINNINGS = {
  'plain day': Date.UTC(2030, 0, 1),
  'clocks jump ahead': Date.UTC(2030, 2, 31, 0, 59),
  'clocks go back': Date.UTC(2030, 9, 27, 0, 59),
} as const;

/** There a Sunday begins a minute after the clocks in Europe are about to change. */
const TOWN = 'Atlantic/Cape_Verde';
const HILLS = 'Europe/Berlin';

/** The working days of nodes of a deploy: Sundays are closed, and in each second deploy open again. */
export function calendarsOf(version: number): Record<string, StoredCalendar> {
  const workdays = version % 2 === 0 ? [] : ['03-31', '10-27'];
  return { town: normalizeCalendar('town', { weekend: ['sun'], workdays }) };
}

const SCHEDULES: readonly ScheduleSpec[] = [
  { cron: '* * * * * *' },
  { cron: '*/2 * * * * *' },
  { every: '3s' },
  { every: '700ms' },
  { cron: '*/10 * * * * *' },
  { every: '31s' },
  { cron: '*/30 * * * * *' },
  { cron: '10 * * * * *' },
];

/** Times of day in the minutes that are simulated, whatever they are in the zone. */
const TIMES = [
  '00:00:40',
  '00:01:10',
  '00:02:40',
  '00:59:40',
  '01:00:10',
  '01:01:10',
  '01:59:40',
  '02:00:10',
  '02:01:40',
];

/** Ticks that depend on the calendar, on the clock on the wall, or on several schedules at once. */
const CALENDAR_SCHEDULES: readonly ((random: () => number) => ScheduleSpec)[] = [
  () => ({ anyOf: [{ cron: '*/7 * * * * *' }, { cron: '2/10 * * * * *' }] }),
  () => ({ anyOf: [{ daily: TIMES }, { cron: '*/13 * * * * *', except: { cron: '1 * * * *' } }], timeZone: HILLS }),
  () => ({ daily: TIMES }),
  (random) => ({ daily: [...TIMES, '02:59:40', '03:00:10', '03:01:40'], timeZone: HILLS, dst: drawDst(random) }),
  (random) => ({ cron: '*/4 * 2 * * *', timeZone: HILLS, dst: drawDst(random) }),
  (random) => ({ cron: '*/6 * 1-3 * * *', timeZone: HILLS, dst: drawDst(random) }),
  () => ({ cron: '*/9 * * * * *', timeZone: HILLS }),
  () => ({ every: '2s', except: { cron: '1 * * * *' } }),
  () => ({ cron: '*/3 * * * * *', timeZone: TOWN, except: { calendar: 'town' } }),
  () => ({ weekly: { on: ['tue', 'sat'], at: ['23:59:50', ...TIMES] }, timeZone: TOWN }),
];

function drawDst(random: () => number): DstPolicy {
  return { gap: pick(random, ['shift', 'skip'] as const), overlap: pick(random, ['first', 'second', 'both'] as const) };
}

export function drawSchedule(random: () => number): ScheduleSpec {
  return random() < 0.75 ? pick(random, SCHEDULES) : pick(random, CALENDAR_SCHEDULES)(random);
}

function drawBehaviour(random: () => number): Behaviour {
  return {
    shortMs: pick(random, [0, 30, 300]),
    longMs: pick(random, [500, 4_000, 15_000]),
    throws: pick(random, [0, 0, 0.2, 0.7]),
    deaf: random() < 0.15,
  };
}

/** Up to when, and how often, it runs, and what at a start. */
function drawLife(random: () => number, now: number): Partial<TaskInput> {
  const chance = (p: number): boolean => random() < p;
  return {
    ...(chance(0.1) && { startAt: now + Math.ceil(random() * 30_000) }),
    ...(chance(0.12) && { endAt: now + 30_000 + Math.ceil(random() * 120_000) }),
    ...(chance(0.2) && { maxRuns: 1 + Math.floor(random() * 40) }),
    ...(chance(0.3) && { runOnStart: pick(random, ['cluster', 'version'] as const) }),
    ...(chance(0.25) && { jitter: pick(random, ['200ms', '1500ms', '20s']) }),
  };
}

/** How long it may take, how often it is tried again, and when nobody tries any more. */
function drawPatience(random: () => number): Partial<TaskInput> {
  const chance = (p: number): boolean => random() < p;
  const timeouts = [
    2_000,
    { attempt: 1_500, total: 6_000 },
    { total: 3_000 },
  ] as const satisfies TaskPolicies['timeout'][];
  return {
    ...(chance(0.35) && { retry: drawRetry(random) }),
    ...(chance(0.25) && { timeout: pick(random, timeouts) }),
    ...(chance(0.3) && { abortGrace: pick(random, ['300ms', '2s']) }),
    ...(chance(0.25) && {
      circuitBreaker: { threshold: 1 + Math.floor(random() * 3), halfOpenAfter: pick(random, ['1500ms', '8s']) },
    }),
    ...(chance(0.15) && { pauseAfter: 2 + Math.floor(random() * 4) }),
  };
}

function drawRetry(random: () => number): RetryOptions {
  const attempts = 2 + Math.floor(random() * 3);
  const delay = pick(random, [300, 1_500, 4_000]);
  const backoff = pick(random, ['fixed', 'fixed', 'linear', 'exponential'] as const);
  const maxDelay = pick(random, [2_000, 6_000]);
  const deadline = random() < 0.4 ? pick(random, [3_000, 10_000]) : Infinity;
  return {
    attempts,
    delay: Math.min(delay, maxDelay, ...(backoff === 'fixed' ? [deadline] : [])), // more is refused
    backoff,
    maxDelay,
    ...(deadline < Infinity && { deadline }),
  };
}

/** A dynamic task of any kind. */
export function drawTask(random: () => number, name: string, now: number): TaskInput {
  const chance = (p: number): boolean => random() < p;
  const overlap = pick(random, ['skip', 'skip', 'allow', 'queue', 'replace'] as const);
  const once = chance(0.1);
  return {
    name,
    schedule: once ? { delay: Math.ceil(random() * 40_000) } : drawSchedule(random),
    handler: chance(0.1) ? NEW_HANDLER : name,
    payload: drawBehaviour(random),
    overlap,
    ...(chance(PARALLEL[overlap]) && { maxParallel: 2 + Math.floor(random() * 2) }),
    recovery: pick(random, ['none', 'rerun'] as const),
    misfire: pick(random, ['fire-once', 'fire-all', 'skip'] as const),
    ...(chance(0.4) && { misfireLimit: 1 + Math.floor(random() * 5) }),
    misfireDeadline: pick(random, ['5s', '20s', '20s']),
    ...(chance(0.15) && { standby: false }),
    ...(chance(0.1) && { oneShot: true }),
    ...(chance(0.1) && { nodeSelector: DISK }),
    ...(chance(0.3) && { afterRun: pick(random, ['delete', 'purge'] as const) }),
    ...(chance(0.2) && { priority: Math.floor(random() * 3) }),
    ...drawLife(random, now),
    ...drawPatience(random),
  };
}

/** How often several runs may go on at once. */
const PARALLEL = { skip: 0, allow: 0.6, queue: 0.2, replace: 0.2 } as const;

/** The static tasks of a deploy. The second one has another schedule in each; the third comes with the second deploy. */
export function staticTasks(version: number): (Omit<TaskInput, 'handler'> & { payload: Behaviour })[] {
  const payload: Behaviour = { shortMs: 20, longMs: 1_500, throws: 0, deaf: false };
  const misfireDeadline = '20s';
  return [
    {
      name: 'static-steady',
      schedule: { cron: '*/5 * * * * *' },
      payload,
      misfireDeadline,
      recovery: 'rerun',
      runOnStart: 'cluster',
      jitter: '1s',
    },
    {
      name: 'static-changing',
      schedule: { cron: version % 2 === 0 ? '*/4 * * * * *' : '*/6 * * * * *' },
      payload,
      misfireDeadline,
      runOnStart: 'version',
    },
    ...(version > 0 ? [{ name: 'static-later', schedule: { every: '2s' }, payload, misfireDeadline } as const] : []),
  ];
}
