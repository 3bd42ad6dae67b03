import { CronExpressionParser, type CronExpression } from 'cron-parser';

/** A cron expression as sets of numbers: what `cron-parser` understood, ready for evaluation. */
export interface CronFields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  /** Bit d - 1 for day d of any month. */
  readonly days: number;
  readonly lastDay: boolean;
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

/** `@daily` and its like, as `cron-parser` has them. */
export const ALIASES = [
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@hourly',
  '@minutely',
  '@secondly',
  '@weekdays',
  '@weekends',
];

/** One spelling per expression: single spaces, `@DAILY` in lower case. */
export function tidyExpression(expression: string): string {
  const tidy = expression.trim().replace(/\s+/g, ' ');
  return tidy.startsWith('@') ? tidy.toLowerCase() : tidy;
}

/** @throws Error of `cron-parser` where the expression is not valid; ask `cronProblems` first */
export function parseFields(expression: string): CronFields {
  const { second, minute, hour, dayOfMonth, month, dayOfWeek } = parse(expression).fields;
  const numbers = (values: readonly (number | string)[]): number[] =>
    values.filter((value) => typeof value === 'number');
  const weekdays = dayOfWeek.values.map((value) => Number.parseInt(String(value), 10) % 7);
  return {
    seconds: numbers(second.values),
    minutes: numbers(minute.values),
    hours: numbers(hour.values),
    months: numbers(month.values),
    days: numbers(dayOfMonth.values).reduce((mask, day) => mask | (1 << (day - 1)), 0),
    lastDay: dayOfMonth.hasLastChar,
    weekdays: numbers(dayOfWeek.values).map((day) => day % 7),
    nth: dayOfWeek.nthDay,
    lastWeekdays: dayOfWeek.hasLastChar ? weekdays : [],
    by: dayOfWeek.isWildcard ? 'day' : dayOfMonth.isWildcard ? 'weekday' : 'either',
  };
}

/** The parser, kept off the real clock and off chance. A step of 1 is dropped: the parser would take it for a list of days. */
export function parse(expression: string): CronExpression {
  const plain = expression.replace(/(^| )([*?])\/0*1(?= |$)/g, '$1$2');
  return CronExpressionParser.parse(plain, { tz: 'UTC', currentDate: new Date(0), hashSeed: 'none' });
}
