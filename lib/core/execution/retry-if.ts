import { errorMessage, NoRetryError } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';
import type { TaskMiddleware } from './middleware.js';

/** Whether to try again after this error. `attempt` is the number of the one that failed. */
export type RetryIf = (error: unknown, attempt: number) => boolean | Promise<boolean>;

/** What `retryIf` said no to. The run fails with the error itself. */
export class FinalError extends NoRetryError {
  constructor(override readonly cause: unknown) {
    super(errorMessage(cause), { cause });
  }
}

/**
 * A function cannot be stored with the task, so it stands around the handler, in the code that has it. Should it fail itself,
 * the run fails with the error it was to judge.
 */
export function retryIfMiddlewares(
  retryIf: RetryIf | undefined,
  origin: string,
  logger: Pick<LoggerPort, 'error'>,
): TaskMiddleware[] {
  if (!retryIf) return [];
  const isWorthIt = async (error: unknown, attempt: number): Promise<boolean> => {
    try {
      return await retryIf(error, attempt);
    } catch (fault) {
      logger.error(`${origin}: retryIf failed itself, so there is no further attempt: ${errorMessage(fault)}`);
      return false;
    }
  };
  return [
    async (run, next) => {
      try {
        return await next();
      } catch (error) {
        if (error instanceof NoRetryError || (await isWorthIt(error, run.attempt))) throw error;
        throw new FinalError(error);
      }
    },
  ];
}
