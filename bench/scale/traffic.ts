import type { MemoryStore } from '../../lib/adapters/memory/memory-store.js';
import type { Change, Entry, Page, Registry, WriteResult } from '../../lib/core/registry/registry.js';
import { KeyIndex } from './key-index.js';

/** What nodes ask of their registry, and what it tells them. */
export interface Counts {
  /** Calls of the port, of whatever kind. */
  calls: number;
  /** … those of them that a node makes at each heartbeat: it renews, and asks for the time. */
  beats: number;
  gets: number;
  commits: number;
  writes: number;
  /** Documents in the answers to lists. */
  listed: number;
  /** Changes told to watchers, each as often as there are watchers. */
  told: number;
  /** Of documents, in either direction. */
  bytes: number;
}

export const NO_TRAFFIC: Counts = { calls: 0, beats: 0, gets: 0, commits: 0, writes: 0, listed: 0, told: 0, bytes: 0 };

/**
 * Stands between the nodes of a virtual cluster and their store, counts, and copies each text as a socket would: so
 * nodes in one process share no memory that they would not share as processes.
 */
export class Traffic {
  private readonly counts: Counts = { ...NO_TRAFFIC };
  private readonly index: KeyIndex;

  constructor(store: MemoryStore) {
    this.index = new KeyIndex(store);
  }

  now(): Counts {
    return { ...this.counts };
  }

  since(before: Counts): Counts {
    const names = Object.keys(before) as (keyof Counts)[];
    return Object.fromEntries(names.map((name) => [name, this.counts[name] - before[name]])) as unknown as Counts;
  }

  /** The registry as one node reaches it. */
  wrap(registry: Registry): Registry {
    const { counts } = this;
    const own: Pick<Registry, 'get' | 'list' | 'commit' | 'watch' | 'openSession'> = {
      get: async (key, options) => {
        counts.gets++;
        return this.sent(await registry.get(key, options));
      },
      list: async (prefix, page: Page = {}) => {
        const { entries, next } = this.index.page(prefix, page);
        counts.listed += entries.length;
        return { entries: entries.map((entry) => this.sent(entry)!), ...(next !== undefined && { next }) };
      },
      commit: async (writes) => {
        counts.commits++;
        counts.writes += writes.length;
        const received = writes.map(({ value, ...write }) =>
          value === undefined ? write : { ...write, value: this.copied(value) },
        );
        return (await registry.commit(received)).map((result) => this.answered(result));
      },
      watch: (prefix, listener) => registry.watch(prefix, (change) => listener(this.told(change))),
      openSession: async (options) => {
        const session = await registry.openSession(options);
        return {
          id: session.id,
          ttlMs: session.ttlMs,
          renew: () => {
            counts.calls++;
            counts.beats++;
            return session.renew();
          },
          end: () => {
            counts.calls++;
            return session.end();
          },
        };
      },
    };
    return new Proxy(registry, {
      get(target, name) {
        const value: unknown = Object.hasOwn(own, name) ? own[name as keyof typeof own] : Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          counts.calls++;
          if (name === 'serverTime') counts.beats++;
          return Reflect.apply(value, target, args);
        };
      },
    });
  }

  private answered(result: WriteResult): WriteResult {
    return result.ok || !result.current ? result : { ...result, current: this.sent(result.current)! };
  }

  private told(change: Change): Change {
    this.counts.told++;
    return change.type === 'put' ? { type: 'put', entry: this.sent(change.entry)! } : change;
  }

  private sent(entry: Entry | undefined): Entry | undefined {
    return entry && { ...entry, value: this.copied(entry.value) };
  }

  private copied(text: string): string {
    const bytes = Buffer.from(text);
    this.counts.bytes += bytes.length;
    return bytes.toString();
  }
}
