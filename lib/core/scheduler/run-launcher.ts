import type { RunRecord } from '../common/run.js';
import type { EpochMs } from '../common/clock.js';
import { errorMessage } from '../common/errors.js';
import { backoffMs } from '../execution/middlewares/retry.js';
import { isTimeout, totalTimeout } from '../execution/middlewares/timeout.js';
import type { ExecutionResult, Executor } from '../execution/executor.js';
import { insist } from '../registry/insist.js';
import type { Unit } from '../task/unit.js';
import { abortedError, begunAt, type ClaimedRun, dueAt, type LiveRun, liveRun, vacate } from './live-run.js';
import { HandlerRun } from './handler-run.js';
import { RetryPause } from './retry-pause.js';
import { decideFinish, decideRebind, decideRelease } from './run-decisions.js';
import { runRecordOf } from './run-record.js';
import type { SchedulerContext } from './scheduler-context.js';
import { aborted, type Obstacle, StartCheck } from './start-check.js';
import { isWaiting, type RunEntry } from './unit-state.js';

/** Takes a claimed run to its end: waits for its tick, starts the handler inside the trust window, records what came of it. */
export class RunLauncher {
  private readonly live = new Map<string, LiveRun>();
  private recording = 0;
  private readonly onIdle: (() => void)[] = [];
  private readonly onRecorded: (() => void)[] = [];
  private closed = false;
  private leaving = false;
  private readonly check: StartCheck;
  private readonly pauses: RetryPause;

  constructor(
    private readonly context: SchedulerContext,
    private readonly executor: Executor,
    private readonly onEnd: (unit: Unit) => void,
  ) {
    this.check = new StartCheck(context);
    this.pauses = new RetryPause(context, (run) => {
      if (this.leaving) this.abort(run.entry.id, 'shutdown', { handOver: true });
      return !this.closed;
    });
  }

  isLive(run: RunEntry): boolean {
    return this.live.get(run.id)?.entry.attempt === run.attempt;
  }

  /** Runs whose handler goes on; not those claimed ahead of their tick, nor those that wait for another attempt. */
  get running(): number {
    return [...this.live.values()].filter((run) => run.stage === 'called' && !isWaiting(run)).length;
  }

  /** How long the handlers that are running may take to end once they are aborted. */
  get longestGraceMs(): number {
    return Math.max(0, ...[...this.live.values()].map(({ task }) => task.policies.abortGraceMs));
  }

  find(runId: string): LiveRun | undefined {
    return this.live.get(runId);
  }

  listLive(): LiveRun[] {
    return [...this.live.values()];
  }

  /**
   * The caller holds a slot for the run, unless it waits for another attempt; it is given back when the handler ends.
   * @returns how it ended; `undefined` where that is not known here: another node goes on with it, or has settled it
   */
  launch(claimed: ClaimedRun): Promise<RunRecord | undefined> {
    const run = liveRun(claimed, this.context.clock);
    this.live.set(run.entry.id, run);
    return (run.ended = this.takeToEnd(run));
  }

  /**
   * Aborts the run by its signal. `handOver`: it is not over for the cluster; with `recovery: 'rerun'`, or where it waits
   * for another attempt, another node shall go on with it.
   * @returns whether it was here to be aborted
   */
  abort(runId: string, reason: string, { handOver = false } = {}): boolean {
    const run = this.live.get(runId);
    if (!run) return false;
    const goesOn = handOver && !run.abort.aborted; // what was to end for another reason ends
    run.handOver ||= goesOn && (run.task.policies.recovery === 'rerun' || isWaiting(run));
    run.abort.abort(abortedError(runId, run.task.name, reason));
    return true;
  }

  /** The session is lost: runs that must not go on beside another one are aborted, the others go on. */
  abortExclusive(reason: string): void {
    for (const { entry, task } of this.live.values()) {
      if (task.policies.recovery === 'rerun' || task.policies.overlap !== 'allow')
        this.abort(entry.id, reason, { handOver: true });
    }
  }

  abortAll(reason: string, options: { handOver: boolean }): void {
    for (const id of [...this.live.keys()]) this.abort(id, reason, options);
  }

  /** Runs that wait for another attempt are left to other nodes. Resolves when these can take them. */
  async handOverWaiting(): Promise<void> {
    this.leaving = true; // what begins to wait from now on goes at once
    const waiting = [...this.live.values()].filter(isWaiting);
    for (const { entry } of waiting) this.abort(entry.id, 'shutdown', { handOver: true });
    for (const { ended } of waiting) await ended;
  }

  /** Binds the runs that go on to the node's new session. A run that others have settled meanwhile is aborted. */
  async rebind(session: string): Promise<void> {
    await Promise.all(
      [...this.live.values()].map(async (run) => {
        if (run.handOver) return; // it is given up, not taken along
        const { unit, entry } = run;
        const update = await this.context.units.update(
          unit,
          (state) => decideRebind(state, entry, session),
          () => false,
        );
        if (update === 'gone' || !update.outcome)
          this.abort(entry.id, 'it was settled by another node while this one was cut off');
        else {
          run.entry = { ...run.entry, session };
          if (run.permit) await this.context.groups.keep(run.permit);
        }
      }),
    );
  }

  /** Resolves when no handler is running and none is about to. */
  idle(): Promise<void> {
    return this.live.size === this.recording ? Promise.resolve() : new Promise((resolve) => this.onIdle.push(resolve));
  }

  /** Resolves when the ends of all runs are recorded. */
  recorded(): Promise<void> {
    return this.live.size === 0 ? Promise.resolve() : new Promise((resolve) => this.onRecorded.push(resolve));
  }

  /** From now on an end that cannot be recorded is given up. */
  close(): void {
    this.closed = true;
  }

  private async takeToEnd(run: LiveRun): Promise<RunRecord | undefined> {
    const { context } = this;
    let result: ExecutionResult;
    try {
      const obstacle = (await this.awaitStart(run)) ?? aborted(run); // in the moment before it was heard that nothing is in the way
      result = obstacle ? unstarted(obstacle, context.clock.now()) : await this.execute(run);
    } catch (error) {
      result = unstarted({ outcome: 'failed', why: errorMessage(error) }, context.clock.now()); // whatever it is, the run ends
    } finally {
      vacate(run, context);
      this.recording++;
      this.tellIdle();
    }
    try {
      return await this.record(run, result);
    } finally {
      this.recording--;
      this.forget(run);
    }
  }

  /** Waits until the run is due. @returns why it does not start */
  private async awaitStart(run: LiveRun): Promise<Obstacle | undefined> {
    const { made = 0, at: retryAt } = run.retry ?? {};
    if (retryAt !== undefined && !(await this.resume(run, made, retryAt))) return this.whyNotResumed(run);
    for (;;) {
      if (this.isEarly(run)) await this.context.timeline.until(dueAt(run), run.abort);
      const obstacle = await this.check.obstacle(run);
      if (obstacle || !this.isEarly(run)) return obstacle;
    }
  }

  /** Waits here for the attempt that another node was to make, and never longer than that one could have meant to. */
  private async resume(run: LiveRun, made: number, retryAt: EpochMs): Promise<boolean> {
    const { entry, task, abort } = run;
    const { clock } = this.context;
    const { id } = entry;
    const limited = { id, task: task.name, policies: task.policies, begunAt: begunAt(run), abort };
    const limit = totalTimeout(clock, limited);
    const delayMs = Math.min(retryAt - clock.now(), backoffMs(task.policies.retry, made));
    const goesOn = await this.pauses.resume(run, delayMs);
    limit?.dispose();
    return goesOn;
  }

  private whyNotResumed(run: LiveRun): Obstacle {
    const { reason } = run.abort;
    if (reason) return { outcome: isTimeout(reason, run.entry.id) ? 'timed-out' : 'cancelled', why: reason.message };
    if (this.pauses.isTooLate(run))
      return { outcome: 'failed', why: 'its deadline had passed before another attempt could be made' };
    return { outcome: 'lost', why: 'another node goes on with it' };
  }

  /** Leaves the run in the unit, for another node to go on with. */
  private async release({ unit, task, entry, retry }: LiveRun, reason: string | undefined): Promise<void> {
    const { units, logger } = this.context;
    const what = `A run of task "${task.name}" did not come to its end on this node and is left for another to go on with`;
    logger.warn(what, { runId: entry.id, reason });
    try {
      await this.write(entry, (again) => units.update(unit, (state) => decideRelease(state, entry, retry), again));
    } catch (error) {
      logger.debug('The session of this node ends, and releases its runs', {
        runId: entry.id,
        reason: (error as Error).message,
      });
    }
  }

  /** What becomes of a run is written whatever it takes, until this node has left. */
  private write<T>({ id }: RunEntry, update: (again: () => boolean) => Promise<T>): Promise<T> {
    const { clock, logger } = this.context;
    const again = (): boolean => !this.closed;
    return insist(() => update(again), {
      clock,
      again,
      onRefused: ({ message }) =>
        logger.error('The registry refuses to note what became of a run; it is tried again until it does', {
          runId: id,
          reason: message,
        }),
    });
  }

  private forget(run: LiveRun): void {
    this.context.progress.forget(run.entry.id);
    if (this.live.get(run.entry.id) === run) this.live.delete(run.entry.id);
    this.onEnd(run.unit);
    this.tellIdle();
    if (this.live.size === 0) for (const resolve of this.onRecorded.splice(0)) resolve();
  }

  private tellIdle(): void {
    if (this.live.size === this.recording) for (const resolve of this.onIdle.splice(0)) resolve();
  }

  private isEarly(run: LiveRun): boolean {
    return run.entry.tick !== undefined && dueAt(run) > this.context.clock.now();
  }

  private async execute(live: LiveRun): Promise<ExecutionResult> {
    const { task, abort } = live;
    const run = new HandlerRun(live, this.context);
    live.stage = 'called';
    try {
      const { policies, doc } = task;
      const pause = (attempt: number, delayMs: number): Promise<boolean> => this.pauses.pause(live, attempt, delayMs);
      const { definition } = doc;
      return await this.executor.execute({ definition, policies, run, abort, begunAt: begunAt(live), pause });
    } finally {
      live.stage = 'over';
    }
  }

  /** An end that is not the run's end for the cluster is told to nobody. */
  private async record(run: LiveRun, result: ExecutionResult): Promise<RunRecord | undefined> {
    const { units, recorder, events, keeper, catalog, logger } = this.context;
    const { unit, task, entry } = run;
    const record = toRecord(run, result);
    if (run.handOver && result.outcome !== 'succeeded') {
      await this.release(run, result.error?.message);
      return undefined;
    }
    // While the session is trusted nobody else can settle the run, so history may go in the same commit.
    const known = catalog.get(task.name)?.doc.generation === unit.generation;
    const isOurs = (): boolean => keeper.trustedBy(run.entry.session);
    const early = known && isOurs();
    if (early) recorder.record(record, entry.seq, isOurs);
    try {
      const update = await this.write(entry, (again) =>
        units.update(unit, (state) => decideFinish(state, task, entry, result.outcome, result.endedAt), again),
      );
      if (update !== 'gone' && update.outcome === 'finished') {
        if (!early && known) recorder.record(record, entry.seq);
      } else {
        const what =
          'A run ended that is no longer this node’s: its session was lost and another node settled it, or its task was purged';
        logger.warn(what, { task: task.name, runId: entry.id, outcome: result.outcome });
        if (update !== 'gone') return undefined;
      }
    } catch (error) {
      const what = 'The end of a run could not be recorded before this node stopped; it will be settled as lost';
      logger.error(what, {
        task: task.name,
        runId: entry.id,
        outcome: result.outcome,
        reason: (error as Error).message,
      });
    }
    if (result.outcome === 'failed' || result.outcome === 'timed-out') {
      logger.error(
        `Task "${task.name}" ${result.outcome === 'failed' ? 'failed' : 'timed out'}: ${result.error?.message}`,
        {
          runId: entry.id,
          attempt: result.attempt,
          stack: result.error?.stack,
        },
      );
    }
    events.emit(`run.${result.outcome}`, record);
    return record;
  }
}

function unstarted({ outcome, why }: Obstacle, now: number): ExecutionResult {
  return { outcome, attempt: 0, startedAt: now, endedAt: now, error: { name: 'NotStarted', message: why } };
}

function toRecord({ unit, entry, token, notes, retry }: LiveRun, result: ExecutionResult): RunRecord {
  const attempt = Math.max(result.attempt, retry?.made ?? 0, 1);
  return runRecordOf(unit, entry, { ...result, ...notes.all(), attempt, token: String(token) });
}
