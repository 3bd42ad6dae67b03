import { sleep } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import { Entrance } from './entrance.js';
import { begunAt, type LiveRun, vacate } from './live-run.js';
import { decideRetry } from './run-decisions.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { RetryState } from './unit-state.js';

/** How often a run that is due looks whether its node is back in the cluster. */
const OUTAGE_POLL_MS = 500;

/**
 * The time between two attempts of a run. It stands in the unit: should this node die or leave meanwhile, the owner of
 * the unit goes on. So the next attempt is begun like the first one, by a write that only one node can make.
 *
 * ```
 *   attempt failed ──▶ waiting (no slot, `retry.at` in the unit) ──▶ slot and room taken ──▶ begun in the unit ──▶ next attempt
 *                         └── this node leaves: released ──▶ taken over, waits there
 * ```
 */
export class RetryPause {
  private readonly entrance: Entrance;

  constructor(
    private readonly context: SchedulerContext,
    /** Asked before each wait and each write: `false` once this node has left. One that leaves hands the run over. */
    private readonly mayWait: (run: LiveRun) => boolean,
  ) {
    this.entrance = new Entrance(context);
  }

  /** @returns whether the next attempt is to be made here */
  async pause(run: LiveRun, attempt: number, delayMs: number): Promise<boolean> {
    const { units, clock } = this.context;
    const at = clock.now() + delayMs;
    const retry: RetryState = { made: attempt, begunAt: begunAt(run), at };
    run.retry = retry;
    vacate(run, this.context);
    units
      .update(
        run.unit,
        (state) => decideRetry(state, run.entry, retry),
        () => run.retry === retry && this.mayAskAgain(run),
      )
      .catch(() => undefined); // not told of it, nobody goes on for this node: it does itself
    return this.mayAskAgain(run) && this.resume(run, delayMs);
  }

  /**
   * Waits until the next attempt is due, and begins it. All waits are durations: the clock may be stepped while they last,
   * and one made for an instant of a wrong clock could take hours. @returns whether it is to be made here
   */
  async resume(run: LiveRun, delayMs: number): Promise<boolean> {
    const { clock } = this.context;
    await sleep(clock, delayMs, run.abort.signal);
    const admission = await this.entrance.enter(run.entry.id, run.task.policies, run.abort);
    if (!admission) return false;
    Object.assign(run, admission, { hasSlot: true });
    for (;;) {
      if (run.abort.aborted || this.isTooLate(run)) return false;
      const begun = this.isBound(run) ? await this.begin(run) : undefined;
      if (begun === false) return false;
      if (begun && this.isBound(run)) return !run.abort.aborted && !this.isTooLate(run);
      await sleep(clock, OUTAGE_POLL_MS, run.abort.signal);
    }
  }

  /** No attempt is begun after the deadline, whatever it has waited for: a slot, the registry, another node. */
  isTooLate({ task, retry }: LiveRun): boolean {
    const { deadlineMs } = task.policies.retry;
    return deadlineMs !== undefined && this.context.clock.now() > retry!.begunAt + deadlineMs;
  }

  /** A run that outlives the session of its node begins nothing before it is bound to the next one. */
  private isBound({ entry }: LiveRun): boolean {
    return this.context.keeper.trustedBy(entry.session);
  }

  /** @returns whether the run is this node's to go on with; `undefined` if the registry did not answer, or refused */
  private async begin(run: LiveRun): Promise<boolean | undefined> {
    const { made, begunAt: since } = run.retry!;
    const begun: RetryState = { made, begunAt: since };
    try {
      const update = await this.context.units.update(
        run.unit,
        (state) => decideRetry(state, run.entry, begun),
        () => this.isBound(run) && this.mayAskAgain(run),
      );
      if (update === 'gone' || !update.outcome) return false;
      if (!run.abort.aborted) run.retry = begun; // or it is begun by nobody, and waits on for another node
      return true;
    } catch (error) {
      if (!(error instanceof DistributedScheduleError)) throw error;
      return undefined;
    }
  }

  private mayAskAgain(run: LiveRun): boolean {
    return this.mayWait(run) && !run.abort.aborted;
  }
}
