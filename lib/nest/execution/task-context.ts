import type { ArgumentsHost } from '@nestjs/common';
import type { TaskRun } from '../../core/execution/task-run.js';

/** The context type that guards, interceptors and filters meet around handlers. */
export const TASK_CONTEXT = 'task';

/**
 * Whether a guard, interceptor or filter stands around a task's handler, not around a request.
 *
 * @example
 * ```ts
 * canActivate(context: ExecutionContext) {
 *   return isTaskContext(context) || this.isSignedIn(context.switchToHttp().getRequest());
 * }
 * ```
 */
export function isTaskContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === TASK_CONTEXT;
}

/** The run that it stands around; `undefined` in any other context. */
export function taskRunOf(host: ArgumentsHost): TaskRun | undefined {
  return isTaskContext(host) ? host.getArgByIndex<TaskRun>(0) : undefined;
}
