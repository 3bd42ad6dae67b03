import { CronExpressionParser, type CronExpression } from 'cron-parser';
import { BoundedCache } from '../../common/bounded-cache.js';
import { DistributedScheduleError } from '../../common/errors.js';

/** A cron expression as sets of numbers: what `cron-parser` understood, ready for evaluation. */
export interface CronFields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  /** Bit d - 1 for day d of any month. */
  readonly days: number;
  readonly lastDay: boolean;
  /** With `15W`: 15, for the day from Monday to Friday that is nearest to it within the month. */
  readonly nearWorkdays: readonly number[];
  /** With `LW`: the last day from Monday to Friday. */
  readonly lastWorkday: boolean;
  /** 0 is Sunday. */
  readonly weekdays: readonly number[];
  /** With `5#2`: 2. Otherwise 0. */
  readonly nth: number;
  /** With `5L`: 5. */
  readonly lastWeekdays: readonly number[];
  /** Which of the two kinds of days count. Both: a day matches when either does. */
  readonly by: 'day' | 'weekday' | 'either';
}

export const LONGEST_EXPRESSION = 256;

/** The six fields in the order in which they are written. */
export const CRON_FIELDS = [
  { name: 'second', min: 0, max: 59, allowed: '0-59' },
  { name: 'minute', min: 0, max: 59, allowed: '0-59' },
  { name: 'hour', min: 0, max: 23, allowed: '0-23' },
  {
    name: 'day of month',
    min: 1,
    max: 31,
    allowed: '1-31, L (the last day), 15W (the working day nearest to the 15th), LW (the last working day)',
  },
  { name: 'month', min: 1, max: 12, allowed: '1-12 or jan-dec' },
  {
    name: 'day of week',
    min: 0,
    max: 6,
    allowed: '0-7 or sun-sat (0 and 7 are Sunday), 5L (the last Friday), 1#2 (the second Monday)',
  },
] as const;

export const DAY_OF_MONTH = 3;
export const MONTH = 4;
export const DAY_OF_WEEK = 5;

/** `@daily` and its like, as `cron-parser` has them. */
export const ALIASES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@hourly': '0 * * * *',
  '@minutely': '* * * * *',
  '@secondly': '* * * * * *',
  '@weekdays': '0 0 * * 1-5',
  '@weekends': '0 0 * * 0,6',
};

/** One spelling per expression: single spaces, `@DAILY` in lower case. */
export function tidyExpression(expression: string): string {
  const tidy = expression.trim().replace(/\s+/g, ' ');
  return tidy.startsWith('@') ? tidy.toLowerCase() : tidy;
}

/** The six fields of a tidy expression as text, an alias written out, the second 0 where none is given. */
export function fieldTexts(tidy: string): string[] {
  const given = (Object.hasOwn(ALIASES, tidy) ? ALIASES[tidy]! : tidy).split(' ');
  return given.length === 5 ? ['0', ...given] : given;
}

/** Whether an expression has an `H` that waits for a number. */
export function hasHash(expression: string): boolean {
  return /H/.test(expression.replace(/thu/gi, '')) && !expression.trimStart().startsWith('@');
}

/** The items of a list of days of the month that ask for the nearest working day, and the others. */
export function splitWorkdays(days: string): { near: string[]; others: string[] } {
  const items = days.split(',');
  return { near: items.filter((item) => item.includes('W')), others: items.filter((item) => !item.includes('W')) };
}

/** The parser is slow, and an expression is asked for when it is judged, compiled and worded. */
const parsedFields = new BoundedCache<CronFields>(2_000);

/**
 * @throws Error of `cron-parser` where the expression is not valid; ask `cronProblems` first
 * @throws DistributedScheduleError `INVALID_SCHEDULE` where it has an `H`
 */
export function parseFields(expression: string): CronFields {
  return parsedFields.get(expression, () => fieldsOf(expression));
}

function fieldsOf(expression: string): CronFields {
  if (hasHash(expression)) {
    throw new DistributedScheduleError(
      'INVALID_SCHEDULE',
      `cron: ${JSON.stringify(expression)} has an H, which stands for a number that follows from a task's name; give it that number first`,
    );
  }
  const texts = fieldTexts(expression);
  const { near, others } = splitWorkdays(texts[DAY_OF_MONTH] ?? '');
  // The parser knows no W. Days beside one are parsed apart, where no month of the expression can turn them down.
  const hasNear = near.length > 0;
  const { fields } = parse((hasNear ? texts.with(DAY_OF_MONTH, '*') : texts).join(' '));
  const { second, minute, hour, month, dayOfWeek } = fields;
  const beside = (): string => `* * ${others.join(',')} * *`;
  const dayOfMonth = !hasNear ? fields.dayOfMonth : others.length > 0 ? parse(beside()).fields.dayOfMonth : undefined;
  const weekdays = dayOfWeek.values.map((value) => Number.parseInt(String(value), 10) % 7);
  return {
    seconds: numbers(second.values),
    minutes: numbers(minute.values),
    hours: numbers(hour.values),
    months: numbers(month.values),
    days: numbers(dayOfMonth?.values ?? []).reduce((mask, day) => mask | (1 << (day - 1)), 0),
    lastDay: dayOfMonth?.hasLastChar ?? false,
    nearWorkdays: near.filter((item) => item !== 'LW').map((item) => Number.parseInt(item, 10)),
    lastWorkday: near.includes('LW'),
    weekdays: [...new Set(numbers(dayOfWeek.values).map((day) => day % 7))], // 7 is Sunday too
    nth: dayOfWeek.nthDay,
    lastWeekdays: dayOfWeek.hasLastChar ? weekdays : [],
    by: dayOfWeek.isWildcard ? 'day' : !hasNear && dayOfMonth?.isWildcard ? 'weekday' : 'either',
  };
}

function numbers(values: readonly (number | string)[]): number[] {
  return values.filter((value) => typeof value === 'number');
}

/** The parser, kept off the real clock and off chance. A step of 1 is dropped: the parser would take it for a list of days. */
export function parse(expression: string): CronExpression {
  const plain = expression.replace(/(^| )([*?])\/0*1(?= |$)/g, '$1$2');
  return CronExpressionParser.parse(plain, { tz: 'UTC', currentDate: new Date(0), hashSeed: 'none' });
}
