/** What the tasks of a group may do together, in the whole cluster. */
export interface GroupLimits {
  /** How many of their runs may go on at once. */
  concurrency?: number;
  /** How many of them may start within any stretch of `perMs`. */
  rate?: { limit: number; perMs: number };
}

/** The limits of a group by its name; a name that ends in `*` stands for all that begin so, the longest first. */
export function limitsOf(limits: Readonly<Record<string, GroupLimits>>, group: string): GroupLimits | undefined {
  if (Object.hasOwn(limits, group)) return limits[group];
  const wild = Object.keys(limits).filter((name) => name.endsWith('*') && group.startsWith(name.slice(0, -1)));
  const closest = wild.sort((a, b) => b.length - a.length)[0];
  return closest === undefined ? undefined : limits[closest];
}
