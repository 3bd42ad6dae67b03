import { DistributedScheduleError, errorMessage } from '../common/errors.js';

/**
 * The store did not answer, or not in time. `outcomeUnknown` says that a request had been sent: it may have been
 * applied, may still be on its way, or may never arrive.
 */
export class RegistryUnavailableError extends DistributedScheduleError {
  readonly outcomeUnknown: boolean;

  constructor(message: string, options: { outcomeUnknown: boolean; cause?: unknown }) {
    super('REGISTRY_UNAVAILABLE', message, { retryable: true, cause: options.cause });
    this.outcomeUnknown = options.outcomeUnknown;
  }
}

/** The store answered and will not do it: credentials, quota, a value that is too large. Trying again does not help. */
export class RegistryRefusedError extends DistributedScheduleError {
  constructor(message: string, cause?: unknown) {
    super('REGISTRY_REFUSED', message, { cause });
  }
}

/**
 * The error of a commit of which one part failed like this. Where another part went through, or may have, some of the writes
 * are done, and only "unknown" is true of the whole: also where this part was refused, or was certainly not done.
 */
export function wholeError(error: unknown, someDone: boolean): unknown {
  if (!someDone || (error instanceof RegistryUnavailableError && error.outcomeUnknown)) return error;
  return new RegistryUnavailableError(errorMessage(error), { outcomeUnknown: true, cause: error });
}

/** The same failure, where more is known about what became of the request. */
export function withOutcome(error: unknown, outcomeUnknown: boolean): unknown {
  if (!(error instanceof RegistryUnavailableError) || error.outcomeUnknown === outcomeUnknown) return error;
  return new RegistryUnavailableError(error.message, { outcomeUnknown, cause: error.cause });
}

export function closedError(): RegistryRefusedError {
  return new RegistryRefusedError('This registry is closed; create a new one.');
}
