import { BoundedCache } from '../../common/bounded-cache.js';
import { nearest } from '../../common/nearest.js';
import {
  ALIASES,
  CRON_FIELDS,
  DAY_OF_MONTH,
  hasHash,
  LONGEST_EXPRESSION,
  parse,
  parseFields,
  splitWorkdays,
  tidyExpression,
} from './cron-fields.js';
import { hashProblem, resolveField, resolveWorst } from './cron-hash.js';
import { nextWall } from './wall-clock.js';

const shown = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** Everything that is wrong with a cron expression, one sentence each: what was given, which field, what is allowed. */
export function cronProblems(expression: unknown): string[] {
  if (typeof expression !== 'string')
    return [`${JSON.stringify(expression)} is not a cron expression; give text with 5 or 6 fields`];
  if (expression.length > LONGEST_EXPRESSION) {
    return [
      `${shown(expression)} has ${expression.length} characters, a cron expression has at most ${LONGEST_EXPRESSION}`,
    ];
  }
  return judged.get(expression, () => problemsOf(tidyExpression(expression)));
}

/** Ten thousand tasks have a handful of expressions, or thousands that are made of a handful of fields: each is judged once. */
const judged = new BoundedCache<string[]>(20_000);
const judgedFields = new BoundedCache<string[]>(2_000);

function problemsOf(tidy: string): string[] {
  if (tidy.startsWith('@')) return aliasProblems(tidy);
  const given = tidy === '' ? [] : tidy.split(' ');
  if (given.length !== 5 && given.length !== 6) {
    return [
      `${shown(tidy)} has ${given.length} field${given.length === 1 ? '' : 's'}, expected 5 (minute hour day month weekday) or 6 (second first)`,
    ];
  }
  const problems = given.flatMap((text, i) => {
    const index = i + CRON_FIELDS.length - given.length;
    return judgedFields.get(`${index} ${text}`, () => fieldProblem(text, index));
  });
  return problems.length > 0 ? problems.map((problem) => `${shown(tidy)}: ${problem}`) : wholeProblem(tidy);
}

function aliasProblems(alias: string): string[] {
  if (Object.hasOwn(ALIASES, alias)) return [];
  const known = Object.keys(ALIASES);
  const like = nearest(alias, known);
  return [`${shown(alias)} is not known${like ? `; did you mean '${like}'?` : ''} Known are ${known.join(' ')}`];
}

function fieldProblem(text: string, index: number): string[] {
  const { name, min, max, allowed } = CRON_FIELDS[index]!;
  const size = max - min + 1;
  const say = (reason: string): string[] => [
    `${name} ${shown(text)} ${reason}; allowed are ${allowed}, * 1,2 1-5 */2 1-9/2 of them, and H for a number by the task's name`,
  ];
  const wrong = itemProblem(text, index);
  if (wrong) return say(wrong);
  for (const [, step] of text.replace(/H(\([^)]*\))?\/\d+/g, '').matchAll(/\/(\d+)/g)) {
    if (Number(step) === 0 || Number(step) > size) {
      return say(
        `has a step of ${step}, the field has ${size} values${Number(step) > size ? '; for longer cycles use { every: … }' : ''}`,
      );
    }
  }
  const { others } = index === DAY_OF_MONTH ? splitWorkdays(text) : { others: [text] };
  if (others.length === 0) return [];
  try {
    const rest = resolveField(others.join(','), index, () => 0);
    parse(CRON_FIELDS.map((_, i) => (i === index ? rest : '*')).join(' '));
    return [];
  } catch (error) {
    const { message } = error as Error;
    return say(message.startsWith('Constraint error') ? 'is out of range' : `is not valid (${message})`);
  }
}

/** What is wrong with an item that has an `H` or a `W`, which the parser does not judge. */
function itemProblem(text: string, index: number): string | undefined {
  const items = text.split(',');
  if (items.includes('')) return 'has a comma with nothing beside it';
  for (const item of items.filter(hasHash)) {
    const problem = hashProblem(item, index);
    if (problem) return problem;
  }
  if (items.some((item) => /^h\b/.test(item))) return 'has an h; write H in upper case';
  const near = items.filter((item) => /w/i.test(item.replace(/wed/gi, '')));
  const wrong = near.find((item) => index !== DAY_OF_MONTH || !/^(0?[1-9]|[12]\d|3[01]|L)W$/.test(item));
  if (wrong !== undefined) return `has a W in ${shown(wrong)}, which goes with one day of the month: 15W or LW`;
  return new Set(near).size < near.length ? 'names a W twice' : undefined;
}

/** Fields that are right each by itself may still name a date that never comes. */
function wholeProblem(tidy: string): string[] {
  const never = [
    hasHash(tidy)
      ? `${shown(tidy)} may never fire: H may name months that have no such day`
      : `${shown(tidy)} never fires: none of its months has such a day`,
  ];
  try {
    return nextWall(parseFields(resolveWorst(tidy)), 0) === undefined ? never : [];
  } catch {
    return never;
  }
}
