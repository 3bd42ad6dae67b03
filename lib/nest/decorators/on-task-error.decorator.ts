import { markMethod, type SchedulerChoice } from './task-metadata.js';

/**
 * Calls the method with the error and the record of each run that failed, timed out or was lost. Runs of this node
 * only, apart from lost ones: of those learns the node that found out. Best effort: the record of a run is its history.
 * What the method throws is logged and goes no further.
 *
 * @example
 * ```ts
 * @OnTaskError()
 * async alert(error: RunError, run: RunRecord) {}
 * ```
 */
export function OnTaskError(options: SchedulerChoice = {}): MethodDecorator {
  return markMethod('@OnTaskError', { kind: 'task-error', options });
}
