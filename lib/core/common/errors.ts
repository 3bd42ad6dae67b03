/** Stable codes: programs may branch on them, documentation is indexed by them. */
export type ErrorCode =
  | 'CLAIM_CONFLICT'
  | 'HANDLER_NOT_FOUND'
  | 'INVALID_OPTIONS'
  | 'INVALID_PAYLOAD'
  | 'INVALID_SCHEDULE'
  | 'INVALID_TASK'
  | 'MISSING_PEER'
  | 'NODE_ID_IN_USE'
  | 'NOT_RUNNING'
  | 'PROTOCOL_VERSION'
  | 'REGISTRY_REFUSED'
  | 'REGISTRY_UNAVAILABLE'
  | 'RUN_ABORTED'
  | 'RUN_NOT_FOUND'
  | 'RUN_STATE'
  | 'RUN_TIMEOUT'
  | 'TASK_DELETED'
  | 'TASK_EXISTS'
  | 'TASK_NOT_FOUND'
  | 'TASK_RUNNING'
  | 'TASK_STATE';

export interface ErrorDetails {
  /** Whether the same call may succeed later without a change by the caller. @default false */
  retryable?: boolean;
  task?: string;
  runId?: string;
  nodeId?: string;
  cause?: unknown;
}

/** Every error the library throws. The message says what was given, what was expected and what to do. */
export class DistributedScheduleError extends Error {
  readonly retryable: boolean;
  declare readonly task?: string;
  declare readonly runId?: string;
  declare readonly nodeId?: string;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.retryable = details.retryable ?? false;
    const { task, runId, nodeId } = details;
    Object.assign(
      this,
      task !== undefined && { task },
      runId !== undefined && { runId },
      nodeId !== undefined && { nodeId },
    );
  }
}

/**
 * Thrown by a handler, or anything around it, for a failure that another attempt would not mend: the run fails at once,
 * whatever `retry` allows.
 *
 * @example throw new NoRetryError('The invoice does not exist', { cause: error });
 */
export class NoRetryError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** What was asked of a task cannot be done. */
export function taskError(code: ErrorCode, task: string, message: string): DistributedScheduleError {
  return new DistributedScheduleError(code, message, { task });
}

/** The text of whatever was thrown: handlers throw strings, objects and nothing at all. */
export function errorMessage(thrown: unknown): string {
  if (thrown !== null && typeof thrown === 'object' && 'message' in thrown) return String(thrown.message);
  return String(thrown);
}
