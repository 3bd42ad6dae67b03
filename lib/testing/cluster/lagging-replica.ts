import type { MemoryStore } from '../../adapters/memory/memory-store.js';
import type { Entry, Page, Registry } from '../../core/registry/registry.js';

interface Version {
  at: number;
  entry: Entry | undefined;
}

/** The longest look back. */
const KEPT_MS = 60_000;

/** What a store held a while ago: a member that lags behind, as reads that need not be fresh may meet. */
export class LaggingReplica {
  private readonly past = new Map<string, Version[]>();
  private readonly since: number;

  /** Remembers from now on. */
  constructor(private readonly store: MemoryStore) {
    this.since = this.now();
    for (const entry of store.list('', {}).entries) this.past.set(entry.key, [{ at: this.since, entry }]);
    store.watch('', (change) => {
      if (change.type === 'resync') this.lose();
      else if (change.type === 'put') this.add(change.entry.key, change.entry);
      else this.add(change.key, undefined);
    });
  }

  /** A reader of the store as it was so long ago. */
  asOf(ageMs: number): Pick<Registry, 'get' | 'list'> {
    const at = Math.max(this.since, this.now() - ageMs);
    return {
      get: async (key) => this.entryAt(key, at),
      list: async (prefix, page: Page = {}) => {
        const { limit = Infinity, after = '' } = page;
        const keys = [...this.past.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
        const entries = keys.map((key) => this.entryAt(key, at)).filter((entry) => entry !== undefined);
        const shown = entries.slice(0, limit);
        return entries.length > limit ? { entries: shown, next: shown.at(-1)!.key } : { entries: shown };
      },
    };
  }

  private entryAt(key: string, at: number): Entry | undefined {
    return this.past.get(key)?.findLast((version) => version.at <= at)?.entry;
  }

  private add(key: string, entry: Entry | undefined): void {
    const versions = this.past.get(key) ?? [];
    const old = versions.findLastIndex(({ at }) => at < this.now() - KEPT_MS);
    if (old > 0) versions.splice(0, old);
    versions.push({ at: this.now(), entry });
    this.past.set(key, versions);
  }

  /** The store has lost data, and its members with it. */
  private lose(): void {
    this.past.clear();
    for (const entry of this.store.list('', {}).entries) this.add(entry.key, entry);
  }

  private now(): number {
    return this.store.clock.monotonic();
  }
}
