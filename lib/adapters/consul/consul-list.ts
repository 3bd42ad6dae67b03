import type { Entry, Page } from '../../core/registry/registry.js';
import type { ConsulConnection } from './consul-connection.js';
import { entryOf } from './consul-document.js';
import type { ConsulEra } from './consul-era.js';
import { pathOf, type ConsulLayout } from './consul-keys.js';
import { get, TXN_OPS } from './consul-txn.js';

const LONGEST_PAGE = 1_000;
/** Documents of one request, next to the two steps that guard it. */
const READ_AT_ONCE = TXN_OPS - 2;
const PARALLEL = 8;
/** A page ends where it has become as long as this. */
const PAGE_LENGTH = 8_000_000;

/** Reads documents, each at an instant of its own. Not linearizable unless `fresh`, but never older than what was seen before. */
export class ConsulReader {
  constructor(
    private readonly connection: ConsulConnection,
    private readonly era: ConsulEra,
    private readonly layout: ConsulLayout,
  ) {}

  async get(key: string, fresh: boolean): Promise<Entry | undefined> {
    return (await this.getMany([key], fresh)).get(key);
  }

  /** Those that are there. */
  async getMany(keys: readonly string[], fresh: boolean): Promise<Map<string, Entry>> {
    const parts: string[][] = [];
    for (let from = 0; from < keys.length; from += READ_AT_ONCE) parts.push(keys.slice(from, from + READ_AT_ONCE));
    const found = new Map<string, Entry>();
    for (let from = 0; from < parts.length; from += PARALLEL) {
      const wave = parts.slice(from, from + PARALLEL);
      for (const entries of await Promise.all(wave.map((part) => this.getSome(part, fresh)))) {
        for (const entry of entries) found.set(entry.key, entry);
      }
    }
    return found;
  }

  /**
   * Consul has no pages: it lists every key under the prefix for each of them, and the values that belong on the page are
   * read by key.
   */
  async list(prefix: string, { limit = LONGEST_PAGE, after }: Page): Promise<{ entries: Entry[]; next?: string }> {
    const keys = await this.keysUnder(prefix);
    const start = after === undefined ? 0 : firstAfter(keys, after);
    const end = Math.min(keys.length, start + Math.min(limit, LONGEST_PAGE));
    const entries: Entry[] = [];
    let at = start;
    for (let length = 0; at < end && length < PAGE_LENGTH;) {
      const wave = keys.slice(at, Math.min(end, at + READ_AT_ONCE * PARALLEL));
      at += wave.length;
      const found = await this.getMany(wave, true);
      for (const key of wave) {
        const entry = found.get(key);
        if (!entry) continue; // Deleted meanwhile.
        entries.push(entry);
        length += entry.value.length;
      }
    }
    return at === keys.length ? { entries } : { entries, next: keys[at - 1]! };
  }

  /** Fails where one is missing, so it is asked for the others again. */
  private async getSome(keys: readonly string[], fresh: boolean): Promise<Entry[]> {
    for (let left = keys; left.length > 0;) {
      const answer = await this.era.read(
        left.map((key) => get(this.layout.placeOf(key))),
        fresh,
      );
      if ('pairs' in answer) return answer.pairs.map((pair) => entryOf(pair, answer.era, this.layout));
      left = left.filter((_, at) => !answer.errors.has(at));
    }
    return [];
  }

  private async keysUnder(prefix: string): Promise<string[]> {
    const path = pathOf(this.layout.placeOf(prefix));
    const { status, text } = await this.connection.request({
      method: 'GET',
      path,
      query: { keys: '', consistent: '' },
      accept: [404],
    });
    return status === 404 ? [] : this.layout.keysAt(this.connection.parsed(text) as string[]);
  }
}

/** Position of the first key that comes after this one, in the order of their bytes. */
function firstAfter(keys: readonly string[], after: string): number {
  const bytes = Buffer.from(after);
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(Buffer.from(keys[middle]!), bytes) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
