import { errorMessage, NoRetryError } from '../common/errors.js';
import type { TaskMiddleware } from './middleware.js';

/** Whether to try again after this error. `attempt` is the number of the one that failed. */
export type RetryIf = (error: unknown, attempt: number) => boolean | Promise<boolean>;

/** What `retryIf` said no to. The run fails with the error itself. */
export class FinalError extends NoRetryError {
  constructor(override readonly cause: unknown) {
    super(errorMessage(cause), { cause });
  }
}

/** A function cannot be stored with the task, so it stands around the handler, in the code that has it. */
export function retryIfMiddlewares(retryIf: RetryIf | undefined): TaskMiddleware[] {
  if (!retryIf) return [];
  return [
    async (run, next) => {
      try {
        return await next();
      } catch (error) {
        throw (await retryIf(error, run.attempt)) ? error : new FinalError(error);
      }
    },
  ];
}
