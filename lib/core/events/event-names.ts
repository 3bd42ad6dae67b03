import type { EventName } from './scheduler-events.js';

/** Every event there is: the compiler sees to it that none is missing. */
const NAMES: Record<EventName, true> = {
  'node.joined': true,
  'node.changed': true,
  'node.left': true,
  'session.lost': true,
  'session.working': true,
  'registry.amnesia': true,
  'task.added': true,
  'task.changed': true,
  'task.deleted': true,
  'task.orphaned': true,
  'run.started': true,
  'run.retrying': true,
  'run.log': true,
  'run.progress': true,
  'run.stuck': true,
  'run.succeeded': true,
  'run.failed': true,
  'run.timed-out': true,
  'run.cancelled': true,
  'run.lost': true,
  'tick.skipped': true,
};

export const EVENT_NAMES = Object.keys(NAMES) as EventName[];

/** Events about one task: its own, those of its runs and of its ticks. All others are about nodes and the cluster. */
export type TaskEventName = Extract<EventName, `task.${string}` | `run.${string}` | `tick.${string}`>;

export type NodeEventName = Exclude<EventName, TaskEventName>;

export function isTaskEvent(name: EventName): name is TaskEventName {
  return /^(?:task|run|tick)\./.test(name);
}
