import { BoundedCache } from '../common/bounded-cache.js';
import { nearest } from '../common/nearest.js';
import { ALIASES, LONGEST_EXPRESSION, parse, parseFields, tidyExpression } from './cron-fields.js';
import { nextWall } from './wall-clock.js';

const FIELDS = [
  { name: 'second', size: 60, allowed: '0-59' },
  { name: 'minute', size: 60, allowed: '0-59' },
  { name: 'hour', size: 24, allowed: '0-23' },
  { name: 'day of month', size: 31, allowed: '1-31 or L (the last day)' },
  { name: 'month', size: 12, allowed: '1-12 or jan-dec' },
  {
    name: 'day of week',
    size: 7,
    allowed: '0-7 or sun-sat (0 and 7 are Sunday), 5L (the last Friday), 1#2 (the second Monday)',
  },
] as const;

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
    const index = i + FIELDS.length - given.length;
    return judgedFields.get(`${index} ${text}`, () => fieldProblem(text, index));
  });
  return problems.length > 0 ? problems.map((problem) => `${shown(tidy)}: ${problem}`) : wholeProblem(tidy);
}

function aliasProblems(alias: string): string[] {
  if (ALIASES.includes(alias)) return [];
  const like = nearest(alias, ALIASES);
  return [`${shown(alias)} is not known${like ? `; did you mean '${like}'?` : ''} Known are ${ALIASES.join(' ')}`];
}

function fieldProblem(text: string, index: number): string[] {
  const { name, size, allowed } = FIELDS[index]!;
  const say = (reason: string): string[] => [
    `${name} ${shown(text)} ${reason}; allowed are ${allowed}, and * 1,2 1-5 */2 1-9/2 of them`,
  ];
  if (/h/i.test(text.replace(/mar|thu/gi, ''))) return say('has an H, which is a random value');
  if (/\dW|W\d|LW|^W$/i.test(text)) return say('has a W (nearest working day), which is not supported');
  for (const [, step] of text.matchAll(/\/(\d+)/g)) {
    if (Number(step) === 0 || Number(step) >= size + 1) {
      return say(
        `has a step of ${step}, the field has ${size} values${Number(step) > size ? '; for longer cycles use { every: … }' : ''}`,
      );
    }
  }
  try {
    parse(FIELDS.map((_, i) => (i === index ? text : '*')).join(' '));
    return [];
  } catch (error) {
    const { message } = error as Error;
    return say(message.startsWith('Constraint error') ? 'is out of range' : `is not valid (${message})`);
  }
}

/** Fields that are right each by itself may still name a date that never comes. */
function wholeProblem(tidy: string): string[] {
  const never = [`${shown(tidy)} never fires: none of its months has such a day`];
  try {
    return nextWall(parseFields(tidy), 0) === undefined ? never : [];
  } catch {
    return never;
  }
}
