import type { Observable } from 'rxjs';
import type { NodeRecord } from '../cluster/node-record.js';
import { DistributedScheduleError } from '../common/errors.js';
import type { HistoryRecord, RunRecord } from '../common/run.js';
import type { SchedulerEvent } from '../events/scheduler-events.js';
import type { SchedulePreview } from '../schedule/preview.js';
import type { ScheduleSpec } from '../schedule/schedule-spec.js';
import { Orphans } from '../scheduler/orphans.js';
import type { SchedulerState } from '../scheduler/scheduler-state.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { KnownTask } from '../task/catalog.js';
import { isLive, type TaskInput } from '../task/task-definition.js';
import { requireArgument, requireName, share, wholeNumber } from './arguments.js';
import { type BackfillOptions, type BackfillView, Backfills } from './backfills.js';
import { Declarations, type StaticTaskInput } from './declarations.js';
import { Halts } from './halts.js';
import { healthOf, type HealthSnapshot } from './health-snapshot.js';
import { ManualRuns, type RunHandle, type RunTaskOptions } from './manual-runs.js';
import { type PreviewOptions, Previews } from './previews.js';
import { Runs } from './runs.js';
import { TaskCommands } from './task-commands.js';
import { filterOf, type TaskFilter } from './task-filter.js';
import { type RunningView, runningView, type TaskStatus } from './task-status.js';
import { viewOf, type TaskView } from './task-view.js';

/**
 * What an application injects to manage tasks and to look at them. Every change is a conditional write in the registry
 * and, once its promise resolves, in force on every node.
 *
 * @example
 * ```ts
 * await scheduler.addTask({ name: 'report:acme', handler: 'report', schedule: { cron: '0 8 * * 1-5', timeZone: 'Europe/Paris' }, payload: { tenant: 'acme' } });
 * ```
 */
export class SchedulerService {
  private readonly commands: TaskCommands;
  private readonly halts: Halts;
  private readonly manual: ManualRuns;
  private readonly runs: Runs;
  private readonly backfills: Backfills;
  private readonly previews: Previews;
  private readonly declarations: Declarations;
  /** Everything this node notices and does; best effort. */
  readonly events$: Observable<SchedulerEvent>;
  readonly nodeEvents$: Observable<SchedulerEvent>;
  readonly taskEvents$: Observable<SchedulerEvent>;
  readonly runEvents$: Observable<SchedulerEvent>;
  /** Set by the module: declares what is decorated, before the first start. */
  beforeStart: (() => Promise<void>) | undefined;

  constructor(private readonly scheduler: Scheduler) {
    this.commands = new TaskCommands(scheduler);
    this.halts = new Halts(scheduler, this.commands);
    this.manual = new ManualRuns(scheduler);
    this.runs = new Runs(scheduler, this.commands, this.manual);
    this.backfills = new Backfills(scheduler, this.commands);
    this.previews = new Previews(scheduler);
    this.declarations = new Declarations(scheduler, this.commands);
    const { events } = scheduler.context;
    this.events$ = events.stream();
    this.nodeEvents$ = events.stream('node.');
    this.taskEvents$ = events.stream('task.');
    this.runEvents$ = events.stream('run.');
    scheduler.onJoining = () => this.declarations.declareAll();
    const { context, view, writer, options } = scheduler;
    const orphans = new Orphans(context, view, writer, options.orphanPruneAfterMs);
    scheduler.onResynced = async () => {
      await this.declarations.settleRenames();
      await orphans.look();
    };
  }

  get nodeId(): string {
    return this.scheduler.options.node.id;
  }

  /** What this node's scheduler is doing. */
  get state(): SchedulerState {
    return this.scheduler.state;
  }

  /**
   * Joins the cluster; the module does this at application bootstrap unless `autoStart` is false.
   * @throws `NOT_RUNNING` after `drain` or `stop`: both are final
   */
  start(): Promise<void> {
    return this.beforeStart ? this.beforeStart().then(() => this.scheduler.start()) : this.scheduler.start();
  }

  /** Leaves the cluster: claims nothing more, lets runs end within the drain timeout, records them, ends the session. */
  stop(): Promise<void> {
    return this.scheduler.stop();
  }

  /**
   * Starts nothing any more, leaves its tasks to other nodes, and resolves when its runs have ended and are recorded: there is
   * no limit of time, and none is aborted. The node stays in the cluster as `leaving`, until `stop`. Final: it cannot be
   * started again. Before the start it does nothing.
   */
  drain(): Promise<void> {
    return this.scheduler.drain();
  }

  /** How this node is, as it knows itself: cheap, never waits, asks nothing of the registry. */
  health(): HealthSnapshot {
    return healthOf(this.scheduler);
  }

  /** How many runs this node does at once, from now on. A lower number lets the runs beyond it end. */
  setConcurrency(limit: number): void {
    requireArgument('concurrency', limit, wholeNumber(1));
    this.scheduler.context.slots.setLimit(limit);
  }

  /** This node's share of the tasks, relative to the others', from now on. 0: none, while others have a weight. */
  async setWeight(weight: number): Promise<void> {
    requireArgument('weight', weight, share);
    this.scheduler.options.node.weight = weight;
    await this.scheduler.republish();
  }

  /**
   * Declares a static task with its function: what `@DistributedCron` does, without a decorator. Before the start it is
   * noted, later it is registered at once. `force` overwrites what an operator made of it, a tombstone included.
   * @throws `INVALID_TASK`
   */
  async defineTask<P>(task: StaticTaskInput<P>, options: { force?: boolean } = {}): Promise<void> {
    await this.declarations.define(task, options);
  }

  /** Everything wrong with a task that is to be declared in code, each problem with its path; used by the module. */
  problemsOf(input: TaskInput): string[] {
    return this.commands.problemsOf(input);
  }

  /** Notes a static task without problems whose handler is there; used by the module. @throws `INVALID_OPTIONS` for an alias */
  declareTask(input: TaskInput): void {
    this.declarations.note(input);
  }

  /** Adds a dynamic task. @throws `TASK_EXISTS`, `TASK_DELETED`, `INVALID_TASK`, `INVALID_SCHEDULE` */
  async addTask(task: TaskInput): Promise<TaskView> {
    return this.view(await this.commands.add(task));
  }

  /**
   * Adds or replaces a dynamic task, clearing a tombstone. Safe to call from every replica at start, except with a
   * schedule that means another moment at each call: `'now'` and `{ delay }` run once per call.
   */
  async putTask(task: TaskInput): Promise<TaskView> {
    return this.view(await this.commands.put(task));
  }

  /** Deletes the task everywhere, leaving a tombstone: adding the name again fails until `restoreTask` or `putTask`. */
  async deleteTask(name: string): Promise<void> {
    await this.commands.delete(name);
  }

  /** Brings a deleted task back. @throws `TASK_STATE` where it is not deleted */
  async restoreTask(name: string): Promise<TaskView> {
    return this.view(await this.commands.restore(name));
  }

  /** Removes every trace: definition, state and history. Does nothing where there is no such task. */
  purgeTask(name: string): Promise<void> {
    return this.commands.purge(name);
  }

  /** Dangerous: removes every task of the namespace, static ones of running nodes included, with their history. */
  async purgeAllTasks(options: { confirm: string }): Promise<number> {
    const { namespace } = this.scheduler.options;
    if (options?.confirm !== namespace) {
      throw new DistributedScheduleError(
        'INVALID_OPTIONS',
        `purgeAllTasks removes every task of namespace "${namespace}"; to go on give { confirm: '${namespace}' }`,
      );
    }
    await this.scheduler.reach();
    const names = await this.scheduler.writer.names();
    for (const name of names) await this.commands.purge(name);
    return names.length;
  }

  /** No ticks until `resumeTask`; what falls due meanwhile is not made up for. */
  async pauseTask(name: string, options: { note?: string } = {}): Promise<TaskView> {
    return this.view(await this.halts.pause(name, options));
  }

  /** Goes on with the next tick. A task with a single tick whose time has passed runs at once. */
  async resumeTask(name: string): Promise<TaskView> {
    return this.view(await this.halts.resume(name));
  }

  /** Like pausing, for a task that is not expected back: it is listed as `cancelled`. */
  async cancelTask(name: string, options: { note?: string } = {}): Promise<TaskView> {
    return this.view(await this.halts.cancel(name, options));
  }

  /** Gives the task another schedule, on every node. @throws `INVALID_SCHEDULE` */
  async updateSchedule(name: string, schedule: ScheduleSpec): Promise<TaskView> {
    return this.view(await this.commands.updateSchedule(name, schedule));
  }

  /**
   * Runs the task now, on this node, under its own policies: with `overlap: 'queue'` or `'replace'` it waits for the run in its
   * way. @throws `TASK_RUNNING` where its overlap policy forbids it
   */
  async runTask(name: string, options: RunTaskOptions = {}): Promise<RunHandle> {
    return this.manual.run(this.commands.require(name), options);
  }

  /**
   * Runs past ticks of an active task once more, oldest first and one at a time, between its regular ticks: by default
   * those without a success. Asked for once it goes on until its end, whichever nodes come and go; each of its ticks is
   * started at most once for it. Such a run has `trigger: 'backfill'`, and its `tick` is the past one.
   * @throws `INVALID_OPTIONS`, `TASK_STATE` where the task is not active, or a backfill of it is under way
   * @example await scheduler.backfillTask('report', { from: '2030-01-01', dryRun: true }) // what would run?
   */
  backfillTask(name: string, options: BackfillOptions): Promise<BackfillView> {
    return this.backfills.start(name, options ?? {});
  }

  /** The latest backfill of the task and how far it has come; `undefined` where none was asked for. */
  getBackfill(name: string): Promise<BackfillView | undefined> {
    return this.backfills.get(name);
  }

  /** No further run of the backfill starts. Does nothing where there is none. */
  cancelBackfill(name: string): Promise<void> {
    return this.backfills.cancel(name);
  }

  /** The task as this node knows it; `undefined` where there is none, or only a tombstone. */
  getTask(name: string): TaskView | undefined {
    requireName(name);
    const task = this.scheduler.context.catalog.get(name);
    return task && isLive(task.doc) ? this.view(task) : undefined;
  }

  /**
   * How the task stands in the cluster: its runs on all nodes, the tick that waits, failures in a row, the circuit; read
   * from the registry.
   * @throws `TASK_NOT_FOUND`
   */
  async getTaskStatus(name: string): Promise<TaskStatus> {
    return this.runs.statusOf(this.commands.require(name));
  }

  /** Tasks by name. Tombstones are listed only where the filter asks for state `deleted`. @throws `INVALID_OPTIONS` */
  listTasks(filter: TaskFilter = {}): TaskView[] {
    return this.viewsOf(filterOf(filter));
  }

  /** The tasks this node owns: whose ticks it takes. */
  listOwnTasks(): TaskView[] {
    const names = new Set(this.scheduler.owned.map((unit) => unit.task));
    const isWanted = filterOf({});
    return this.viewsOf((task) => names.has(task.name) && isWanted(task));
  }

  /** The next ticks of a task, at most 1,000. Empty where it is not active. @throws `TASK_NOT_FOUND`, `INVALID_OPTIONS` */
  nextTicks(name: string, count = 5): Date[] {
    return this.previews.nextTicks(this.commands.require(name), count);
  }

  /**
   * What a schedule would do from now on, before anything is saved: in words, its ticks and what is special about them,
   * what its exceptions take out, and warnings of what is most likely a mistake.
   *
   * @param options.timeZone of what names none. @default the module's
   * @param options.count of ticks, at most 1,000. @default 5
   * @param options.task the name of the task it is for: an `H` in cron follows from it. @default ''
   * @throws `INVALID_SCHEDULE`
   */
  previewSchedule(spec: ScheduleSpec, options: PreviewOptions = {}): SchedulePreview {
    return this.previews.ofSchedule(spec, options);
  }

  /** What an existing task will do: as `previewSchedule`, under its bounds and with its jitter. */
  previewTask(name: string, options: { count?: number } = {}): SchedulePreview {
    return this.previews.ofTask(this.commands.require(name), options);
  }

  /** The last runs and skips of a task, or of a node, latest first; read from the registry. @throws `INVALID_OPTIONS` */
  listRuns(filter: { task: string } | { nodeId: string }): Promise<HistoryRecord[]> {
    return this.runs.list(filter);
  }

  /** The runs of this node that are going on. */
  listRunning(): RunningView[] {
    const { launcher, context } = this.scheduler;
    return launcher
      .listLive()
      .map(({ task, entry, retry }) =>
        runningView(task.name, { ...entry, ...(retry && { retry }) }, context.progress.of(entry.id)),
      );
  }

  /** A run by its id: what history still has of it; `undefined` where it goes on, or is forgotten. */
  getRun(id: string): Promise<RunRecord | undefined> {
    return this.runs.get(id);
  }

  /**
   * Aborts a run by its signal, on whatever node it is, and resolves when it has ended, at the latest after the task's
   * `abortGrace`. Its record says `cancelled` and the reason, unless its handler came to its end all the same.
   * @returns whether it was there to be told. `false`: it has ended, or its node does not answer
   */
  cancelRun(id: string, reason = 'cancelled by request'): Promise<boolean> {
    return this.runs.cancel(id, reason);
  }

  /**
   * Runs a run once more that did not succeed: now, on this node, with the same tick and payload, under a new id. Its record
   * says which one it was asked for in place of (`again`).
   * @throws `RUN_NOT_FOUND` where history has forgotten it, `RUN_STATE` where it goes on, has succeeded or is made up for, and as `runTask`
   */
  retryRun(id: string, options: Pick<RunTaskOptions, 'timeout'> = {}): Promise<RunHandle> {
    return this.runs.retry(id, options);
  }

  /** The nodes this one sees. */
  listNodes(): NodeRecord[] {
    return this.scheduler.view.list().sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  getNode(id: string): NodeRecord | undefined {
    return this.scheduler.view.get(id);
  }

  private viewsOf(isWanted: (task: KnownTask) => boolean): TaskView[] {
    const wanted = [...this.scheduler.context.catalog.values()].filter(isWanted);
    return wanted.map((task) => this.view(task)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private view(task: KnownTask): TaskView {
    return viewOf(task, this.scheduler.context.clock.now());
  }
}
