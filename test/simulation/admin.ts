import { DistributedScheduleError } from '../../lib/core/common/errors.js';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { BackfillOptions } from '../../lib/core/service/backfills.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import { pick } from '../../lib/testing/seeded-random.js';
import type { SimNode } from './node.js';
import type { Simulation } from './simulation.js';
import { drawSchedule } from './workload.js';

/** What a refused change is refused for: no more than its answer. */
const REFUSALS = new Set([
  'TASK_EXISTS',
  'TASK_DELETED',
  'TASK_NOT_FOUND',
  'TASK_STATE',
  'TASK_RUNNING',
  'NOT_RUNNING',
  'HANDLER_NOT_FOUND',
  'INVALID_SCHEDULE',
  'INVALID_OPTIONS',
  'RUN_NOT_FOUND',
  'RUN_STATE',
  'RUN_TIMEOUT',
]);

type Action = (sim: Simulation, node: SimNode, task: string) => Promise<unknown>;

/** What operators and applications do to tasks, and how often in comparison. */
const ACTIONS: Record<string, { weight: number; act: Action }> = {
  addTask: { weight: 2, act: (sim, { service }, task) => service.addTask(sim.redraw(task)) },
  putTask: { weight: 2, act: (sim, { service }, task) => service.putTask(sim.redraw(task)) },
  deleteTask: { weight: 2, act: (_sim, { service }, task) => service.deleteTask(task) },
  restoreTask: { weight: 3, act: (_sim, { service }, task) => service.restoreTask(task) },
  pauseTask: { weight: 3, act: (_sim, { service }, task) => service.pauseTask(task) },
  resumeTask: { weight: 4, act: (_sim, { service }, task) => service.resumeTask(task) },
  cancelTask: { weight: 1, act: (_sim, { service }, task) => service.cancelTask(task) },
  updateSchedule: {
    weight: 3,
    act: (sim, { service }, task) => service.updateSchedule(task, drawSchedule(sim.random)),
  },
  backfillTask: {
    weight: 5,
    act: (sim, { service }, task) => service.backfillTask(task, drawBackfill(sim)),
  },
  planBackfill: {
    weight: 1,
    act: (sim, { service }, task) => planBackfill(sim, service, task),
  },
  cancelBackfill: { weight: 1, act: (_sim, { service }, task) => service.cancelBackfill(task) },
  getBackfill: { weight: 1, act: (_sim, { service }, task) => service.getBackfill(task) },
  runTask: { weight: 4, act: (_sim, { service }, task) => service.runTask(task, { timeout: '4s' }) },
  retryRun: { weight: 4, act: (sim, { service }, task) => retrySomeRun(sim, service, task) },
  getTaskStatus: { weight: 1, act: (_sim, { service }, task) => service.getTaskStatus(task) },
  purgeTask: { weight: 1, act: (_sim, { service }, task) => service.purgeTask(task) },
};

/** A stretch of the past, which may reach back to before the task was there. */
function drawBackfill(sim: Simulation): BackfillOptions {
  const { random } = sim;
  const from = sim.now() - pick(random, [4_000, 20_000, 60_000, 3_600_000]) * random();
  return {
    from,
    ...(random() < 0.3 && { to: from + random() * 30_000 }),
    only: pick(random, ['all', 'unsuccessful', 'unsuccessful'] as const),
  };
}

/** What is only planned stays a plan: the rules know of no request. */
async function planBackfill(sim: Simulation, service: SchedulerService, task: string): Promise<void> {
  const asked = drawBackfill(sim);
  const view = await service.backfillTask(task, { ...asked, dryRun: true });
  const [from, to] = [view.from.getTime(), view.to.getTime()];
  const ticks = view.remaining.map((tick) => tick.getTime());
  const sound = ticks.every((tick, i) => tick >= from && tick <= to && tick > (ticks[i - 1] ?? 0));
  if (!sound || view.id !== undefined || view.state !== 'planned')
    sim.complain('plan', `the plan of a backfill of "${task}" is not sound: ${ticks.join()} from ${from} to ${to}`);
}

const DRAW = Object.entries(ACTIONS).flatMap(([what, { weight }]) => Array.from({ length: weight }, () => what));

/** One change, asked for on one node; its answer is told when it comes. */
export function act(sim: Simulation, node: SimNode): void {
  const what = pick(sim.random, DRAW);
  const task = pick(sim.random, sim.names());
  if (task.startsWith('static') && ['addTask', 'putTask', 'purgeTask'].includes(what)) return; // each join declares it anew
  void ask(sim, node, what, task, ACTIONS[what]!.act(sim, node, task));
}

/** A run of some task, on a node that need not be its owner. */
export function runSomeTask(sim: Simulation, node: SimNode): void {
  const task = pick(sim.random, sim.names());
  void ask(sim, node, 'runTask', task, ACTIONS.runTask!.act(sim, node, task));
}

/** A run that did not succeed is run once more. */
async function retrySomeRun(sim: Simulation, service: SchedulerService, task: string): Promise<void> {
  const records = await service.listRuns({ task });
  const runs = records.filter((record): record is RunRecord => record.kind === 'run' && record.outcome !== 'succeeded');
  if (runs.length > 0) await service.retryRun(pick(sim.random, runs).id, { timeout: '4s' });
}

/** Aborts some run, on whatever node it is, if there is any. */
export function cancelSomeRun(sim: Simulation, node: SimNode): void {
  const runs = sim.alive().flatMap(({ service }) => service.listRunning());
  if (runs.length === 0) return;
  const run = pick(sim.random, runs);
  sim.count(
    node.service.listRunning().some(({ id }) => id === run.id) ? 'cancelled at home' : 'cancelled from elsewhere',
  );
  const id = sim.asked(node, `cancelRun ${run.id}`, run.task);
  node.service.cancelRun(run.id).then(
    (wasThere) => sim.answered(id, wasThere ? 'done' : 'refused'),
    () => sim.answered(id, 'unknown'),
  );
}

/** Tells of a change and of its answer. @returns whether it was done */
export async function ask(
  sim: Simulation,
  node: SimNode,
  what: string,
  task: string,
  work: Promise<unknown>,
): Promise<boolean> {
  const id = sim.asked(node, what, task);
  try {
    await work;
    sim.answered(id, 'done');
    return true;
  } catch (error) {
    const code = error instanceof DistributedScheduleError ? error.code : undefined;
    if (code === undefined || (!REFUSALS.has(code) && code !== 'REGISTRY_UNAVAILABLE' && code !== 'CLAIM_CONFLICT'))
      sim.complain('admin', `${what} of "${task}" on ${node.process}: ${String(error)}`);
    sim.answered(id, code !== undefined && REFUSALS.has(code) ? 'refused' : 'unknown');
    return false;
  }
}
