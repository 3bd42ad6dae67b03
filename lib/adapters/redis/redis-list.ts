import type { Entry, Page } from '../../core/registry/registry.js';
import type { RedisConnection } from './redis-connection.js';
import { entryOf, pairsOf } from './redis-document.js';
import type { KeyGroup } from './redis-keys.js';

/** What one call may return at most; the script stops earlier at a megabyte. */
const LONGEST_PAGE = 1_000;

/**
 * One page, merged from the groups that may hold the prefix: one, except for the buckets of a Redis Cluster. What is
 * returned ends where the first group with more to come ended, so that no key is left out between two pages.
 */
export async function listPage(
  connection: RedisConnection,
  groups: readonly KeyGroup[],
  prefix: string,
  { limit = LONGEST_PAGE, after }: Page,
): Promise<{ entries: Entry[]; next?: string }> {
  const args = [
    prefix,
    after === undefined ? `[${prefix}` : `(${after}`,
    String(Math.min(limit, LONGEST_PAGE)),
  ] as const;
  const pages = await Promise.all(groups.map(async (group) => (await connection.run('list', group, args)) as string[]));
  const ends = pages.map(([end]) => end!).filter((end) => end !== '');
  const entries = pages.flatMap((page) => [...pairsOf(page, 1)].map(([key, document]) => entryOf(key, document)));
  if (groups.length === 1) return ends.length === 0 ? { entries } : { entries, next: ends[0]! };

  const byKey = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const end = ends.sort(byKey)[0];
  const merged = entries
    .sort((a, b) => byKey(a.key, b.key))
    .filter(({ key }) => end === undefined || byKey(key, end) <= 0);
  const page = merged.slice(0, limit);
  const next = merged.length > page.length ? page.at(-1)!.key : end;
  return next === undefined ? { entries: page } : { entries: page, next };
}
