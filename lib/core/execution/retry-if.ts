import { errorMessage } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';

/** Whether to try again after this error. `attempt` is the number of the one that failed. */
export type RetryIf = (error: unknown, attempt: number) => boolean | Promise<boolean>;

/**
 * Asks `retryIf` about an attempt that failed. A function cannot be stored with the task, so it stands with the handler, in
 * the code that has it. Should it fail itself, there is no further attempt, and the run fails with the error it was to judge.
 */
export async function isWorthRetrying(
  { retryIf, origin }: { retryIf?: RetryIf; origin: string },
  error: unknown,
  attempt: number,
  logger: Pick<LoggerPort, 'error'>,
): Promise<boolean> {
  if (!retryIf) return true;
  try {
    return await retryIf(error, attempt);
  } catch (fault) {
    logger.error(`${origin}: retryIf failed itself, so there is no further attempt: ${errorMessage(fault)}`);
    return false;
  }
}
