import { nearest } from '../../core/common/nearest.js';
import { show } from '../../core/common/show.js';
import { schedulerOf } from '../decorators/task-metadata.js';
import { toldOf } from './declaration.js';
import type { DecoratedMethod } from './decorated-method.js';

type Name = string | undefined;

/**
 * The methods that are for the scheduler of this name, and those that are for none of the application.
 * @param names of all schedulers of the application
 */
export function methodsOf(
  name: Name,
  methods: readonly DecoratedMethod[],
  names: readonly Name[],
): { methods: DecoratedMethod[]; problems: string[] } {
  const chosen = (method: DecoratedMethod): unknown => schedulerOf(method.mark) ?? method.feature?.scheduler;
  return {
    methods: methods.filter((method) => chosen(method) === name),
    problems: methods
      .filter((method) => !names.includes(chosen(method) as Name))
      .map((method) => toldOf(method, `scheduler: ${strangerProblem(chosen(method), names)}`)),
  };
}

function strangerProblem(chosen: unknown, names: readonly Name[]): string {
  const known = names.filter((name) => name !== undefined);
  const list = known.map(show).join(', ');
  if (chosen === undefined) return `name one; those of this application are ${list}`;
  if (typeof chosen !== 'string')
    return `${show(chosen)} is not the name of a scheduler; give the name itself, not a reference`;
  const guess = nearest(chosen, known);
  const cure = guess
    ? `did you mean ${show(guess)}?`
    : known.length > 0
      ? `there are ${list}`
      : `give it by forRoot({ name: ${show(chosen)} })`;
  return `there is no scheduler ${show(chosen)}; ${cure}`;
}
