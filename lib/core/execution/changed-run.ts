import type { TaskRun } from './task-run.js';

/** The run with other values. What it works out when it is asked for stays so: a spread would work it out for nobody. */
export function changedRun<P>(run: TaskRun, values: Partial<TaskRun<P>>): TaskRun<P> {
  const properties = { ...Object.getOwnPropertyDescriptors(run), ...Object.getOwnPropertyDescriptors(values) };
  return Object.defineProperties({}, properties as PropertyDescriptorMap) as TaskRun<P>;
}
