import { sleep, TIMED_OUT, withTimeout } from '../../core/common/clock.js';
import { errorMessage } from '../../core/common/errors.js';
import { systemRandom } from '../../core/common/ids.js';
import { closedError, RegistryRefusedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { SessionTicket, WatchEvent } from './wire/protocol.js';
import type { ZookeeperDialer } from './zookeeper-dialer.js';
import type { ZookeeperLink } from './zookeeper-link.js';

const QUIT_WITHIN_MS = 300;
/** A link that ends sooner counts as a failure: the next one may not do better. */
const PROVEN_AFTER_MS = 1_000;
const LONGEST_PAUSE_MS = 250;
/** Somebody has to change a setting first. */
const REFUSED_PAUSE_MS = 5_000;

/**
 * The connection for documents, lists and watches. Its ZooKeeper session carries nothing: it is taken up again where
 * that is possible, and another one does as well.
 *
 *   idle --connect()--> connecting --link, prepared--> ready --lost--> pause --> connecting …
 *    ^______________________/ too late, refused                    close() leaves from anywhere
 */
export class ZookeeperConnection {
  private link: ZookeeperLink | undefined;
  private nextReady: Promise<void> = Promise.resolve();
  private tellReady = (): void => undefined;
  private ticket: SessionTicket | undefined;
  private problem: unknown;
  private isClosed = false;
  private running: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(
    private readonly dialer: ZookeeperDialer,
    private readonly hooks: {
      /** On each new link, before anybody else uses it. */
      prepare: (link: ZookeeperLink) => Promise<void>;
      /** After that. */
      onReady: () => void;
      onEvent: (event: WatchEvent) => void;
    },
  ) {}

  async connect(): Promise<void> {
    if (this.isClosed) throw closedError();
    const { clock, options } = this.dialer;
    const { connectTimeoutMs } = options;
    const abort = new AbortController();
    this.problem = undefined;
    const ready = new Promise<void>((resolve, reject) => {
      this.running = { abort, ended: this.run(abort.signal, resolve, reject) };
    });
    try {
      const outcome = await withTimeout(clock, ready, connectTimeoutMs);
      if (this.isClosed) throw closedError();
      if (outcome === TIMED_OUT) throw this.notConnected(` within ${connectTimeoutMs} ms`);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.link?.quit(QUIT_WITHIN_MS);
    await this.stop();
  }

  /** The link that is ready now, if there is one. */
  get current(): ZookeeperLink | undefined {
    return this.link?.isOpen ? this.link : undefined;
  }

  /**
   * The link; where it was lost, the next one, if it comes within half of callTimeout. Reconnecting takes a few steps and
   * pauses, and a caller that comes in between need not fail.
   *
   * @throws RegistryUnavailableError where there is none
   */
  async require(): Promise<ZookeeperLink> {
    if (this.isClosed) throw closedError();
    const { clock, options } = this.dialer;
    if (this.link && !this.link.isOpen) await this.link.closed; // Then the loss is known here too.
    if (!this.current) await withTimeout(clock, this.nextReady, options.callTimeoutMs / 2);
    if (this.current) return this.current;
    throw this.isClosed ? closedError() : this.notConnected();
  }

  private async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    running?.abort.abort();
    await running?.ended;
    this.tellReady(); // There will be none: who waits is told so.
  }

  /** Never rejects. Until the first link is ready a refusal ends it; after that nothing but `stop` does. */
  private async run(signal: AbortSignal, onReady: () => void, onRefused: (error: unknown) => void): Promise<void> {
    let wasReady = false;
    for (let failures = 0; !signal.aborted;) {
      try {
        const link = await this.open(signal);
        if (!link) continue; // The session is over: the next one is new.
        const since = this.dialer.clock.monotonic();
        wasReady = true;
        onReady();
        this.problem = new Error(await link.closed);
        this.lose();
        failures = this.dialer.clock.monotonic() - since < PROVEN_AFTER_MS ? failures + 1 : 0;
      } catch (error) {
        this.problem = error;
        failures++;
        if (error instanceof RegistryRefusedError) {
          if (!wasReady) return onRefused(error);
          await sleep(this.dialer.clock, REFUSED_PAUSE_MS, signal);
        }
      }
      await this.pause(failures, signal);
    }
    onRefused(closedError());
  }

  private async open(signal: AbortSignal): Promise<ZookeeperLink | undefined> {
    const { callTimeoutMs } = this.dialer.options;
    const { ticket } = this;
    const link = await this.dialer.dial({
      ...(ticket && { ticket }),
      sessionTimeoutMs: callTimeoutMs * 3,
      answerTimeoutMs: callTimeoutMs,
      keepsAlive: true,
      signal,
      onEvent: this.hooks.onEvent,
    });
    this.ticket = link === 'expired' ? undefined : link.session.ticket;
    if (link === 'expired') {
      if (!ticket) throw new Error('the server grants no session');
      return undefined;
    }
    try {
      await this.hooks.prepare(link);
    } catch (error) {
      link.close('it could not be prepared');
      throw error;
    }
    this.link = link;
    this.tellReady();
    this.hooks.onReady();
    return link;
  }

  private lose(): void {
    this.link = undefined;
    this.nextReady = new Promise((resolve) => (this.tellReady = resolve));
  }

  /** A lost connection is replaced at once; servers that do not serve are tried in rounds, with a pause after each. */
  private async pause(failures: number, signal: AbortSignal): Promise<void> {
    if (failures === 0 || failures % this.dialer.count !== 0) return;
    const rounds = failures / this.dialer.count;
    await sleep(this.dialer.clock, Math.min(50 * 2 ** rounds, LONGEST_PAUSE_MS) * (0.5 + systemRandom() / 2), signal);
  }

  private notConnected(within = ''): RegistryUnavailableError | RegistryRefusedError {
    if (this.problem instanceof RegistryRefusedError) return this.problem;
    const { problem } = this;
    const reason = problem instanceof RegistryUnavailableError ? (problem.cause ?? problem) : problem;
    const why = reason === undefined ? '' : ` (${errorMessage(reason)})`;
    return new RegistryUnavailableError(`No connection to ZooKeeper${within}${why}.`, { outcomeUnknown: false });
  }
}
