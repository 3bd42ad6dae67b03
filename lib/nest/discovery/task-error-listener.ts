import { errorMessage } from '../../core/common/errors.js';
import type { LoggerPort } from '../../core/common/logger.js';
import type { RunError, RunRecord } from '../../core/common/run.js';
import type { SchedulerEvent } from '../../core/events/scheduler-events.js';

const UNKNOWN: RunError = { name: 'Error', message: 'unknown' };

/** Hands the runs that failed, timed out or were lost to a method decorated with `@OnTaskError()`. */
export function taskErrorListener(
  call: (...args: unknown[]) => unknown,
  origin: string,
  logger: LoggerPort,
): (event: SchedulerEvent) => Promise<void> | undefined {
  const tell = async (data: RunRecord): Promise<void> => {
    try {
      await call(data.error ?? UNKNOWN, data);
    } catch (error) {
      logger.error(`${origin} failed itself: ${errorMessage(error)}`, { runId: data.id, task: data.task });
    }
  };
  return ({ type, data }) => {
    const isFailure = type === 'run.failed' || type === 'run.timed-out' || type === 'run.lost';
    return isFailure ? tell(data) : undefined;
  };
}
