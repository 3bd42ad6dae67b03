import { TIMED_OUT, withTimeout, type Clock } from '../../common/clock.js';
import { DistributedScheduleError } from '../../common/errors.js';
import type { Invocation, RunStep } from '../run-step.js';

/** How long a handler may go on after its signal aborted before the run is recorded without it. */
export const ABORT_GRACE_MS = 5_000;

/**
 * Aborts an attempt that takes too long, and waits for the handler to end: a run that is recorded as over while its
 * handler goes on would let the next one overlap with it. After the grace the run is recorded as timed out all the same.
 */
export function timeoutMiddleware(clock: Clock): RunStep {
  const bounded = async (invocation: Invocation, next: () => Promise<unknown>, timeoutMs: number): Promise<unknown> => {
    const outer = invocation.run.signal;
    const expiry = new AbortController();
    invocation.run = { ...invocation.run, signal: AbortSignal.any([outer, expiry.signal]) };
    const attempt = next();
    if ((await withTimeout(clock, attempt, timeoutMs)) !== TIMED_OUT) return attempt;
    const { task, id } = invocation.run;
    const error = new DistributedScheduleError(
      'RUN_TIMEOUT',
      `Run ${id} of task "${task}" took longer than its timeout of ${timeoutMs} ms`,
      {
        task,
        runId: id,
      },
    );
    expiry.abort(error);
    const ended = attempt.catch(() => undefined);
    invocation.stuck = (await withTimeout(clock, ended, ABORT_GRACE_MS)) === TIMED_OUT;
    throw error;
  };
  return (invocation, next) => {
    const { timeoutMs } = invocation.policies;
    return timeoutMs === undefined ? next() : bounded(invocation, next, timeoutMs);
  };
}
