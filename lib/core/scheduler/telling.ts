import type { TaskRun } from '../execution/task-run.js';
import type { LiveRun } from './live-run.js';
import type { SchedulerContext } from './scheduler-context.js';

/**
 * What a handler tells while it runs: for the record, the log, the other nodes and whoever listens. Once its run is over
 * only the log hears of it: the record stands, and nobody would take back what the other nodes are told.
 */
export function telling(
  run: LiveRun,
  { events, logger, progress }: SchedulerContext,
): Pick<TaskRun, 'log' | 'progress'> {
  const {
    entry,
    task: { name: task },
    notes,
  } = run;
  const { id } = entry;
  const isOver = (): boolean => run.stage === 'over';
  return {
    log: (message, data) => {
      const line = notes.log(message, data);
      logger.log(line.message, { task, runId: id, ...(line.data !== undefined && { data: line.data }) });
      if (isOver()) return;
      events.emit('run.log', { id, task, ...line });
    },
    progress: (percent, note) => {
      if (isOver()) return;
      const now = notes.progress(percent, note);
      progress.note(id, now);
      events.emit('run.progress', { id, task, ...now });
    },
  };
}
