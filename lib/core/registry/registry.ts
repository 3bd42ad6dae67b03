import type { EpochMs } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';

/** Names one version of one document. Opaque: compare for equality, pass back as a condition. */
export type Revision = string;

export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly revision: Revision;
  /**
   * The fencing token of the write that made this version. It grows with every write of the document, over its deletion and
   * over the loss of the store's data too, and fits a signed 64-bit integer. Of two commits that follow each other the later
   * one has the larger tokens; writes of one commit to different documents may share one.
   */
  readonly token: bigint;
  /** The session the document vanishes with, if it is bound to one. */
  readonly session?: string;
}

export interface Write {
  readonly key: string;
  /** The new content; absent means delete. */
  readonly value?: string;
  /** `'absent'`: only where no such document is. A revision: only where it is still that one. Unset: always. */
  readonly if?: 'absent' | Revision;
  /** Binds the document to a session that this client has opened. A replacing write without it unbinds. */
  readonly session?: string;
}

/** A failed condition is a result, not an error: it carries what stands there instead. */
export type WriteResult =
  | { readonly ok: true; readonly revision: Revision; readonly token: bigint }
  | {
      readonly ok: false;
      /** The document that made the condition fail; absent where there is none. */
      readonly current?: Entry;
      /** The session named in the write has ended: nothing was written. */
      readonly sessionExpired?: true;
    };

export type Change =
  | { readonly type: 'put'; readonly entry: Entry }
  | { readonly type: 'deleted'; readonly key: string }
  /** Events may have been lost: list again. */
  | { readonly type: 'resync' };

export interface Page {
  /** At most so many entries. An adapter may return fewer; `next` alone tells whether there are more. */
  limit?: number;
  /** `next` of the page before. */
  after?: string;
}

export interface RegistrySession {
  readonly id: string;
  /** What the store granted: at least what was asked for. */
  readonly ttlMs: number;
  /** `'expired'` is the store's word that the session is over. No connection is an error, and not the end. */
  renew(): Promise<'renewed' | 'expired'>;
  /** Ends it now and removes its documents. Safe to call twice. */
  end(): Promise<void>;
}

export interface RegistryCapabilities {
  readonly minSessionTtlMs: number;
  /** Sessions end on a grid of this width: tests scale their times by it. */
  readonly ttlResolutionMs: number;
  readonly maxValueBytes: number;
  /** Whether `serverTime` is there. */
  readonly serverTime: boolean;
  /** The store's clock is at most so much ahead of what `serverTime` tells. @default 1 */
  readonly serverTimeResolutionMs?: number;
  /** What survives what, in a few words, for logs and console. */
  readonly durability: string;
}

export interface RegistryInfo {
  readonly kind: string;
  readonly version?: string;
  /** As found, with no secrets: `standalone`, `cluster of 3`, … */
  readonly topology?: string;
  /** Settings that weaken a promise, each with what to do. */
  readonly warnings: readonly string[];
}

/**
 * The shared state of a cluster: versioned documents with conditional writes, fencing tokens, sessions and watches.
 * An adapter provides these four and nothing else; membership, claims, tombstones and history are written once, above.
 *
 * Promises an adapter keeps (the conformance suite in `testing` checks them):
 * - a conditional write is linearizable per key, and a stale revision never wins while the key lives; the entry that a
 *   failed condition tells is linearizable too;
 * - a store that was emptied, or restored from older data, is noticed as soon as it can be told: from then on tokens are above
 *   all that anybody connected has seen, and no revision from before wins (a client that was cut off meanwhile, and comes back
 *   after others have written past what it knew, may not be able to tell);
 * - `commit` applies each write on its own, in order per key, with no atomicity across keys;
 * - a watch delivers at least the latest state of each changed key, in order per key, or says `resync`;
 * - a session's end removes its documents and tells watchers;
 * - every call ends within a bounded time; after `close` no timer, socket or unhandled error is left.
 *
 * Errors are `RegistryUnavailableError` and `RegistryRefusedError`, nothing else.
 */
export interface Registry {
  /** `'memory'`, `'redis'`, … */
  readonly kind: string;
  readonly capabilities: RegistryCapabilities;
  /** Rejects when the store does not answer within the adapter's connect timeout; may be called again. */
  connect(): Promise<void>;
  close(): Promise<void>;
  /** @param options.fresh a linearizable read, where the default may be served by a lagging replica */
  get(key: string, options?: { fresh?: boolean }): Promise<Entry | undefined>;
  /** Entries whose key starts with the prefix, in key order, a page at a time. */
  list(prefix: string, page?: Page): Promise<{ entries: Entry[]; next?: string }>;
  /** One result per write, in the order given. Takes hundreds; the adapter splits as its store likes best. */
  commit(writes: readonly Write[]): Promise<WriteResult[]>;
  /** Resolves once changes made from now on are seen. The listener must not throw. */
  watch(prefix: string, listener: (change: Change) => void): Promise<Disposable>;
  openSession(options: { ttlMs: number }): Promise<RegistrySession>;
  /** The store's clock, where it has one. */
  serverTime?(): Promise<EpochMs>;
  describe(): Promise<RegistryInfo>;
}
