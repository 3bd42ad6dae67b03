import { limits } from './list/bounds.mjs';
import { claims } from './list/claims.mjs';
import { extraRuns } from './list/extra-runs.mjs';
import { failing } from './list/failing.mjs';
import { members } from './list/members.mjs';
import { orphans } from './list/orphans.mjs';
import { retries } from './list/retries.mjs';
import { runs } from './list/runs.mjs';
import { successes } from './list/successes.mjs';
import { tasks } from './list/tasks.mjs';
import { ticks } from './list/ticks.mjs';
import { trust } from './list/trust.mjs';
import { waiting } from './list/waiting.mjs';

/**
 * A deliberate bug.
 *
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} breaks the promise that no longer holds
 * @property {string[]} rules those expected to notice; any rule will do
 * @property {string} file
 * @property {string} find stands exactly once in the file, white space aside
 * @property {string} replace
 * @property {string} [open] missed so far: what it would take to notice it
 * @property {{ file?: string, find: string, replace: string }[]} [also] further places; in the same file unless said otherwise
 */

/** @type {Mutant[]} */
export const mutants = [
  ...claims,
  ...trust,
  ...ticks,
  ...runs,
  ...orphans,
  ...tasks,
  ...members,
  ...extraRuns,
  ...successes,
  ...limits,
  ...waiting,
  ...failing,
  ...retries,
];
