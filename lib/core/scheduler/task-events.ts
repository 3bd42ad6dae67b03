import type { EventHub } from '../events/event-hub.js';
import type { TaskChange } from '../task/catalog.js';
import { isLive } from '../task/task-definition.js';

/** Tells what has become of a task. */
export function tellOfTask(change: TaskChange, events: EventHub): void {
  const { name, doc } = change.type === 'put' ? change.task : change.before;
  const state = change.type === 'put' ? doc.state : 'purged';
  const live = change.type === 'put' && isLive(doc);
  const was = change.before !== undefined && isLive(change.before.doc);
  if (live || was) events.emit(!live ? 'task.deleted' : was ? 'task.changed' : 'task.added', { task: name, state });
  const { orphanedSince } = doc;
  if (live && orphanedSince !== undefined && change.before?.doc.orphanedSince === undefined)
    events.emit('task.orphaned', { task: name, state, since: orphanedSince });
}
