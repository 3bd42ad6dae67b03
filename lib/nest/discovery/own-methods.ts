import { schedulerOf } from '../decorators/task-metadata.js';
import { strangerProblem, type SchedulerName } from '../stranger-problem.js';
import { toldOf } from './declaration.js';
import type { DecoratedMethod } from './decorated-method.js';

/**
 * The methods that are for the scheduler of this name, and those that are for none of the application.
 * @param names of all schedulers of the application
 */
export function methodsOf(
  name: SchedulerName,
  methods: readonly DecoratedMethod[],
  names: readonly SchedulerName[],
): { methods: DecoratedMethod[]; problems: string[] } {
  const chosen = (method: DecoratedMethod): unknown => schedulerOf(method.mark) ?? method.feature?.scheduler;
  return {
    methods: methods.filter((method) => chosen(method) === name),
    problems: methods
      .filter((method) => !names.includes(chosen(method) as SchedulerName))
      .map((method) => toldOf(method, `scheduler: ${strangerProblem(chosen(method), names)}`)),
  };
}
