import type { KnownTask } from '../task/catalog.js';
import { isLive, TASK_STATES, type TaskSource, type TaskState } from '../task/task-definition.js';
import { type Check, oneOf, requireOptions, text } from './arguments.js';

/** Which tasks to list: those that fit all that is given. */
export interface TaskFilter {
  /** One, or any of several. @default all but tombstones */
  state?: TaskState | readonly TaskState[];
  source?: TaskSource;
  tag?: string;
}

const SOURCES: readonly TaskSource[] = ['static', 'dynamic'];
const anyState: Check = (value, path) => {
  const check = oneOf(...TASK_STATES);
  return [value]
    .flat()
    .map((each) => check(each, path))
    .find((problem) => problem !== undefined);
};

/** @throws DistributedScheduleError `INVALID_OPTIONS` where no task could ever fit, by a mistake */
export function filterOf(filter: TaskFilter): (task: KnownTask) => boolean {
  requireOptions('listTasks', filter, { state: anyState, source: oneOf(...SOURCES), tag: text });
  const { state, source, tag } = filter;
  const states = state === undefined ? undefined : [state].flat();
  return ({ doc }) =>
    (states ? states.includes(doc.state) : isLive(doc)) &&
    (source === undefined || doc.definition.source === source) &&
    (tag === undefined || doc.definition.tags?.includes(tag) === true);
}
