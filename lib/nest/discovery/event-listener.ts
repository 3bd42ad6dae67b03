import { errorMessage } from '../../core/common/errors.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { show } from '../../core/common/show.js';
import type { SchedulerEvent } from '../../core/events/scheduler-events.js';
import type { MethodMark, TaskEventFilter } from '../decorators/task-metadata.js';
import { hint, isObject } from '../options/checks.js';

type ListenerMark = Extract<MethodMark, { kind: 'listener' }>;

interface Surroundings {
  origin: string;
  logger: LoggerPort;
  tagsOf: (task: string) => readonly string[];
}

/** Hands the events that a method listens to, and no others, to the method. */
export function eventListener(
  { types, filter = {} }: ListenerMark,
  call: (...args: unknown[]) => unknown,
  { origin, logger, tagsOf }: Surroundings,
): (event: SchedulerEvent) => Promise<void> | undefined {
  const wanted = new Set<string>(types);
  const tell = async (event: SchedulerEvent, task: string | undefined): Promise<void> => {
    try {
      await call(event);
    } catch (error) {
      logger.error(`${origin} failed itself: ${errorMessage(error)}`, { event: event.type, task });
    }
  };
  return (event) => {
    if (!wanted.has(event.type)) return undefined;
    const task = 'task' in event.data ? event.data.task : undefined;
    return task === undefined || fits(filter, task, tagsOf) ? tell(event, task) : undefined;
  };
}

function fits({ task, tag }: TaskEventFilter, name: string, tagsOf: (task: string) => readonly string[]): boolean {
  if (typeof task === 'string' && task !== name) return false;
  // search() does not move a pattern's lastIndex, as test() does
  if (task instanceof RegExp && name.search(task) < 0) return false;
  return tag === undefined || tagsOf(name).includes(tag);
}

/** Everything that is wrong with what a decorator of a listener was given. */
export function listenerProblems({ types, allowed, filter = {} }: ListenerMark): string[] {
  const unknown = types.filter((type) => !allowed.includes(type));
  const problems = unknown.map((type) => `${show(type)} is no event of this decorator; ${hint(String(type), allowed)}`);
  if (types.length === 0) problems.push('there is no type of event; give one');
  return [...problems, ...filterProblems(filter)];
}

function filterProblems(filter: unknown): string[] {
  if (!isObject(filter)) return [`filter: ${show(filter)} is not an object, as { task: 'billing.close' }`];
  const { task, tag, scheduler: _scheduler, ...others } = filter as TaskEventFilter;
  const problems = Object.keys(others).map(
    (key) => `filter.${key}: unknown; ${hint(key, ['task', 'tag', 'scheduler'])}`,
  );
  if (task !== undefined && typeof task !== 'string' && !(task instanceof RegExp))
    problems.push(`filter.task: ${show(task)} is neither a name nor a pattern, as /^billing\\./`);
  if (tag !== undefined && typeof tag !== 'string') problems.push(`filter.tag: ${show(tag)} is not a text`);
  return problems;
}
