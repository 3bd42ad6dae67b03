import type { Clock } from '../../core/common/clock.js';
import { destroySession, type SessionStore } from './consul-session.js';
import { tree } from './consul-txn.js';

const LOOK_EVERY_MS = 60_000;
/** The others wait for the next look, so that this one does not hold up what ends sessions in time. */
const DESTROY_AT_ONCE = 50;

/**
 * Destroys sessions of Consul's own that nobody knows of: the reply to their creation was lost, or their holder died
 * before it wrote the row. One without a row at two looks in a row will never have one.
 */
export class ConsulStrays {
  private suspects = new Set<string>();
  private lookedAt = -Infinity;

  constructor(
    private readonly store: SessionStore,
    private readonly clock: Clock,
  ) {}

  async look(): Promise<void> {
    const now = this.clock.monotonic();
    if (now - this.lookedAt < LOOK_EVERY_MS) return;
    this.lookedAt = now;
    const { connection, era, layout } = this.store;
    const { text } = await connection.request({ method: 'GET', path: '/v1/session/list' });
    const sessions = connection.parsed(text) as { ID: string; Name: string }[];
    // Read after the sessions, so that the row of each that has one by now is found.
    const found = await era.read([tree(layout.sessions)], true);
    if ('errors' in found) return;
    const rows = new Set(found.pairs.map(({ Key }) => Key));
    const ours = sessions.filter(({ ID, Name }) => Name === layout.sessions && !rows.has(layout.sessions + ID));
    const known = this.suspects;
    this.suspects = new Set(ours.map(({ ID }) => ID));
    const strays = [...this.suspects].filter((id) => known.has(id)).slice(0, DESTROY_AT_ONCE);
    await Promise.all(strays.map((id) => destroySession(connection, id)));
  }
}
