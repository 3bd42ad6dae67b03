import { sleep } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import { taskOfRun } from '../common/ids.js';
import type { RunRecord } from '../common/run.js';
import { RegistryUnavailableError } from '../registry/registry-errors.js';
import { namesSince } from '../scheduler/renames.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { RunEntry } from '../scheduler/unit-state.js';
import type { KnownTask } from '../task/catalog.js';
import type { Unit } from '../task/unit.js';
import { isLive } from '../task/task-definition.js';

/** How often a run on another node is looked after. */
const FOLLOW_POLL_MS = 500;
/** A run that is over may be on record a moment later. */
const MOST_MISSES = 4;

/** Finds runs by id, on whatever node they are, and under whatever name their task goes on. */
export class RunFinder {
  constructor(private readonly scheduler: Scheduler) {}

  /** What the task of the run is called now. */
  nameOf(id: string): string {
    const { catalog } = this.scheduler.context;
    const names = namesSince(catalog, taskOfRun(id));
    const isThere = (task: KnownTask | undefined): boolean => task !== undefined && isLive(task.doc);
    return names.find((name) => isThere(catalog.get(name))) ?? names.at(-1)!;
  }

  async record(id: string): Promise<RunRecord | undefined> {
    return (await this.recordsBeside(id)).find((record) => record.id === id);
  }

  /** What history has of its task: the run itself, and those beside it. */
  async recordsBeside(id: string): Promise<RunRecord[]> {
    const name = taskOfRun(id);
    if (name === '') return [];
    await this.scheduler.reach();
    const { recorder, catalog } = this.scheduler.context;
    const units = namesSince(catalog, name).flatMap((each) => catalog.get(each)?.units.map((u) => u.name) ?? [each]);
    const records = await Promise.all(units.map((unit) => recorder.ofUnit(unit)));
    return records.flat().filter((record): record is RunRecord => record.kind === 'run');
  }

  /** The run, where it has not ended, with its unit and its task. */
  async going(id: string): Promise<{ run: RunEntry; unit: Unit; task: KnownTask } | undefined> {
    await this.scheduler.reach();
    const { catalog, units } = this.scheduler.context;
    for (const name of namesSince(catalog, taskOfRun(id))) {
      const task = catalog.get(name);
      for (const unit of task?.units ?? []) {
        const run = (await units.read(unit))?.runs.find((entry) => entry.id === id);
        if (run) return { run, unit, task: task! };
      }
    }
    return undefined;
  }

  /**
   * Waits for the end of a run that has left this node, until `signal`.
   * @throws `NOT_RUNNING` when this node leaves too; `RUN_NOT_FOUND` where the run is over and not on record
   */
  async ended(id: string, signal: AbortSignal): Promise<RunRecord> {
    const details = { runId: id, task: this.nameOf(id) };
    for (let misses = 0; misses < MOST_MISSES;) {
      const { state, options, context } = this.scheduler;
      if (signal.aborted || state === 'leaving' || state === 'stopped') {
        const what = `Run ${id} goes on without node ${options.node.id}, which leaves the cluster; getRun tells on another node how it ends`;
        throw new DistributedScheduleError('NOT_RUNNING', what, details);
      }
      const found = await this.look(id);
      if (typeof found === 'object') return found;
      if (found === 'missing') misses++;
      await sleep(context.clock, FOLLOW_POLL_MS, signal);
    }
    const what = `Run ${id} went on on another node, and is over; how it ended is not on record`;
    throw new DistributedScheduleError('RUN_NOT_FOUND', what, details);
  }

  private async look(id: string): Promise<RunRecord | 'going' | 'missing'> {
    try {
      return (await this.going(id)) ? 'going' : ((await this.record(id)) ?? 'missing');
    } catch (error) {
      if (error instanceof RegistryUnavailableError) return 'going'; // as far as anybody can tell
      throw error;
    }
  }
}
