import { DistributedScheduleError, taskError } from '../common/errors.js';
import { taskOfRun } from '../common/ids.js';
import { show } from '../common/show.js';
import type { RunProgress, RunRecord } from '../common/run.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import { newUnitState, type RunEntry } from '../scheduler/unit-state.js';
import type { KnownTask } from '../task/catalog.js';
import type { ManualRuns, RunHandle, RunTaskOptions } from './manual-runs.js';
import { type TaskStatus, statusOf } from './task-status.js';
import type { TaskCommands } from './task-commands.js';

/** Single runs, by id: on whatever node they are, or were. */
export class Runs {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly commands: TaskCommands,
    private readonly manual: ManualRuns,
  ) {}

  async get(id: string): Promise<RunRecord | undefined> {
    const name = taskOfRun(id);
    if (name === '') return undefined;
    await this.scheduler.reach();
    const { recorder, catalog } = this.scheduler.context;
    const units = catalog.get(name)?.units.map((unit) => unit.name) ?? [name];
    for (const unit of units) {
      const records = await recorder.ofUnit(unit);
      const found = records.find((record): record is RunRecord => record.kind === 'run' && record.id === id);
      if (found) return found;
    }
    return undefined;
  }

  async statusOf(task: KnownTask): Promise<TaskStatus> {
    await this.scheduler.reach();
    const { units, clock, progress } = this.scheduler.context;
    const state = (await units.read(task.units[0]!)) ?? newUnitState(task.doc.since, task.token);
    const nodes = new Set(state.runs.map(({ node }) => node));
    const boards = await Promise.all([...nodes].map((node) => progress.ofNode(node)));
    return statusOf(task, state, clock.now(), Object.assign({}, ...boards) as Record<string, RunProgress>);
  }

  async cancel(id: string, reason: string): Promise<boolean> {
    const { launcher, aborts, context } = this.scheduler;
    const here = launcher.find(id);
    const task = here?.task ?? context.catalog.get(taskOfRun(id));
    const run = here?.entry ?? (await this.going(id));
    return task !== undefined && run !== undefined && aborts.abort(run, task, reason);
  }

  async retry(id: string, options: Pick<RunTaskOptions, 'timeout'>): Promise<RunHandle> {
    const name = taskOfRun(id);
    if (name === '')
      throw taskError('RUN_NOT_FOUND', '', `${show(id)} is not the id of a run: those begin with a task`);
    const task = this.commands.require(name);
    const before = await this.get(id);
    if (!before) throw await this.unknown(id, task);
    if (before.outcome === 'succeeded')
      throw taskError('RUN_STATE', task.name, `Run ${id} has succeeded; runTask runs its task once more`);
    if (before.isPayloadLost) {
      const what = `Run ${id} was given a payload that is too long to be kept; give it to runTask once more`;
      throw taskError('RUN_STATE', task.name, what);
    }
    const { payload } = before;
    return this.manual.run(task, { ...options, ...(payload !== undefined && { payload }) }, before);
  }

  private async unknown(id: string, { name }: KnownTask): Promise<DistributedScheduleError> {
    const run = await this.going(id);
    if (run) return taskError('RUN_STATE', name, `Run ${id} goes on, on node ${run.node}; cancelRun ends it`);
    return taskError('RUN_NOT_FOUND', name, `History does not know run ${id}: there is none, or it was overwritten`);
  }

  private async going(id: string): Promise<RunEntry | undefined> {
    await this.scheduler.reach();
    const { catalog, units } = this.scheduler.context;
    for (const unit of catalog.get(taskOfRun(id))?.units ?? []) {
      const run = (await units.read(unit))?.runs.find((entry) => entry.id === id);
      if (run) return run;
    }
    return undefined;
  }
}
