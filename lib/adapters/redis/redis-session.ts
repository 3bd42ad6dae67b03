import { randomId, systemRandom } from '../../core/common/ids.js';
import type { RegistrySession } from '../../core/registry/registry.js';
import type { RedisConnection } from './redis-connection.js';
import type { KeyGroup } from './redis-keys.js';
import { pulseOf, type Pulse } from './redis-pulse.js';

/**
 * A session is a row with an expiry on the server's clock. From that instant on its documents are invisible to every
 * reader; whoever polls or renews next removes them and tells the watchers.
 */
export class RedisSession implements RegistrySession {
  readonly id = randomId(systemRandom, 16);

  private constructor(
    readonly ttlMs: number,
    private readonly connection: RedisConnection,
    private readonly home: KeyGroup,
    private readonly onPulse: (pulse: Pulse) => void,
  ) {}

  static async open(
    ttlMs: number,
    connection: RedisConnection,
    home: KeyGroup,
    onPulse: (pulse: Pulse) => void,
  ): Promise<RedisSession> {
    const session = new RedisSession(ttlMs, connection, home, onPulse);
    onPulse(pulseOf(await connection.run('open-session', home, [session.id, String(ttlMs)])));
    return session;
  }

  async renew(): Promise<'renewed' | 'expired'> {
    const reply = (await this.connection.run('renew-session', this.home, [this.id, String(this.ttlMs)])) as string[];
    this.onPulse(pulseOf(reply));
    return reply[3] === '1' ? 'renewed' : 'expired';
  }

  async end(): Promise<void> {
    await this.connection.run('end-session', this.home, [this.id]);
  }
}
