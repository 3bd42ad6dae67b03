import { nearest } from '../core/common/nearest.js';
import { show } from '../core/common/show.js';

/** `undefined` is that of the scheduler without one. */
export type SchedulerName = string | undefined;

/** Why a choice is none of the schedulers of the application. */
export function strangerProblem(chosen: unknown, names: readonly SchedulerName[]): string {
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
