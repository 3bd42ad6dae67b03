import type { TaskRun } from '../execution/task-run.js';
import type { LiveRun } from './live-run.js';
import type { SchedulerContext } from './scheduler-context.js';

/** What a handler tells while it runs: for the record, the log, the other nodes and whoever listens. */
export function telling(
  { entry: { id }, task: { name: task }, notes }: LiveRun,
  { events, logger, progress }: SchedulerContext,
): Pick<TaskRun, 'log' | 'progress'> {
  return {
    log: (message, data) => {
      const line = notes.log(message, data);
      logger.log(line.message, { task, runId: id, ...(line.data !== undefined && { data: line.data }) });
      events.emit('run.log', { id, task, ...line });
    },
    progress: (percent, note) => {
      const now = notes.progress(percent, note);
      progress.note(id, now);
      events.emit('run.progress', { id, task, ...now });
    },
  };
}
