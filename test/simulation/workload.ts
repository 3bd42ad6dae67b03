import type { ScheduleSpec } from '../../lib/core/schedule/schedule-spec.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import { pick } from '../../lib/testing/seeded-random.js';
import type { Behaviour } from './node.js';

/** Only nodes of a later deploy have it. */
export const NEW_HANDLER = 'new-handler';
/** Only nodes that carry the label `disk` run it. */
export const DISK = { disk: 'ssd' };

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

export function drawSchedule(random: () => number): ScheduleSpec {
  return pick(random, SCHEDULES);
}

function drawBehaviour(random: () => number): Behaviour {
  return {
    shortMs: pick(random, [0, 30, 300]),
    longMs: pick(random, [500, 4_000, 15_000]),
    throws: pick(random, [0, 0, 0.2]),
    deaf: random() < 0.15,
  };
}

/** A dynamic task of any kind. */
export function drawTask(random: () => number, name: string): TaskInput {
  const chance = (p: number): boolean => random() < p;
  const overlap = pick(random, ['skip', 'skip', 'allow'] as const);
  const once = chance(0.1);
  return {
    name,
    schedule: once ? { delay: Math.ceil(random() * 40_000) } : drawSchedule(random),
    handler: chance(0.1) ? NEW_HANDLER : name,
    payload: drawBehaviour(random),
    overlap,
    ...(overlap === 'allow' && chance(0.6) && { maxParallel: 2 + Math.floor(random() * 2) }),
    recovery: pick(random, ['none', 'rerun'] as const),
    misfire: pick(random, ['fire-once', 'fire-all', 'skip'] as const),
    ...(chance(0.4) && { misfireLimit: 1 + Math.floor(random() * 5) }),
    misfireDeadline: pick(random, ['5s', '20s', '20s']),
    ...(chance(0.2) && { retry: { attempts: 2, delay: '300ms', backoff: 'fixed' as const } }),
    ...(chance(0.15) && { timeout: 2_000 }),
    ...(chance(0.15) && { standby: false }),
    ...(chance(0.1) && { oneShot: true }),
    ...(chance(0.1) && { nodeSelector: DISK }),
    ...(chance(0.3) && { afterRun: pick(random, ['delete', 'purge'] as const) }),
    ...(chance(0.2) && { priority: Math.floor(random() * 3) }),
  };
}

/** The static tasks of a deploy. The second one has another schedule in each; the third comes with the second deploy. */
export function staticTasks(version: number): (Omit<TaskInput, 'handler'> & { payload: Behaviour })[] {
  const payload: Behaviour = { shortMs: 20, longMs: 1_500, throws: 0, deaf: false };
  const misfireDeadline = '20s';
  return [
    { name: 'static-steady', schedule: { cron: '*/5 * * * * *' }, payload, misfireDeadline, recovery: 'rerun' },
    {
      name: 'static-changing',
      schedule: { cron: version % 2 === 0 ? '*/4 * * * * *' : '*/6 * * * * *' },
      payload,
      misfireDeadline,
    },
    ...(version > 0 ? [{ name: 'static-later', schedule: { every: '2s' }, payload, misfireDeadline } as const] : []),
  ];
}
