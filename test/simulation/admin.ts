import { DistributedScheduleError } from '../../lib/core/common/errors.js';
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
  runTask: { weight: 4, act: (_sim, { service }, task) => service.runTask(task) },
  purgeTask: { weight: 1, act: (_sim, { service }, task) => service.purgeTask(task) },
};

const DRAW = Object.entries(ACTIONS).flatMap(([what, { weight }]) => Array.from({ length: weight }, () => what));

/** One change, asked for on one node; its answer is told when it comes. */
export function act(sim: Simulation, node: SimNode): void {
  const what = pick(sim.random, DRAW);
  const task = pick(sim.random, sim.names());
  if (task.startsWith('static') && ['addTask', 'putTask', 'purgeTask'].includes(what)) return; // each join declares it anew
  void ask(sim, node, what, task, ACTIONS[what]!.act(sim, node, task));
}

/** Aborts one of the node's runs, if it has any. */
export function cancelSomeRun(sim: Simulation, node: SimNode): void {
  const [run] = node.service.listRunning();
  if (!run) return;
  const id = sim.asked(node, `cancelRun ${run.id}`, run.task);
  sim.answered(id, node.service.cancelRun(run.id) ? 'done' : 'refused');
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
