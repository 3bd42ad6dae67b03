import { TIMED_OUT, withTimeout, type Clock, type EpochMs } from '../common/clock.js';
import type { LoggerPort } from '../common/logger.js';
import type { EventHub } from '../events/event-hub.js';
import type { Invocation } from './run-step.js';

/** A handler that goes on though its run is over. */
export interface StuckHandler {
  runId: string;
  task: string;
  /** When its signal aborted. */
  abortedAt: EpochMs;
}

/**
 * Handlers that ignored their signal longer than the grace. Their runs are over for the cluster, so the next one may run
 * beside them; they are told of until they end.
 */
export class StuckHandlers {
  private readonly going = new Set<StuckHandler>();

  constructor(
    private readonly clock: Clock,
    private readonly events: EventHub,
    private readonly logger: LoggerPort,
  ) {}

  list(): StuckHandler[] {
    return [...this.going];
  }

  /**
   * Waits for what has been told to end, no longer than the grace. What does not is `stuck`, and told of once, though its
   * attempt and its run may both have been told to end.
   */
  async awaitEnd(invocation: Invocation, call: Promise<unknown>): Promise<void> {
    const { run, policies } = invocation;
    const abortedAt = this.clock.now();
    const ended = call.catch(() => undefined);
    if ((await withTimeout(this.clock, ended, policies.abortGraceMs)) !== TIMED_OUT || invocation.stuck) return;
    invocation.stuck = true;
    const stuck = { runId: run.id, task: run.task, abortedAt };
    this.going.add(stuck);
    this.events.emit('run.stuck', { id: run.id, task: run.task, nodeId: run.nodeId, abortedAt });
    this.logger.warn(
      `A handler of task "${run.task}" goes on though its signal aborted ${policies.abortGraceMs} ms ago; its run ends without it. ` +
        'Hand run.signal to what it waits for, or give abortGrace more time',
      { runId: run.id },
    );
    void ended.then(() => {
      this.going.delete(stuck);
      const tookMs = this.clock.now() - abortedAt;
      this.logger.log(`The handler of task "${run.task}" that was stuck has ended after all`, {
        runId: run.id,
        tookMs,
      });
    });
  }
}
