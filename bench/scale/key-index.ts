import type { MemoryStore } from '../../lib/adapters/memory/memory-store.js';
import type { Entry, Page } from '../../lib/core/registry/registry.js';

interface Listed {
  readonly keys: readonly string[];
  readonly present: ReadonlySet<string>;
}

/**
 * Pages of a `MemoryStore` at the price of the page. The store itself sorts all its keys for each, which a real one does
 * not: with a hundred thousand tasks the simulation would measure little else.
 */
export class KeyIndex {
  private readonly listed = new Map<string, Listed>();

  constructor(private readonly store: MemoryStore) {
    store.watch('', (change) => {
      if (change.type === 'resync') return this.listed.clear();
      const key = change.type === 'put' ? change.entry.key : change.key;
      for (const [prefix, { present }] of this.listed) {
        if (key.startsWith(prefix) && present.has(key) !== (change.type === 'put')) this.listed.delete(prefix);
      }
    });
  }

  page(prefix: string, { limit = Infinity, after = '' }: Page): { entries: Entry[]; next?: string } {
    const { keys } = this.under(prefix);
    const from = firstAfter(keys, after);
    const page = keys.slice(from, from + limit);
    const entries = page.map((key) => this.store.get(key)!);
    return from + page.length < keys.length ? { entries, next: page.at(-1)! } : { entries };
  }

  private under(prefix: string): Listed {
    let listed = this.listed.get(prefix);
    if (!listed) {
      const keys = this.store.list(prefix, {}).entries.map(({ key }) => key);
      listed = { keys, present: new Set(keys) };
      this.listed.set(prefix, listed);
    }
    return listed;
  }
}

/** In sorted keys. */
function firstAfter(keys: readonly string[], after: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
