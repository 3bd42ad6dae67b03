import { nearest } from '../common/nearest.js';

/** `'02:00'` or `'02:00:30'`, from 00:00 to 23:59:59. */
export type TimeOfDay = string;

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
const NTH = ['first', 'second', 'third', 'fourth', 'fifth'] as const;

type LongWeekday = (typeof WEEKDAYS)[number];
export type Weekday = LongWeekday | 'sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat';

/** A day of the month: its number, the last one, or a weekday in it, as `'second tuesday'` or `'last fri'`. */
export type MonthDay = number | 'last' | `${(typeof NTH)[number] | 'last'} ${Weekday}`;

type OneOrMore<T> = T | readonly T[];

/** Every day, at one time or several. */
export interface DailyTimes {
  daily: OneOrMore<TimeOfDay>;
}

/** On days of the week. */
export interface WeeklyTimes {
  weekly: { on: OneOrMore<Weekday>; at: OneOrMore<TimeOfDay> };
}

/** On days of the month. A month without such a day is left out. */
export interface MonthlyTimes {
  monthly: { day: OneOrMore<MonthDay>; at: OneOrMore<TimeOfDay> };
}

export type LocalTimes = { cron: string } | DailyTimes | WeeklyTimes | MonthlyTimes;

const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
const listOf = <T>(value: OneOrMore<T>): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

/** 0 is Sunday. `undefined` where the text is no day of the week, in full or by its first three letters. */
export function weekdayNumber(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const lower = text.toLowerCase();
  const found = WEEKDAYS.findIndex((day) => day === lower || day.slice(0, 3) === lower);
  return found < 0 ? undefined : found;
}

/** The cron expressions that say the same: one per time of day, and per day of the month where those differ in kind. */
export function expressionsOf(times: LocalTimes): string[] {
  if ('cron' in times) return [times.cron];
  if ('daily' in times) return expressions(times.daily, ['* * *']);
  if ('weekly' in times) {
    const days = listOf(times.weekly.on).map((day) => weekdayNumber(day)!);
    return expressions(times.weekly.at, [`* * ${[...new Set(days)].sort((a, b) => a - b).join(',')}`]);
  }
  const days = listOf(times.monthly.day);
  const plain = days.filter((day) => dayKind(day) === 'day').map((day) => (day === 'last' ? 'L' : String(day)));
  const weekdays = days.filter((day) => dayKind(day) === 'weekday').map((day) => `* * ${nthWeekday(String(day))!}`);
  return expressions(times.monthly.at, [
    ...(plain.length > 0 ? [`${[...new Set(plain)].join(',')} * *`] : []),
    ...weekdays,
  ]);
}

/** The same in one spelling: lists in order, days in full. */
export function tidyTimes<T extends DailyTimes | WeeklyTimes | MonthlyTimes>(
  times: T,
): DailyTimes | WeeklyTimes | MonthlyTimes {
  const inOrder = (at: OneOrMore<TimeOfDay>): TimeOfDay[] =>
    [...new Set(listOf(at).map((time) => time.replace(/^(\d\d:\d\d):00$/, '$1')))].sort();
  if ('daily' in times) return { daily: inOrder(times.daily) };
  if ('weekly' in times) {
    const days = [...new Set(listOf(times.weekly.on).map((day) => weekdayNumber(day)!))].sort((a, b) => a - b);
    return { weekly: { on: days.map((day) => WEEKDAYS[day]!), at: inOrder(times.weekly.at) } };
  }
  const { day, at } = times.monthly;
  const days = listOf(day).map((one) => (typeof one === 'number' ? one : fullDay(one)));
  const rank = (one: MonthDay): number => (typeof one === 'number' ? one : one === 'last' ? 32 : 33);
  const sorted = [...new Set(days)].sort((a, b) => rank(a) - rank(b) || String(a).localeCompare(String(b), 'en'));
  return { monthly: { day: sorted, at: inOrder(at) } };
}

function fullDay(text: string): MonthDay {
  const [which, name] = text.toLowerCase().split(' ');
  return (name === undefined ? which : `${which} ${WEEKDAYS[weekdayNumber(name)!]}`) as MonthDay;
}

/** For people: `daily at 02:00 and 14:30`. */
export function timesText(times: DailyTimes | WeeklyTimes | MonthlyTimes): string {
  if ('daily' in times) return `daily at ${andText(times.daily)}`;
  if ('weekly' in times) return `weekly on ${andText(times.weekly.on)} at ${andText(times.weekly.at)}`;
  const days = listOf(times.monthly.day).map((day) =>
    typeof day === 'number' ? `day ${day}` : `the ${day}${day === 'last' ? ' day' : ''}`,
  );
  return `monthly on ${andText(days)} at ${andText(times.monthly.at)}`;
}

function andText(items: OneOrMore<string>): string {
  const all = listOf(items);
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}

function expressions(at: OneOrMore<TimeOfDay>, days: readonly string[]): string[] {
  return listOf(at).flatMap((time) => {
    const [, hour, minute, second] = TIME.exec(time)!;
    const clock = `${second === undefined ? '' : `${Number(second)} `}${Number(minute)} ${Number(hour)}`;
    return days.map((day) => `${clock} ${day}`);
  });
}

/** `'2#2'` for `'second tuesday'`, `'5L'` for `'last friday'`. */
function nthWeekday(text: string): string | undefined {
  const [which = '', name, ...rest] = text.toLowerCase().split(' ');
  const weekday = weekdayNumber(name);
  if (weekday === undefined || rest.length > 0) return undefined;
  if (which === 'last') return `${weekday}L`;
  const nth = (NTH as readonly string[]).indexOf(which);
  return nth < 0 ? undefined : `${weekday}#${nth + 1}`;
}

function dayKind(day: unknown): 'day' | 'weekday' | undefined {
  if (day === 'last' || (Number.isInteger(day) && (day as number) >= 1 && (day as number) <= 31)) return 'day';
  return typeof day === 'string' && nthWeekday(day) !== undefined ? 'weekday' : undefined;
}

/** Everything that is wrong with the value of `daily`, `weekly` or `monthly`, each with its path. Takes any value. */
export const localTimesProblems: Record<'daily' | 'weekly' | 'monthly', (value: unknown, path: string) => string[]> = {
  daily: (value, path) => timeProblems(value, path),
  weekly: (value, path) =>
    partsProblems(value, path, "{ on: ['mon', 'thu'], at: '09:00' }", {
      on: (on, at) =>
        listProblems(on, at, (day) => weekdayNumber(day) !== undefined, "a day of the week; give 'monday' or 'mon'"),
      at: timeProblems,
    }),
  monthly: (value, path) =>
    partsProblems(value, path, "{ day: 1, at: '09:00' }", {
      day: (day, at) =>
        listProblems(
          day,
          at,
          (one) => dayKind(one) !== undefined,
          "a day of the month; give 1 to 31, 'last', 'second tuesday' or 'last friday'",
        ),
      at: timeProblems,
    }),
};

function timeProblems(value: unknown, path: string): string[] {
  const isTime = (time: unknown): boolean => typeof time === 'string' && TIME.test(time);
  return listProblems(value, path, isTime, "a time of day; give 'HH:MM' or 'HH:MM:SS', from '00:00' to '23:59:59'");
}

function listProblems(value: unknown, path: string, isRight: (one: unknown) => boolean, wanted: string): string[] {
  const all = listOf(value);
  if (all.length === 0) return [`${path}: the list is empty; give at least one`];
  return all
    .filter((one) => !isRight(one))
    .map((one) => `${path}: ${JSON.stringify(one) ?? String(one)} is not ${wanted}`);
}

function partsProblems(
  value: unknown,
  path: string,
  example: string,
  parts: Record<string, (value: unknown, path: string) => string[]>,
): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [`${path}: ${JSON.stringify(value) ?? String(value)} is not complete; give an object, as ${example}`];
  const names = Object.keys(parts);
  const unknown = Object.keys(value).filter((key) => !names.includes(key));
  const problems = unknown.map((key) => {
    const like = nearest(key, names);
    return `${path}.${key}: is not known${like ? `; did you mean '${like}'?` : `; there are ${names.join(' and ')}`}`;
  });
  const given = value as Record<string, unknown>;
  const missing = names
    .filter((name) => given[name] === undefined)
    .map((name) => `${path}.${name}: is missing; give an object, as ${example}`);
  return [
    ...problems,
    ...missing,
    ...names.flatMap((name) => (given[name] === undefined ? [] : parts[name]!(given[name], `${path}.${name}`))),
  ];
}
