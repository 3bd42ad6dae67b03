import { isRecord } from '../../core/registry/adapter-options.js';
import type { RegistrySession } from '../../core/registry/registry.js';
import type { ConsulConnection } from './consul-connection.js';
import type { ConsulEra, Era } from './consul-era.js';
import type { ConsulLayout } from './consul-keys.js';
import { createSession } from './consul-node.js';
import { cas, lock, textOf, tree, unexpected, type Pair } from './consul-txn.js';

export const MIN_SESSION_TTL_MS = 1_000;

/** What a session's row holds. */
export interface Row {
  readonly ttlMs: number;
  /** Counts the renewals. */
  readonly seq: number;
  /** Set by a peer that has found it too old. From then on no renewal succeeds. */
  readonly isOver?: true;
}

export const rowText = (row: Row): string => JSON.stringify(row);

export function rowOf(pair: Pair): Row | undefined {
  try {
    const row: unknown = JSON.parse(textOf(pair));
    return isRecord(row) && Number.isFinite(row.ttlMs) && Number.isFinite(row.seq)
      ? (row as unknown as Row)
      : undefined;
  } catch {
    return undefined; // Written by somebody else.
  }
}

/** The means of Consul's that sessions are made of. */
export interface SessionStore {
  readonly connection: ConsulConnection;
  readonly era: ConsulEra;
  readonly layout: ConsulLayout;
}

/**
 * Two things in Consul: a session of its own, which the documents and the row are bound to, so that they vanish together
 * and nothing can be bound to it any more when it is destroyed; and the row, which is rewritten at each renewal. Consul's
 * own time-to-live is not used, because it takes twice as long as it says and ten seconds at least. Peers time the row
 * instead (`consul-reaper.ts`).
 *
 *   open --renew--> open --end, or a peer's mark on the row--> over
 */
export class ConsulSession implements RegistrySession {
  private seq = 0;
  private renewed = 0;
  private isOver = false;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly id: string,
    readonly ttlMs: number,
    private readonly store: SessionStore,
    /** The row, as this holder left it: its version, and when that was. */
    private index: number,
    private writtenIn: Era,
  ) {}

  static async open(ttlMs: number, store: SessionStore): Promise<ConsulSession> {
    const { connection, era, layout } = store;
    // `Checks` is what the list of checks was called before 1.7, and is still filled in where it is left out.
    const checks = { NodeChecks: [], Checks: [] };
    const settings = { Name: layout.sessions, ...checks, Behavior: 'delete', LockDelay: '0s' };
    const id = await createSession(connection, settings);
    try {
      const row = rowText({ ttlMs, seq: 0 });
      const answer = await era.write(() => [lock(layout.sessions + id, id, row)]);
      if ('errors' in answer) throw unexpected(answer.errors);
      return new ConsulSession(id, ttlMs, store, answer.index, answer.era);
    } catch (error) {
      // Without a row nobody would ever end it. If that fails too, the first error is the one to tell.
      await destroySession(connection, id).catch(() => undefined);
      throw error;
    }
  }

  /** One at a time, so that each knows what the one before has left. */
  renew(): Promise<'renewed' | 'expired'> {
    const renewal = this.turn.then(() => this.renewNow());
    this.turn = renewal.catch(() => undefined);
    return renewal;
  }

  async end(): Promise<void> {
    await destroySession(this.store.connection, this.id);
    this.isOver = true;
  }

  private async renewNow(): Promise<'renewed' | 'expired'> {
    const { connection, era, layout } = this.store;
    const place = layout.sessions + this.id;
    while (!this.isOver) {
      const seq = ++this.seq;
      const answer = await era.write(() => [cas(place, this.index, rowText({ ttlMs: this.ttlMs, seq }))]);
      if ('index' in answer) {
        this.index = answer.index;
        this.writtenIn = answer.era;
        this.renewed = seq;
        return 'renewed';
      }
      const found = await era.read([tree(place)], true);
      const pair = 'pairs' in found ? found.pairs[0] : undefined;
      const row = pair && rowOf(pair);
      if (pair && row && row.isOver !== true && row.seq > this.renewed) {
        // A renewal of ours whose answer was lost.
        this.index = pair.ModifyIndex;
        this.renewed = row.seq;
        continue;
      }
      // An older row is out of a backup, and so is everything else.
      if (row && row.isOver !== true && found.era === this.writtenIn) await era.disprove(found.era);
      // Whoever marked it may have died: no document outlives this answer.
      await destroySession(connection, this.id);
      this.isOver = true;
    }
    return 'expired';
  }
}

/** Removes all that is bound to it, at once. Does nothing where it is gone. */
export async function destroySession(connection: ConsulConnection, id: string): Promise<void> {
  await connection.request({ method: 'PUT', path: `/v1/session/destroy/${id}` });
}
