import { nearest } from '../common/nearest.js';

/** What the tasks of a group may do together, in the whole cluster. */
export interface GroupLimits {
  /** How many of their runs may go on at once. */
  concurrency?: number;
  /** How many of them may start within any stretch of `perMs`. */
  rate?: { limit: number; perMs: number };
}

/** The limits of a group by its name. */
export function limitsOf(limits: Readonly<Record<string, GroupLimits>>, group: string): GroupLimits | undefined {
  const name = Object.hasOwn(limits, group) ? group : limitsNameOf(Object.keys(limits), group);
  return name === undefined ? undefined : limits[name];
}

/** The one of these names that a group's limits stand under. One that ends in `*` stands for all that begin so, the longest first. */
export function limitsNameOf(names: readonly string[], group: string): string | undefined {
  if (names.includes(group)) return group;
  const wild = names.filter((name) => name.endsWith('*') && group.startsWith(name.slice(0, -1)));
  return wild.sort((a, b) => b.length - a.length)[0];
}

/** Why no task may name this group where limits stand under these names, or `undefined`. */
export function groupProblem(group: string, names: readonly string[], path: string): string | undefined {
  if (limitsNameOf(names, group) !== undefined) return undefined;
  const meant = nearest(group, names);
  const known = names.length > 0 ? `there are ${names.join(', ')}` : 'there is none';
  return `${path}: the module option groups has no ${JSON.stringify(group)}; ${meant ? `did you mean ${meant}?` : known}`;
}
