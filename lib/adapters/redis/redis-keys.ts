import { hash32 } from '../../core/common/hash.js';

/** The Redis keys of one group, in the order of the scripts' `KEYS`. `scripts/store.lua` says what each one holds. */
export const GROUP_KEYS = ['documents', 'index', 'counter', 'sessions', 'bound', 'log'] as const;

/** Redis keys that share a hash tag, hence a slot: what one script call can work on. */
export interface KeyGroup {
  readonly tag: string;
  readonly keys: readonly string[];
}

/** Buckets the unwatched documents are spread over on a Redis Cluster. Every node must use the same number. */
const CLUSTER_BUCKETS = 16;

/**
 * Which group a document lives in, and which of them are written to the change log. Document keys are fields of hashes
 * and members of sorted sets, so nothing in them needs escaping and two keys never become one.
 *
 * On a standalone server everything is in one group, so tokens grow over the whole store. On a Redis Cluster sessions
 * and all watched documents share the home group, in one slot, while the unwatched ones are spread over buckets, each
 * with a counter of its own: there tokens grow per document, which is what fencing needs.
 */
export class RedisLayout {
  readonly home: KeyGroup;
  private readonly buckets: readonly KeyGroup[];

  constructor(private readonly options: { prefix: string; unwatched: readonly string[]; cluster: boolean }) {
    const { prefix, cluster } = options;
    this.home = group(prefix);
    this.buckets = cluster ? Array.from({ length: CLUSTER_BUCKETS }, (_, i) => group(`${prefix}:${i}`)) : [];
  }

  /** Name of the pub/sub channel. */
  get channel(): string {
    return this.home.keys[GROUP_KEYS.indexOf('log')]!;
  }

  groupOf(key: string): KeyGroup {
    return this.isLogged(key) ? this.home : this.bucketOf(key);
  }

  /** Every group that may hold keys with this prefix. */
  groupsUnder(prefix: string): readonly KeyGroup[] {
    if (this.buckets.length === 0 || !this.mayHoldUnwatched(prefix)) return [this.home];
    const segments = prefix.split('/');
    if (segments.length < 3) return [this.home, ...this.buckets];
    return segments.length === 3 ? this.buckets : [this.bucketOf(prefix)];
  }

  /** False for documents of the unwatched kinds: those are written at the pace of ticks and pay for no log entry. */
  isLogged(key: string): boolean {
    const kind = key.indexOf('/') + 1;
    const end = key.indexOf('/', kind);
    return kind === 0 || end < 0 || !this.options.unwatched.includes(key.slice(kind, end));
  }

  /** Whether a key with this prefix may be one that is not logged. */
  mayHoldUnwatched(prefix: string): boolean {
    const [, kind, rest] = prefix.split('/', 3);
    if (kind === undefined) return this.options.unwatched.length > 0;
    return this.options.unwatched.some((name) => (rest === undefined ? name.startsWith(kind) : name === kind));
  }

  /** By the first three segments, so that the ring of one unit stays in one bucket and lists quickly. */
  private bucketOf(key: string): KeyGroup {
    if (this.buckets.length === 0) return this.home;
    return this.buckets[hash32(key.split('/', 3).join('/')) % this.buckets.length]!;
  }
}

function group(tag: string): KeyGroup {
  return { tag, keys: GROUP_KEYS.map((name) => `{${tag}}:${name}`) };
}
