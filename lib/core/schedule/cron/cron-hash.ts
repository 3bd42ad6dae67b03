import { hash32 } from '../../common/hash.js';
import { CRON_FIELDS, DAY_OF_MONTH, DAY_OF_WEEK, hasHash, MONTH, parse, tidyExpression } from './cron-fields.js';

export { hasHash };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const HASH = /^H(?:\((\w+)-(\w+)\))?(?:\/(\d+))?$/;

/** `L`, `15W`, `LW`, `5L` and `1#2`, but neither `WED` nor `JUL`. */
const NO_NUMBER = /^(\d?L|\d+W|LW|.*#.*)$/;

/** A list of more numbers than this is written as ranges. */
const LONGEST_LIST = 6;

/** What one `H` may become: one of `count` sets of numbers, each as likely as the others. */
interface Choice {
  readonly count: number;
  readonly numbersOf: (which: number) => number[];
}

/**
 * Every `H` as plain numbers, so that tasks with one expression are spread over its range. The numbers follow from the
 * seed alone: the same on every node, in every version, and in each field apart from the others.
 *
 * | form | becomes |
 * |---|---|
 * | `H` | one number of the field; of the days of a month one from 1 to 28, so that every month has it |
 * | `H(9-17)` | one number of the range |
 * | `H/15` | every 15th, from a number below 15 on |
 * | `H(0-29)/10` | every 10th of the range |
 *
 * @param expression without problems; without an `H` it is returned as it is
 * @param seed the task's name
 * @example resolveHashes('H H * * *', 'billing') // '51 1 * * *'
 */
export function resolveHashes(expression: string, seed: string): string {
  return replaceHashes(expression, ({ count }, item, index) => {
    return Math.floor((hash32(`${index} ${item} ${seed}`) / 2 ** 32) * count);
  });
}

/** The same for the unluckiest of names: the choices that leave the fewest dates, late days and short months. */
export function resolveWorst(expression: string): string {
  return replaceHashes(expression, ({ count, numbersOf }, _item, index) => {
    if (index !== DAY_OF_MONTH && index !== MONTH) return 0;
    const dates = Array.from({ length: count }, (_, which) =>
      index === DAY_OF_MONTH ? -Math.min(...numbersOf(which)) : Math.max(...numbersOf(which).map(daysIn)),
    );
    return dates.indexOf(Math.min(...dates));
  });
}

/** In a leap year. */
function daysIn(month: number): number {
  return new Date(Date.UTC(2032, month, 0)).getUTCDate();
}

type Choose = (choice: Choice, item: number, index: number) => number;

function replaceHashes(expression: string, choose: Choose): string {
  if (!hasHash(expression)) return expression;
  const tidy = tidyExpression(expression);
  const texts = tidy.split(' ');
  const first = CRON_FIELDS.length - texts.length;
  return texts
    .map((text, i) => resolveField(text, first + i, (choice, item) => choose(choice, item, first + i)))
    .join(' ');
}

/** One field: the numbers of all its items in order, then what is no number, as `L`. */
export function resolveField(text: string, index: number, choose: (choice: Choice, item: number) => number): string {
  if (!hasHash(text)) return text;
  const numbers = new Set<number>();
  const words: string[] = [];
  text.split(',').forEach((item, i) => {
    const choice = choiceOf(item, index);
    if (choice) choice.numbersOf(choose(choice, i)).forEach((number) => numbers.add(number));
    else if (NO_NUMBER.test(item)) words.push(item);
    else valuesOf(item, index).forEach((number) => numbers.add(number));
  });
  return [...compact([...numbers].sort((a, b) => a - b)), ...words].join(',');
}

/** What is wrong with an item that has an `H`, or `undefined`. */
export function hashProblem(item: string, index: number): string | undefined {
  const match = HASH.exec(item);
  if (!match) return 'is no form of H; there are H, H(1-5), H/2 and H(1-5)/2';
  const [from, to] = rangeOf(match, index);
  const { min } = CRON_FIELDS[index]!;
  const max = index === DAY_OF_WEEK ? 7 : CRON_FIELDS[index]!.max;
  if (!(from >= min && to <= max)) return 'has a range of values the field does not have';
  if (from > to) return 'has a range that ends before it begins';
  const step = match[3] === undefined ? undefined : Number(match[3]);
  if (step === undefined || (step > 1 && step <= to - from + 1)) return undefined;
  return step > 1
    ? `has a step of ${step}, its range has ${to - from + 1} values`
    : `has a step of ${step}; write * for every value, or H for one`;
}

function choiceOf(item: string, index: number): Choice | undefined {
  const match = HASH.exec(item);
  if (!match) return undefined;
  const [from, to] = rangeOf(match, index);
  const size = to - from + 1;
  const step = match[3] === undefined ? size : Number(match[3]);
  const inField = (number: number): number => (index === DAY_OF_WEEK ? number % 7 : number);
  return {
    count: step,
    numbersOf: (which) => {
      const length = Math.floor((size - 1 - which) / step) + 1;
      return Array.from({ length }, (_, i) => inField(from + which + i * step));
    },
  };
}

function rangeOf([, from, to]: RegExpExecArray, index: number): [from: number, to: number] {
  const { min, max } = CRON_FIELDS[index]!;
  if (from === undefined || to === undefined) return [min, index === DAY_OF_MONTH ? 28 : max];
  return [numberOf(from, index), numberOf(to, index)];
}

function numberOf(text: string, index: number): number {
  const names = index === DAY_OF_WEEK ? WEEKDAYS : index === MONTH ? MONTHS : [];
  const named = names.indexOf(text.toLowerCase());
  return named < 0 ? Number(/^\d+$/.test(text) ? text : Number.NaN) : named + CRON_FIELDS[index]!.min;
}

function valuesOf(item: string, index: number): number[] {
  const { second, minute, hour, dayOfMonth, month, dayOfWeek } = parse(
    CRON_FIELDS.map((_, i) => (i === index ? item : '*')).join(' '),
  ).fields;
  const { values } = [second, minute, hour, dayOfMonth, month, dayOfWeek][index]!;
  return values.map((value) => Number(value) % (index === DAY_OF_WEEK ? 7 : 100));
}

/** Ascending numbers as items of a list: many of them as ranges of even steps, so that the expression stays short. */
function compact(numbers: readonly number[]): string[] {
  if (numbers.length <= LONGEST_LIST) return numbers.map(String);
  const items: string[] = [];
  for (let i = 0; i < numbers.length;) {
    const from = numbers[i]!;
    const step = (numbers[i + 1] ?? Number.NaN) - from;
    let end = i;
    while (numbers[end + 1]! - numbers[end]! === step) end++;
    if (end - i < 2) end = i;
    const to = numbers[end]!;
    items.push(end === i ? `${from}` : `${from}-${to}${step === 1 ? '' : `/${step}`}`);
    i = end + 1;
  }
  return items;
}
