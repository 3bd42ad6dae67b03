import type { TaskInput } from '../../core/task/task-definition.js';
import { taskProblems } from '../../core/task/validate.js';
import type { DecoratedMethod } from './decorated-method.js';

/** Set by the decorator itself; an option of that name would silently be lost. */
const TAKEN = ['handler', 'schedule'];

/** The task that a decorated method declares, or everything that is wrong with it. */
export function declarationOf({ mark, place }: DecoratedMethod): { input?: TaskInput; problems: string[] } {
  if (mark.kind !== 'task') return { problems: [] };
  const given: unknown = mark.options;
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    return { problems: [`the options are ${JSON.stringify(given)}; give an object, as { name: 'billing.close' }`] };
  }
  const { name = place, timeZone, dst, except, ...rest } = mark.options;
  const beside = Object.entries({ timeZone, dst, except }).filter(([, value]) => value !== undefined);
  const schedule =
    beside.length === 0 ? mark.schedule : { ...(mark.schedule as object), ...Object.fromEntries(beside) };
  const input = { ...rest, name, schedule } as TaskInput;
  const twice = beside.map(([key]) => key).filter((key) => isObject(mark.schedule) && key in mark.schedule);
  const problems = [
    ...twice.map((key) => `${key}: it is given in the schedule and beside it; give it once`),
    ...TAKEN.filter((key) => key in rest).map((key) => `${key}: the decorator sets it; leave it out`),
    ...taskProblems(input, '').map((problem) => problem.replace(/^schedule\./, '')),
  ];
  return problems.length > 0 ? { problems } : { input, problems };
}

/** Methods that declare several tasks without a name, by place: after an edit, which would be which? */
export function nameProblems(methods: readonly DecoratedMethod[]): Map<string, string> {
  const counts = new Map<string, number>();
  for (const method of methods) if (isUnnamed(method)) counts.set(method.place, (counts.get(method.place) ?? 0) + 1);
  const several = [...counts].filter(([, count]) => count > 1);
  return new Map(
    several.map(([place, count]) => [
      place,
      `${place}: it declares ${count} tasks without a name; give each a name of its own, as { name: 'billing.close' }`,
    ]),
  );
}

export function isUnnamed({ mark }: DecoratedMethod): boolean {
  return mark.kind === 'task' && mark.options?.name === undefined;
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object';
}
