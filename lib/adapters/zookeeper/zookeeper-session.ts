import { sleep } from '../../core/common/clock.js';
import { RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { RegistrySession } from '../../core/registry/registry.js';
import type { SessionTicket } from './wire/protocol.js';
import { closeSession } from './wire/requests.js';
import type { SessionGrant } from './wire/wire-connection.js';
import { sessionName } from './zookeeper-document.js';
import type { ZookeeperDialer } from './zookeeper-dialer.js';
import { SessionEndedError } from './zookeeper-errors.js';
import type { ZookeeperLink } from './zookeeper-link.js';

const RETRY_PAUSE_MS = 50;
/** What an ensemble is asked for, in parts of what is promised. */
const RESERVE = 1.25;

/**
 * A session of ZooKeeper on a connection of its own. The server prolongs it whenever this connection says anything, so
 * it says nothing by itself: no pings, no reconnecting. Only `renew` prolongs it, and writes that are bound to it; a
 * process whose loop stands still lets it run out. The signal ends the connection and lets the session run out.
 *
 * The leader alone ends sessions, and another server tells it of a renewal only half a tickTime later at most. Should that
 * server be lost before, the renewal counts for nothing, and the session ends by the one before it: earlier by the whole
 * time between two renewals. So where there are several servers a quarter more is asked for than is promised. With the
 * margin that the core keeps, a holder who renews three times in `ttlMs` stops trusting the session before it can end.
 *
 *   connected --lost, or silent for half of callTimeout--> lost --renew, end or a bound write--> connected
 *       '--the server says so, or end()--> over                        '--the server says so--> over
 */
export class ZookeeperSession implements RegistrySession {
  readonly id: string;
  private connecting: Promise<ZookeeperLink | 'expired'> | undefined;
  private isOver = false;

  private constructor(
    private readonly dialer: ZookeeperDialer,
    private readonly signal: AbortSignal,
    private current: ZookeeperLink,
    private readonly grant: SessionGrant,
    readonly ttlMs: number,
    private readonly onOver: (session: ZookeeperSession) => void,
  ) {
    this.id = sessionName(grant.ticket.id);
  }

  static async open(
    dialer: ZookeeperDialer,
    signal: AbortSignal,
    ttlMs: number,
    onOver: (session: ZookeeperSession) => void,
  ): Promise<ZookeeperSession> {
    const reserve = dialer.count > 1 ? RESERVE : 1;
    const neededMs = Math.ceil(ttlMs * reserve);
    const link = await dialWithin(dialer, signal, { sessionTimeoutMs: neededMs });
    if (link === 'expired') throw new SessionEndedError();
    const { session } = link;
    const { timeoutMs } = session;
    if (timeoutMs >= neededMs) {
      return new ZookeeperSession(dialer, signal, link, session, Math.floor(timeoutMs / reserve), onOver);
    }
    await link.quit(dialer.options.callTimeoutMs);
    const cure = 'raise maxSessionTimeout of the servers (20 times tickTime unless set), or ask for a shorter session';
    throw new RegistryRefusedError(
      `ZooKeeper grants sessions of ${timeoutMs} ms at most, and ${neededMs} ms are needed for one of ${ttlMs} ms: ${cure}.`,
    );
  }

  /**
   * Takes a barrier on this connection: its answer proves that the leader holds the session. Where there are several
   * servers, a silent one is given up after half of the time, and another is asked in the other half; asking twice is
   * harmless.
   */
  async renew(): Promise<'renewed' | 'expired'> {
    const { clock, options } = this.dialer;
    const deadline = clock.monotonic() + options.callTimeoutMs;
    for (;;) {
      try {
        const link = await this.link(deadline);
        if (link === 'expired') return 'expired';
        await link.barrier();
        return 'renewed';
      } catch (error) {
        if (error instanceof SessionEndedError) return this.over();
        if (!(error instanceof RegistryUnavailableError) || this.signal.aborted) throw error;
        if (clock.monotonic() + RETRY_PAUSE_MS >= deadline) throw error;
        await sleep(clock, RETRY_PAUSE_MS, this.signal);
      }
    }
  }

  async end(): Promise<void> {
    const link = await this.link();
    if (link === 'expired') return;
    try {
      await link.call(closeSession(), this.id);
    } catch (error) {
      if (!(error instanceof SessionEndedError)) throw error;
    }
    this.over();
  }

  /** The connection, opened anew where it was lost. */
  async link(deadline?: number): Promise<ZookeeperLink | 'expired'> {
    if (this.isOver) return 'expired';
    if (this.current.isOpen) return this.current;
    this.connecting ??= this.reconnect(deadline).finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  private async reconnect(deadline?: number): Promise<ZookeeperLink | 'expired'> {
    const { timeoutMs, ticket } = this.grant;
    const how = { sessionTimeoutMs: timeoutMs, ticket };
    const link = await dialWithin(this.dialer, this.signal, how, deadline).catch((error: unknown) => {
      if (error instanceof SessionEndedError) return 'expired' as const;
      throw error;
    });
    if (link === 'expired') return this.over();
    if (link.session.timeoutMs >= timeoutMs) return (this.current = link);
    // maxSessionTimeout was lowered: the session would end before its holder expects that.
    await link.quit(this.dialer.options.callTimeoutMs);
    return this.over();
  }

  private over(): 'expired' {
    this.isOver = true;
    this.current.close('the session is over');
    this.onOver(this);
    return 'expired';
  }
}

/** Tries one server after the other until the time is up. Whatever fails here, nothing has been written. */
async function dialWithin(
  dialer: ZookeeperDialer,
  signal: AbortSignal,
  how: { sessionTimeoutMs: number; ticket?: SessionTicket },
  deadline = dialer.clock.monotonic() + dialer.options.callTimeoutMs,
): Promise<ZookeeperLink | 'expired'> {
  const answerTimeoutMs = dialer.options.callTimeoutMs / Math.min(dialer.count, 2);
  for (;;) {
    try {
      return await dialer.dial({ ...how, answerTimeoutMs, keepsAlive: false, signal });
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError) || error instanceof SessionEndedError) throw error;
      if (signal.aborted || dialer.clock.monotonic() + RETRY_PAUSE_MS >= deadline) {
        throw new RegistryUnavailableError(error.message, { outcomeUnknown: false, cause: error.cause });
      }
      await sleep(dialer.clock, RETRY_PAUSE_MS, signal);
    }
  }
}
