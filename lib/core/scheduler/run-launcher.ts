import type { EpochMs } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import type { RunOutcome, RunRecord } from '../common/run.js';
import type { ExecutionResult, Executor } from '../execution/executor.js';
import { RunAbort } from '../execution/run-abort.js';
import { startOf } from '../schedule/schedule.js';
import type { KnownTask } from '../task/catalog.js';
import type { Unit } from '../task/unit.js';
import { runRecordOf } from './run-record.js';
import { GRACE_MS } from './claim-decision.js';
import { decideFinish, decideRebind, held } from './run-decisions.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { RunEntry } from './unit-state.js';

/** In place of a session: the run waits for whoever owns its unit. */
const RELEASED = 'released';

/** A claimed run on this node, from the claim until its end is recorded. */
export interface ClaimedRun {
  unit: Unit;
  task: KnownTask;
  entry: RunEntry;
  token: bigint;
  payload?: unknown;
}

interface Obstacle {
  outcome: RunOutcome;
  why: string;
}

interface LiveRun extends ClaimedRun {
  readonly abort: RunAbort;
  /** With `recovery: 'rerun'`: it did not come to its end here, and is left in the unit for another node to take. */
  handOver: boolean;
}

/** Takes a claimed run to its end: waits for its tick, starts the handler inside the trust window, records what came of it. */
export class RunLauncher {
  private readonly live = new Map<string, LiveRun>();
  private recording = 0;
  private readonly onIdle: (() => void)[] = [];
  private readonly onRecorded: (() => void)[] = [];
  private handling = 0;
  private closed = false;

  constructor(
    private readonly context: SchedulerContext,
    private readonly executor: Executor,
    private readonly onEnd: (unit: Unit) => void,
  ) {}

  isLive(run: RunEntry): boolean {
    return this.live.get(run.id)?.entry.attempt === run.attempt;
  }

  /** Runs whose handler has been called; not those claimed ahead of their tick. */
  get running(): number {
    return this.handling;
  }

  listLive(): ClaimedRun[] {
    return [...this.live.values()];
  }

  /** The caller holds a slot for the run; it is given back when the handler ends. */
  launch(claimed: ClaimedRun): Promise<RunRecord> {
    const run: LiveRun = { ...claimed, abort: new RunAbort(), handOver: false };
    this.live.set(run.entry.id, run);
    return this.takeToEnd(run);
  }

  /**
   * Aborts the run by its signal. `handOver`: it is not over for the cluster; with `recovery: 'rerun'` another node
   * shall start it again.
   * @returns whether it was here to be aborted
   */
  abort(runId: string, reason: string, { handOver = false } = {}): boolean {
    const run = this.live.get(runId);
    if (!run) return false;
    const { name } = run.task;
    run.handOver ||= handOver && run.task.policies.recovery === 'rerun';
    run.abort.abort(
      new DistributedScheduleError('RUN_ABORTED', `Run ${runId} of task "${name}" was aborted: ${reason}`, {
        runId,
        task: name,
      }),
    );
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
        else run.entry = { ...run.entry, session };
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

  private async takeToEnd(run: LiveRun): Promise<RunRecord> {
    const { context } = this;
    let result: ExecutionResult;
    try {
      let obstacle: Obstacle | undefined;
      do {
        if (this.isEarly(run)) await this.tickOf(run);
        obstacle = this.knownObstacle(run) ?? (await this.doubt(run)) ?? this.lateness(run); // may renew the session, and with it correct the clock
      } while (!obstacle && this.isEarly(run));
      result = obstacle ? unstarted(obstacle, context.clock.now()) : await this.execute(run);
    } finally {
      context.slots.give();
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

  /** Unbinds the run from this node's session, which may live on: nobody would look for an orphan under it. */
  private async release({ unit, task, entry }: LiveRun, reason: string | undefined): Promise<void> {
    const { units, logger } = this.context;
    const what = `A run of task "${task.name}" did not come to its end on this node and is left for another to start again`;
    logger.warn(what, { runId: entry.id, reason });
    try {
      await units.update(
        unit,
        (state) => decideRebind(state, entry, RELEASED),
        () => !this.closed,
      );
    } catch (error) {
      logger.debug('The session of this node ends, and releases its runs', {
        runId: entry.id,
        reason: (error as Error).message,
      });
    }
  }

  private forget(run: LiveRun): void {
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

  private async tickOf(run: LiveRun): Promise<void> {
    await new Promise<void>((go) => {
      const appointment = this.context.timeline.at(dueAt(run), go);
      run.abort.onAbort(() => {
        appointment.dispose();
        go();
      });
    });
  }

  /** Why the handler must not start, as far as this node knows without asking. */
  private knownObstacle(run: LiveRun): Obstacle | undefined {
    if (run.abort.reason) return { outcome: 'cancelled', why: run.abort.reason.message };
    const doc = this.context.catalog.get(run.task.name)?.doc;
    const state = doc?.generation === run.unit.generation ? (doc.rename?.state ?? doc.state) : undefined; // made anew, it has ticks of its own
    const { tick, trigger } = run.entry;
    if (tick === undefined || state === 'active' || state === 'completed') return undefined;
    run.handOver ||= trigger === 'recovery'; // it has begun once, and begins again when the task goes on
    return { outcome: 'cancelled', why: `the task is ${state ?? 'gone'}` };
  }

  /** Between claim and start this process may have been frozen: outside the trust window the registry is asked first. */
  private async doubt(run: LiveRun): Promise<Obstacle | undefined> {
    const { keeper } = this.context;
    if (keeper.trusted() && keeper.session?.id === run.entry.session) return undefined;
    if (await this.stillOurs(run)) return undefined;
    run.handOver ||= run.task.policies.recovery === 'rerun';
    return { outcome: 'lost', why: 'the session of this node was lost before the run started' };
  }

  /** Asked last, when the time is known to be right: the machine may have slept since the tick was claimed in time. */
  private lateness(run: LiveRun): Obstacle | undefined {
    const { entry, task } = run;
    if (entry.tick === undefined || (entry.trigger !== 'schedule' && entry.trigger !== 'misfire')) return undefined;
    const late = this.context.clock.now() - dueAt(run) > task.policies.misfireDeadlineMs + GRACE_MS;
    return late ? { outcome: 'cancelled', why: 'its deadline had passed when it could start' } : undefined;
  }

  private async stillOurs({ unit, entry }: LiveRun): Promise<boolean> {
    const { keeper, units } = this.context;
    try {
      const state = await units.read(unit);
      if (!state || !held(state, entry)) return false;
      return keeper.session?.id === entry.session && (await keeper.renew());
    } catch {
      return false; // whatever keeps the registry from saying yes means no
    }
  }

  private async execute(live: LiveRun): Promise<ExecutionResult> {
    const { unit, task, entry, token, payload, abort } = live;
    const { node, clock } = this.context;
    const next = entry.tick === undefined ? undefined : task.schedule.next(entry.tick);
    const run = {
      id: entry.id,
      task: task.name,
      unit: unit.name,
      ...(entry.tick !== undefined && { tick: new Date(entry.tick) }),
      ...(next !== undefined && { nextTick: new Date(next) }),
      startedAt: new Date(clock.now()),
      attempt: entry.attempt,
      trigger: entry.trigger,
      nodeId: node.id,
      fencingToken: token,
      get signal() {
        return abort.signal;
      },
      payload: payload === undefined ? task.doc.definition.payload : payload,
    };
    this.handling++;
    try {
      const mayGoOn = async (): Promise<boolean> => !(await this.doubt(live)) && !abort.aborted;
      const { policies, doc } = task;
      return await this.executor.execute({ definition: doc.definition, policies, run, abort, mayGoOn });
    } finally {
      this.handling--;
    }
  }

  private async record(run: LiveRun, result: ExecutionResult): Promise<RunRecord> {
    const { units, recorder, events, keeper, catalog, logger } = this.context;
    const { unit, task, entry } = run;
    const record = toRecord(run, result);
    if (run.handOver && result.outcome !== 'succeeded') {
      await this.release(run, result.error?.message);
      return record;
    }
    // While the session is trusted nobody else can settle the run, so history may go in the same commit.
    const known = catalog.get(task.name)?.doc.generation === unit.generation;
    const isOurs = (): boolean => keeper.trusted() && keeper.session?.id === run.entry.session;
    const early = known && isOurs();
    if (early) recorder.record(record, entry.seq, isOurs);
    try {
      const update = await units.update(
        unit,
        (state) => decideFinish(state, entry, result.outcome, result.endedAt),
        () => !this.closed,
      );
      if (update !== 'gone' && update.outcome === 'finished') {
        if (!early && known) recorder.record(record, entry.seq);
      } else {
        const what =
          'A run ended that is no longer this node’s: its session was lost and another node settled it, or its task was purged';
        logger.warn(what, { task: task.name, runId: entry.id, outcome: result.outcome });
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

/** When the handler is called: at the tick, or with jitter somewhat later. */
function dueAt({ entry, task }: ClaimedRun): EpochMs {
  return startOf(task.schedule, entry.tick!);
}

function unstarted({ outcome, why }: Obstacle, now: number): ExecutionResult {
  return { outcome, attempt: 0, startedAt: now, endedAt: now, error: { name: 'NotStarted', message: why } };
}

function toRecord({ unit, entry, token }: ClaimedRun, { attempt, ...end }: ExecutionResult): RunRecord {
  return runRecordOf(unit, entry, { ...end, attempt: Math.max(attempt, entry.attempt), token: String(token) });
}
