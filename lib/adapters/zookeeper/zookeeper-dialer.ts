import type { Clock } from '../../core/common/clock.js';
import { systemRandom } from '../../core/common/ids.js';
import type { SessionTicket, WatchEvent } from './wire/protocol.js';
import { ZookeeperLink, type LinkParts } from './zookeeper-link.js';
import type { ResolvedZookeeperOptions } from './zookeeper-options.js';

export interface Dial {
  readonly sessionTimeoutMs: number;
  readonly ticket?: SessionTicket;
  readonly keepsAlive: boolean;
  readonly answerTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: WatchEvent) => void;
}

/**
 * Opens one connection after the other, each to the next server of the ensemble: not to the one that was just lost. Every
 * owner of a connection has a dialer of its own, with the servers in an order of its own.
 */
export class ZookeeperDialer {
  private readonly servers: ResolvedZookeeperOptions['servers'];
  private next = 0;

  constructor(
    readonly clock: Clock,
    readonly options: ResolvedZookeeperOptions,
    readonly parts: LinkParts,
  ) {
    this.servers = shuffled(options.servers);
  }

  get count(): number {
    return this.servers.length;
  }

  /** One attempt, at one server. */
  async dial({ onEvent = () => undefined, ...dial }: Dial): Promise<ZookeeperLink | 'expired'> {
    const { tls, auth, callTimeoutMs, connectTimeoutMs } = this.options;
    const server = this.servers[this.next++ % this.count]!;
    return ZookeeperLink.open(this.parts, {
      ...dial,
      target: tls ? { ...server, tls } : server,
      clock: this.clock,
      // One server that takes connections and says nothing must not use up the time for all of them.
      connectTimeoutMs: Math.min(callTimeoutMs, Math.ceil(connectTimeoutMs / this.count), dial.answerTimeoutMs),
      ...(auth && { digest: auth }),
      onEvent,
    });
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  const cards = [...list];
  for (let i = cards.length - 1; i > 0; i--) {
    const j = Math.floor(systemRandom() * (i + 1));
    [cards[i], cards[j]] = [cards[j]!, cards[i]!];
  }
  return cards;
}
