import { AsyncLocalStorage } from 'node:async_hooks';
import type { Handler, TaskRun } from './task-run.js';

/** Emptied when the attempt is over: a timer set by a handler, or by the scheduler on its behalf, may outlive it. */
interface Cell {
  run: TaskRun | undefined;
}

const storage = new AsyncLocalStorage<Cell>();
/** Where no caller has stored anything yet. */
const outside = AsyncLocalStorage.snapshot();

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
  return storage.getStore()?.run;
}

/**
 * Calls the handler so that everything it starts finds its run, and nothing of whoever set the timer that made it start:
 * a run must not inherit the user or the trace of the request in which its task was added.
 */
export function withCurrentRun(run: TaskRun, handler: Handler): Promise<unknown> {
  const cell: Cell = { run };
  const call = async (): Promise<unknown> => {
    try {
      return await handler(run);
    } finally {
      cell.run = undefined;
    }
  };
  return outside(() => storage.run(cell, call));
}
