import type { Clock } from '../../core/common/clock.js';
import { systemRandom } from '../../core/common/ids.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import { destroySession, rowOf, rowText, type Row, type SessionStore } from './consul-session.js';
import { cas, checkIndex, remove, type Pair } from './consul-txn.js';

/** Spreads the peers, which all find a row too old at the same time. */
const JITTER_MS = 150;
/** Whoever marked a row also removes it, unless it died in between. */
const MARKED_MS = 2_000;

const SESSION_ID = /^[0-9a-f-]{36}$/;

interface Sight {
  readonly pair: Pair;
  readonly row: Row;
  /** When it was seen for the first time in this version. */
  readonly since: number;
  /** How long it may stay in this version. */
  readonly patienceMs: number;
}

/**
 * Ends the sessions of those who do not renew. A row is too old when it was seen in the same version for as long as its
 * session lives, on this peer's own clock: from when the answer that showed it first had come, until the request that
 * still found it was sent. Its holder counts from before that, so it has given up by then. The mark on the row is what
 * ends the session: it is written on the condition that the row is still that version, so of mark and renewal one loses.
 */
export class ConsulReaper {
  private sights = new Map<string, Sight>();

  constructor(
    private readonly store: SessionStore,
    private readonly clock: Clock,
  ) {}

  /** Takes in all rows as found by a request that was sent at this time, and ends those that are too old. */
  async observe(pairs: readonly Pair[], sentAt: number): Promise<void> {
    const receivedAt = this.clock.monotonic();
    const known = this.sights;
    this.sights = new Map();
    const old: Sight[] = [];
    for (const pair of pairs) {
      const row = rowOf(pair);
      if (!row || !SESSION_ID.test(this.idOf(pair))) continue;
      const before = known.get(pair.Key);
      const isSame = before?.pair.ModifyIndex === pair.ModifyIndex;
      const patienceMs = (row.isOver ? MARKED_MS : row.ttlMs) + systemRandom() * JITTER_MS;
      const sight = isSame ? before : { pair, row, since: receivedAt, patienceMs };
      this.sights.set(pair.Key, sight);
      if (sentAt - sight.since >= sight.patienceMs) old.push(sight);
    }
    await Promise.all(old.map((sight) => this.end(sight).catch(unlessUnavailable)));
  }

  /** How long until the next row is too old, or the next renewal of the shortest session should be seen. */
  get nextLookMs(): number {
    const now = this.clock.monotonic();
    let next = Infinity;
    for (const { row, since, patienceMs } of this.sights.values()) {
      next = Math.min(next, Math.max(row.ttlMs / 8, 100), Math.max(since + patienceMs - now, 0) + 1);
    }
    return next;
  }

  private async end({ pair, row }: Sight): Promise<void> {
    const { connection, era } = this.store;
    let index = pair.ModifyIndex;
    if (!row.isOver) {
      const marked = await era.write(() => [cas(pair.Key, index, rowText({ ...row, isOver: true }))]);
      if ('errors' in marked) return; // Renewed just now, or marked by somebody else.
      ({ index } = marked);
    }
    await destroySession(connection, this.idOf(pair));
    // A row that came out of a backup is bound to nothing and would stay.
    if (pair.Session === undefined) await era.write(() => [checkIndex(pair.Key, index), remove(pair.Key)]);
  }

  private idOf({ Key }: Pair): string {
    return Key.slice(this.store.layout.sessions.length);
  }
}

/** It stays too old, and is tried again at the next look. */
function unlessUnavailable(error: unknown): void {
  if (!(error instanceof RegistryUnavailableError)) throw error;
}
