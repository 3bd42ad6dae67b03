import type { TaskRun } from './task-run.js';

/**
 * The run with other values. What it works out when it is asked for stays so: a spread would work it out for nobody. What
 * others have pinned to it by a symbol, as the context of its instances, is of that attempt alone.
 */
export function changedRun<P>(run: TaskRun, values: Partial<TaskRun<P>>): TaskRun<P> {
  const own: Record<string, PropertyDescriptor> = Object.getOwnPropertyDescriptors(run);
  for (const property of Object.values(own)) if (property.get) property.get = property.get.bind(run);
  const properties = Object.entries({ ...own, ...Object.getOwnPropertyDescriptors(values) });
  return Object.defineProperties({}, Object.fromEntries(properties)) as TaskRun<P>;
}
