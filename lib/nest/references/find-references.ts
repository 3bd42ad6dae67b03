import { isReference, type Reference } from './reference.js';

/** Keys from the outside in. */
export type Path = readonly string[];

/** Every reference in the value: in plain objects and lists, not inside of what has a class of its own. */
export function findReferences(value: unknown): { path: Path; found: Reference }[] {
  return find(value, [], isReference);
}

/** The texts in a value that stands at the path: what comes from the environment may mean a number. */
export function findTexts(value: unknown, path: Path): { path: Path; found: string }[] {
  return find(value, path, (one) => typeof one === 'string');
}

function find<F>(
  value: unknown,
  path: Path,
  isWanted: (value: unknown) => value is F,
  around: readonly unknown[] = [],
): { path: Path; found: F }[] {
  if (isWanted(value)) return [{ path, found: value }];
  if (!isPlain(value) || around.includes(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => find(inner, [...path, key], isWanted, [...around, value]));
}

/** A copy in which another value stands at the path; all beside it is the same. */
export function withValue<T>(into: T, [key, ...rest]: Path, value: unknown): T {
  if (key === undefined) return value as T;
  const copy = (Array.isArray(into) ? [...(into as unknown[])] : { ...into }) as Record<string, unknown>;
  copy[key] = withValue(copy[key], rest, value);
  return copy as T;
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}

function isPlain(value: unknown): value is object {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || prototype === Object.prototype;
}
