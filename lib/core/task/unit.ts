import { keys } from '../registry/keyspace.js';
import type { TaskDocument } from './task-definition.js';

/** What is assigned to one node. Most tasks are one unit, named like the task. */
export interface Unit {
  /** `<task>` or `<task>#<shard>`. */
  readonly name: string;
  readonly task: string;
  readonly generation: string;
  /** The key of its state document. */
  readonly key: string;
}

/** The units of a task. Sharded tasks will have several; everything above treats them alike. */
export function unitsOf(task: string, doc: Pick<TaskDocument, 'generation'>): Unit[] {
  return [{ name: task, task, generation: doc.generation, key: keys.unit(task, doc.generation) }];
}
