import { show } from '../../core/common/show.js';
import type { TaskInput } from '../../core/task/task-definition.js';
import type { MethodMark } from '../decorators/task-metadata.js';
import type { Feature } from '../features/features.js';
import type { DecoratedMethod } from './decorated-method.js';

/** Set by the decorator itself; an option of that name would silently be lost. */
const TAKEN = ['handler', 'schedule'];

interface Declaration {
  /** Absent where there are problems. */
  input?: TaskInput;
  /** Each with its path: in the options, or `schedule` and what is in it. */
  problems: string[];
}

/** Everything wrong with a task, each problem with its path. */
export type TaskCheck = (input: TaskInput) => string[];

/** The task that a decorated method declares, or everything that is wrong with it. */
export function declarationOf({ mark, place, feature = {} }: DecoratedMethod, check: TaskCheck): Declaration {
  if (mark.kind !== 'task') return { problems: [] };
  const { options }: { options: unknown } = mark;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    return { problems: [`the options are ${show(options)}; give an object, as { name: 'billing.close' }`] };
  }
  return taskOf({ mark, place, feature }, check);
}

function taskOf(
  { mark, place, feature }: { mark: MethodMark & { kind: 'task' }; place: string; feature: Feature },
  check: TaskCheck,
): Declaration {
  const { defaults, namePrefix = '' } = feature;
  const { scheduler: _scheduler, name = place, timeZone, dst, except, ...rest } = mark.options;
  const spec = mark.specOf(mark.schedule);
  const beside = Object.entries({ timeZone, dst, except }).filter(([, value]) => value !== undefined);
  const schedule = beside.length === 0 ? spec : { ...(spec as object), ...Object.fromEntries(beside) };
  const own = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const fullName: unknown = typeof name === 'string' ? `${namePrefix}${name}` : name;
  const input = { ...defaults, ...own, name: fullName, schedule } as TaskInput;
  const twice = beside.map(([key]) => key).filter((key) => spec !== null && typeof spec === 'object' && key in spec);
  const problems = [
    ...twice.map((key) => `${key}: it is given in the schedule and beside it; give it once`),
    ...TAKEN.filter((key) => key in rest).map((key) => `${key}: the decorator sets it; leave it out`),
    ...check(input).map((problem) => besideOf(problem, beside)),
  ];
  return problems.length > 0 ? { problems } : { input, problems };
}

/** What was given beside the schedule has its path there. */
function besideOf(problem: string, beside: readonly [key: string, value: unknown][]): string {
  const isBeside = beside.some(([key]) => problem.startsWith(`schedule.${key}`));
  return isBeside ? problem.slice('schedule.'.length) : problem;
}

/** A problem as it is told: what is wrong with the schedule stands right in the decorator. */
export function toldOf({ mark, place }: DecoratedMethod, problem: string): string {
  return `${place} (${mark.decorator}): ${problem.replace(/^schedule\./, '')}`;
}

/** Tasks without a name that would get the same one: after an edit, which would be which? */
export function nameProblems(methods: readonly DecoratedMethod[]): {
  ambiguous: ReadonlySet<DecoratedMethod>;
  problems: string[];
} {
  const alike = new Map<string, DecoratedMethod[]>();
  for (const method of methods.filter(isUnnamed)) {
    const name = `${method.feature?.namePrefix ?? ''}${method.place}`;
    alike.set(name, [...(alike.get(name) ?? []), method]);
  }
  const several = [...alike.values()].filter(({ length }) => length > 1);
  return { ambiguous: new Set(several.flat()), problems: several.map(ambiguity) };
}

function ambiguity(methods: readonly DecoratedMethod[]): string {
  const hosts = new Set(methods.map(({ host }) => host));
  const modules = new Set([...hosts].map(({ moduleName }) => moduleName));
  const [{ place, host }] = methods as [DecoratedMethod];
  const what =
    hosts.size === 1
      ? `it declares ${methods.length} tasks without a name`
      : `there are ${hosts.size} classes named ${host.className}, in ${[...modules].join(' and in ')}, and their tasks without a name would have the same one`;
  return `${place}: ${what}; give each a name of its own, as { name: 'billing.close' }`;
}

export function isUnnamed({ mark }: DecoratedMethod): boolean {
  return mark.kind === 'task' && mark.options?.name === undefined;
}
