import type { Clock } from '../../common/clock.js';
import { errorMessage, NoRetryError } from '../../common/errors.js';
import type { Random } from '../../common/ids.js';
import type { ResolvedRetry } from '../../task/policies.js';
import { changedRun } from '../changed-run.js';
import type { Invocation, RunStep } from '../run-step.js';

/** The longest wait before the attempt after `attempt`, before jitter. */
export function backoffMs(retry: ResolvedRetry, attempt: number): number {
  const { delayMs, backoff, maxDelayMs } = retry;
  const factor = backoff === 'fixed' ? 1 : backoff === 'linear' ? attempt : 2 ** (attempt - 1);
  return Math.min(delayMs * factor, maxDelayMs);
}

/**
 * Calls the handler again when it throws, within the same run. Growing waits are drawn between zero and the backoff
 * (full jitter), so that what failed together does not come back together. While it waits the run takes no slot, and
 * should this node leave, another one goes on with it. An aborted run is not retried.
 *
 * @param isWorthIt asked of each error after which another attempt could be made
 */
export function retryMiddleware(
  clock: Clock,
  random: Random,
  isWorthIt: (invocation: Invocation, error: unknown) => Promise<boolean>,
  onRetry: (invocation: Invocation, error: string, delayMs: number) => void,
): RunStep {
  const retried = async (invocation: Invocation, next: () => Promise<unknown>): Promise<unknown> => {
    const { retry } = invocation.policies;
    const first = invocation.run;
    const lastStart = retry.deadlineMs === undefined ? Infinity : invocation.begunAt + retry.deadlineMs;
    for (let attempt = first.attempt; ; attempt++) {
      if (attempt > first.attempt) invocation.run = changedRun(first, { attempt });
      try {
        return await next();
      } catch (error) {
        if (error instanceof NoRetryError || attempt >= retry.attempts) throw error;
        if (invocation.abort.aborted || invocation.stuck) throw error;
        if (!(await isWorthIt(invocation, error)) || invocation.abort.aborted) throw error;
        const longest = backoffMs(retry, attempt);
        const delayMs = retry.backoff === 'fixed' ? longest : Math.round(longest * random());
        if (clock.now() + delayMs > lastStart) throw error;
        onRetry(invocation, errorMessage(error), delayMs);
        if (!(await invocation.pause(attempt, delayMs))) throw invocation.abort.reason ?? error;
      }
    }
  };
  return (invocation, next) =>
    invocation.run.attempt >= invocation.policies.retry.attempts ? next() : retried(invocation, next);
}
