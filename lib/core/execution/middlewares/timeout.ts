import type { Clock } from '../../common/clock.js';
import type { Disposable } from '../../common/disposable.js';
import { DistributedScheduleError } from '../../common/errors.js';
import { changedRun } from '../changed-run.js';
import type { RunAbort } from '../run-abort.js';
import type { Invocation, RunStep } from '../run-step.js';

/**
 * Aborts an attempt that takes too long, and waits for the handler to end: a run that is recorded as over while its
 * handler goes on would let the next one overlap with it.
 *
 * @param awaitEnd waits for an aborted attempt; where that ignores its signal no further one may run beside it
 */
export function timeoutMiddleware(
  clock: Clock,
  awaitEnd: (invocation: Invocation, attempt: Promise<unknown>) => Promise<void>,
): RunStep {
  const bounded = async (invocation: Invocation, next: () => Promise<unknown>, timeoutMs: number): Promise<unknown> => {
    const outer = invocation.run.signal;
    const expiry = new AbortController();
    invocation.run = changedRun(invocation.run, { signal: AbortSignal.any([outer, expiry.signal]) });
    const attempt = next();
    if (!(await takesLonger(clock, attempt, timeoutMs, invocation.abort))) return attempt;
    const error = timedOut(invocation.run, `longer than its timeout of ${timeoutMs} ms`);
    expiry.abort(error);
    await awaitEnd(invocation, attempt);
    throw error;
  };
  return (invocation, next) => {
    const { timeoutMs } = invocation.policies;
    return timeoutMs === undefined ? next() : bounded(invocation, next, timeoutMs);
  };
}

/** `false` also once the run as a whole is told to end: then its time is over, and not that of the attempt. */
function takesLonger(clock: Clock, attempt: Promise<unknown>, timeoutMs: number, abort: RunAbort): Promise<boolean> {
  return new Promise((resolve) => {
    if (abort.aborted) return resolve(false);
    const end = (isLonger: boolean): void => {
      timer.dispose();
      listening.dispose();
      resolve(isLonger);
    };
    const timer = clock.setTimer(timeoutMs, () => end(true));
    const listening = abort.onAbort(() => end(false));
    const ended = (): void => end(false);
    attempt.then(ended, ended);
  });
}

/** Aborts the whole run, with all its attempts and the waits between them, when its time is over. */
export function totalTimeout(clock: Clock, run: LimitedRun): Disposable | undefined {
  const { totalTimeoutMs } = run.policies;
  if (totalTimeoutMs === undefined) return undefined;
  const leftMs = Math.min(Math.max(0, run.begunAt + totalTimeoutMs - clock.now()), totalTimeoutMs); // whatever the clock says
  const error = timedOut(run, `longer than its total timeout of ${totalTimeoutMs} ms, with all its attempts`);
  return clock.setTimer(leftMs, () => run.abort.abort(error));
}

export interface LimitedRun extends Pick<Invocation, 'policies' | 'begunAt' | 'abort'> {
  readonly id: string;
  readonly task: string;
}

/** A handler that waited in vain for another run has failed, and not timed out itself. */
export function isTimeout(error: unknown, runId: string): boolean {
  return error instanceof DistributedScheduleError && error.code === 'RUN_TIMEOUT' && error.runId === runId;
}

function timedOut({ id, task }: Pick<LimitedRun, 'id' | 'task'>, how: string): DistributedScheduleError {
  return new DistributedScheduleError('RUN_TIMEOUT', `Run ${id} of task "${task}" took ${how}`, { task, runId: id });
}
