import { durationProblem, parseDuration } from '../../core/common/duration.js';
import { nearest } from '../../core/common/nearest.js';
import { show } from '../../core/common/show.js';

/** Everything that is wrong with a value, each problem with its path. Never called with `undefined`. */
export type Check = (value: unknown, path: string) => string[];

/** An object with these keys and no others; each may be left out. */
export function section(fields: Record<string, Check>): Check {
  const names = Object.keys(fields);
  return (value, path) => {
    if (!isObject(value))
      return [`${path || 'options'}: ${show(value)} is not an object; it may have ${names.join(', ')}`];
    return Object.entries(value).flatMap(([key, inner]) => {
      const at = path ? `${path}.${key}` : key;
      const check = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (!check) return [`${at}: unknown option; ${hint(key, names)}`];
      return inner === undefined ? [] : check(inner, at);
    });
  };
}

export const oneOf =
  (...values: readonly (string | boolean)[]): Check =>
  (value, path) =>
    values.includes(value as string) ? [] : [`${path}: ${show(value)} is none of ${values.map(show).join(', ')}`];

export const wholeNumber =
  (min: number, max = Infinity): Check =>
  (value, path) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? []
      : [
          `${path}: ${show(value)} is not a whole number ${max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`}`,
        ];

export const duration =
  (minMs: number): Check =>
  (value, path) => {
    const ms = parseDuration(value);
    if (ms === undefined) return [durationProblem(value, path)];
    return ms < minMs ? [`${path}: ${show(value)} is too short; give at least ${minMs} ms`] : [];
  };

/** A text that may stand in a key of the registry. */
export const segment: Check = (value, path) =>
  typeof value === 'string' && /^[\p{L}\p{N}_][\p{L}\p{N}_.:@-]{0,99}$/u.test(value)
    ? []
    : [`${path}: ${show(value)} must be 1 to 100 letters, digits and _ . : @ - and begin with a letter, digit or _`];

export const text: Check = (value, path) =>
  typeof value === 'string' && value !== '' ? [] : [`${path}: ${show(value)} is not a text`];

export const labels: Check = (value, path) =>
  isObject(value) && Object.values(value).every((one) => typeof one === 'string')
    ? []
    : [`${path}: ${show(value)} is not an object of texts, as { zone: 'eu' }`];

export const share: Check = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? []
    : [`${path}: ${show(value)} is not a number of at least 0`];

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function hint(given: string, names: readonly string[]): string {
  const meant = nearest(given, names);
  return meant === undefined ? `there are ${names.join(', ')}` : `did you mean ${meant}?`;
}
