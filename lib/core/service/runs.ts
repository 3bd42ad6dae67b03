import { DistributedScheduleError, taskError } from '../common/errors.js';
import { taskOfRun } from '../common/ids.js';
import { show } from '../common/show.js';
import type { HistoryRecord, RunProgress, RunRecord } from '../common/run.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import { isAsFound } from '../scheduler/run-decisions.js';
import { newUnitState, type RunEntry } from '../scheduler/unit-state.js';
import type { KnownTask } from '../task/catalog.js';
import { type Check, duration, optionProblems, requireArgument, requireOptions, text } from './arguments.js';
import type { ManualRuns, RunHandle, RunTaskOptions } from './manual-runs.js';
import { RunFinder } from './run-finder.js';
import { type TaskStatus, statusOf } from './task-status.js';
import type { TaskCommands } from './task-commands.js';

/** A run that changes hands faster than that is not run after. */
const MOST_LOOKS = 3;

/** Single runs, by id: on whatever node they are, or were. */
export class Runs {
  private readonly finder: RunFinder;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly commands: TaskCommands,
    private readonly manual: ManualRuns,
  ) {
    this.finder = new RunFinder(scheduler);
  }

  get(id: string): Promise<RunRecord | undefined> {
    return this.finder.record(id);
  }

  /** @throws `INVALID_OPTIONS` where it is not clear whose */
  async list(filter: { task?: string; nodeId?: string }): Promise<HistoryRecord[]> {
    requireArgument('listRuns', filter, historyProblem);
    await this.scheduler.reach();
    const { recorder } = this.scheduler.context;
    return filter.task === undefined ? recorder.ofNode(filter.nodeId!) : recorder.ofUnit(filter.task);
  }

  async statusOf(task: KnownTask): Promise<TaskStatus> {
    await this.scheduler.reach();
    const { units, clock, progress } = this.scheduler.context;
    const state = (await units.read(task.units[0]!)) ?? newUnitState(task.doc.since, task.token);
    const nodes = new Set(state.runs.map(({ node }) => node));
    const boards = await Promise.all([...nodes].map((node) => progress.ofNode(node)));
    return statusOf(task, state, clock.now(), Object.assign({}, ...boards) as Record<string, RunProgress>);
  }

  /** While its node is asked for it the run may go to another one, or be left to nobody. */
  async cancel(id: string, reason: string): Promise<boolean> {
    const { launcher, aborts } = this.scheduler;
    let asked: RunEntry | undefined;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const here = launcher.find(id);
      if (here) return aborts.abort(here.entry, here.task, reason);
      const found = await this.finder.going(id);
      if (!found) return false;
      const { run, unit, task } = found;
      if (await aborts.endWaiting(unit, task, run, reason)) return true;
      if (asked && isAsFound(run, asked)) return false;
      if (await aborts.abort(run, task, reason)) return true;
      asked = run;
    }
    return false;
  }

  async retry(id: string, options: Pick<RunTaskOptions, 'timeout'>): Promise<RunHandle> {
    requireOptions('retryRun', options, { timeout: duration });
    if (taskOfRun(id) === '')
      throw taskError('RUN_NOT_FOUND', '', `${show(id)} is not the id of a run: those begin with a task`);
    const task = this.commands.require(this.finder.nameOf(id));
    const records = await this.finder.recordsBeside(id);
    const before = records.find((record) => record.id === id);
    if (!before) throw await this.unknown(id, task);
    if (before.outcome === 'succeeded')
      throw taskError('RUN_STATE', task.name, `Run ${id} has succeeded; runTask runs its task once more`);
    const success = records.find(({ again, outcome }) => again === id && outcome === 'succeeded');
    if (success) throw taskError('RUN_STATE', task.name, `Run ${id} has been made up for by run ${success.id}`);
    if (before.isPayloadLost) {
      const what = `Run ${id} was given a payload that is too long to be kept; give it to runTask once more`;
      throw taskError('RUN_STATE', task.name, what);
    }
    const { payload } = before;
    return this.manual.run(task, { ...options, ...(payload !== undefined && { payload }) }, before);
  }

  private async unknown(id: string, { name }: KnownTask): Promise<DistributedScheduleError> {
    const found = await this.finder.going(id);
    if (found) return taskError('RUN_STATE', name, `Run ${id} goes on, on node ${found.run.node}; cancelRun ends it`);
    return taskError('RUN_NOT_FOUND', name, `History does not know run ${id}: there is none, or it was overwritten`);
  }
}

const historyProblem: Check = (filter, path) => {
  const problems = optionProblems(filter, { task: text, nodeId: text });
  const { task, nodeId } = (filter ?? {}) as { task?: unknown; nodeId?: unknown };
  if (problems.length === 0 && (task === undefined) === (nodeId === undefined))
    problems.push('give either { task } or { nodeId }');
  return problems.length > 0 ? `${path}: ${problems.join('; ')}` : undefined;
};
