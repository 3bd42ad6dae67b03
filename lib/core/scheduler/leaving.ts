import type { Membership } from '../cluster/membership.js';
import { TIMED_OUT, withTimeout } from '../common/clock.js';
import { tellDuration } from '../common/duration.js';
import { errorMessage } from '../common/errors.js';
import type { RunLauncher } from './run-launcher.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { SchedulerOptions } from './scheduler-options.js';
import type { TickLoop } from './tick-loop.js';

/** Leaving must not hang on a registry that does not answer: its sessions end by themselves. */
const PATIENCE_MS = 3_000;

/**
 * How a node leaves the cluster, in this order: no claim from now on; what waits is left to others, and then its units are;
 * runs end within the drain timeout or are aborted; what they did is recorded; the session ends.
 */
export class Leaving {
  private ending?: Promise<void>;

  constructor(
    private readonly options: SchedulerOptions,
    private readonly context: SchedulerContext,
    private readonly membership: Membership,
    private readonly loop: TickLoop,
    private readonly launcher: RunLauncher,
  ) {}

  /** No claim from now on, and units to others at once. Runs go on. */
  async giveUpUnits(): Promise<void> {
    const claims = this.loop.stop();
    await this.politely(this.launcher.handOverWaiting()); // before others read the units that are theirs now
    await this.politely(this.membership.announceLeaving());
    await this.politely(claims);
  }

  /** Runs end within the drain timeout or are aborted. Asked for again, it is the same wait: none begins any more. */
  endRuns(): Promise<void> {
    return (this.ending ??= this.letRunsEnd());
  }

  /** What the runs did is recorded, and the session ends. */
  async depart(): Promise<void> {
    await this.politely(this.launcher.recorded());
    this.launcher.close();
    await this.politely(this.context.recorder.settled());
    await this.politely(this.membership.leave());
  }

  async closeRegistry(): Promise<void> {
    if (this.options.ownsRegistry) await this.politely(this.options.registry.close());
  }

  private async letRunsEnd(): Promise<void> {
    const { clock, logger, drainTimeoutMs } = this.options;
    const going = this.running();
    if (going.length > 0)
      logger.log(`Leaving: waits up to ${tellDuration(drainTimeoutMs)} for runs to end`, { runs: going });
    if ((await withTimeout(clock, this.launcher.idle(), drainTimeoutMs)) !== TIMED_OUT) return;
    logger.warn('Runs did not end within the drain timeout and are aborted', {
      runs: this.running(),
      drainTimeoutMs,
    });
    const graceMs = this.launcher.longestGraceMs;
    this.launcher.abortAll('shutdown', { handOver: true });
    await withTimeout(clock, this.launcher.idle(), graceMs + PATIENCE_MS);
  }

  /** The first of them: enough to know what it waits for. */
  private running(): string[] {
    return this.launcher
      .listLive()
      .slice(0, 10)
      .map(({ entry }) => entry.id);
  }

  /** What is nice to tell a registry that may be away: tried for a bounded time, a failure is only logged. */
  private async politely(work: Promise<unknown>): Promise<void> {
    try {
      await withTimeout(this.options.clock, work, PATIENCE_MS);
    } catch (error) {
      this.options.logger.debug('While leaving', { reason: errorMessage(error) });
    }
  }
}
