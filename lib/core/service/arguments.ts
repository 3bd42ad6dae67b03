import { durationProblem, parseDuration } from '../common/duration.js';
import { DistributedScheduleError } from '../common/errors.js';
import { nearest } from '../common/nearest.js';
import { show } from '../common/show.js';

/** What is wrong with an argument, beginning with its path; `undefined` where nothing is. */
export type Check = (value: unknown, path: string) => string | undefined;

/** It is checked where it is used. */
export const anything: Check = () => undefined;

export const text: Check = (value, path) =>
  typeof value === 'string' ? undefined : `${path}: ${show(value)} is no text`;

export const flag: Check = (value, path) =>
  typeof value === 'boolean' ? undefined : `${path}: ${show(value)} is neither true nor false`;

export const duration: Check = (value, path) =>
  parseDuration(value) === undefined ? durationProblem(value, path) : undefined;

export const wholeNumber =
  (min: number): Check =>
  (value, path) =>
    Number.isSafeInteger(value) && (value as number) >= min
      ? undefined
      : `${path}: ${show(value)} is not a whole number of at least ${min}`;

export const share: Check = (value, path) =>
  Number.isFinite(value) && (value as number) >= 0
    ? undefined
    : `${path}: ${show(value)} is not a number of at least 0`;

export const oneOf =
  (...values: readonly string[]): Check =>
  (value, path) =>
    values.includes(value as string)
      ? undefined
      : `${path}: ${show(value)} is none of ${values.map((each) => `'${each}'`).join(', ')}`;

/** Every problem of the options of a call: what is none of `known`, with the nearest one, and what its check says. */
export function optionProblems(given: unknown, known: Readonly<Record<string, Check>>): string[] {
  const names = Object.keys(known);
  if (given === null || typeof given !== 'object')
    return [`${show(given)} is no object; give one with ${names.join(', ')}`];
  return Object.entries(given).flatMap(([key, value]) => {
    if (Object.hasOwn(known, key)) return (value === undefined ? undefined : known[key]!(value, key)) ?? [];
    const like = nearest(key, names);
    return `${key}: is not known; ${like ? `did you mean '${like}'?` : `there are ${names.join(', ')}`}`;
  });
}

/** @throws DistributedScheduleError `INVALID_OPTIONS` with every problem of the options of this call */
export function requireOptions(call: string, given: unknown, known: Readonly<Record<string, Check>>): void {
  refuse(optionProblems(given, known).map((problem) => `${call}: ${problem}`));
}

/** @throws DistributedScheduleError `INVALID_OPTIONS` where the argument does not pass its check */
export function requireArgument(path: string, value: unknown, check: Check): void {
  refuse([check(value, path) ?? []].flat());
}

/** @throws DistributedScheduleError `INVALID_OPTIONS` where it cannot be the name of a task */
export function requireName(name: unknown): void {
  requireArgument('name', name, (value, path) =>
    typeof value === 'string' ? undefined : `${path}: give the name of a task, as text; ${show(value)} is none`,
  );
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new DistributedScheduleError('INVALID_OPTIONS', problems.join('; '));
}
