import { AsyncLocalStorage } from 'node:async_hooks';
import type { Handler, TaskRun } from './task-run.js';

const storage = new AsyncLocalStorage<TaskRun>();

/**
 * The run whose handler or middleware is calling, however deep below it and after whatever it awaited; `undefined`
 * outside of runs. For code that is not handed the run: loggers, repositories, clients.
 *
 * @example
 * ```ts
 * logger.info({ runId: currentTaskRun()?.id }, 'charged');
 * ```
 */
export function currentTaskRun(): TaskRun | undefined {
  return storage.getStore();
}

/** Calls the handler so that everything it starts finds its run. */
export function withCurrentRun(run: TaskRun, handler: Handler): unknown {
  return storage.run(run, handler, run);
}
