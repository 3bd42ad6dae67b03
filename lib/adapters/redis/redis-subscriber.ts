import { sleep, TIMED_OUT, withTimeout, type Clock } from '../../core/common/clock.js';
import { errorMessage } from '../../core/common/errors.js';
import { systemRandom } from '../../core/common/ids.js';
import type { LoggerPort } from '../../core/common/logger.js';
import type { RedisClient } from './redis-client.js';
import { disconnect } from './redis-connection.js';

const CHECK_PAUSE_MS = 2_000;

/**
 * Keeps one connection subscribed to the channel. It only makes watches fast: whatever is missed here is found in the
 * change log, at the next poll if not before.
 *
 *   connecting --> subscribed --> (ended, or silent) --> pause --> connecting …      stop() leaves from anywhere
 */
export class RedisSubscriber {
  private client: RedisClient | undefined;
  private isSubscribed = false;
  private lastProblem: string | undefined;
  private checkedAt = -Infinity;
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;

  constructor(
    private readonly options: {
      clock: Clock;
      logger: LoggerPort;
      channel: string;
      timeoutMs: number;
      mask: (text: string) => string;
      open: () => RedisClient;
      onMessage: (message: string) => void;
      /** Messages may have been missed before this moment, and are not from now on. */
      onSubscribed: () => void;
    },
  ) {}

  /** Why it is not subscribed, where that has a reason. */
  get problem(): string | undefined {
    return this.isSubscribed ? undefined : this.lastProblem;
  }

  start(): void {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.client) await disconnect(this.client, this.options.clock);
    await this.loop;
  }

  /**
   * Asks the connection for a sign of life, at most every two seconds: nothing else would show that it has gone silent.
   * It is dropped then, and the loop opens another.
   */
  async check(): Promise<void> {
    const { client } = this;
    const { clock, timeoutMs } = this.options;
    if (!client || !this.isSubscribed || clock.monotonic() - this.checkedAt < CHECK_PAUSE_MS) return;
    this.checkedAt = clock.monotonic();
    const answer = await withTimeout(clock, client.call('ping'), timeoutMs).catch(() => TIMED_OUT);
    if (answer === TIMED_OUT) client.disconnect();
  }

  private async run(): Promise<void> {
    const { clock, logger, mask } = this.options;
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      const problem = mask(await this.subscribeUntilItEnds(() => (failures = 0)).catch(errorMessage));
      if (signal.aborted) return;
      this.lastProblem = problem;
      // The first failure is news, the hundredth is not.
      if (failures++ === 0) logger.warn('No Redis subscription; watches run on polling until it is there', { problem });
      await sleep(clock, Math.min(100 * failures, 1_000) * (0.5 + systemRandom() / 2), signal);
    }
  }

  private async subscribeUntilItEnds(onSuccess: () => void): Promise<string> {
    const { clock, channel, timeoutMs } = this.options;
    const client = this.options.open();
    this.client = client;
    let problem = 'the connection was closed';
    client.on('error', (error) => (problem = errorMessage(error)));
    client.on('message', (_channel, message) => this.options.onMessage(String(message)));
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    try {
      if ((await withTimeout(clock, client.connect(), timeoutMs)) === TIMED_OUT) return 'no connection in time';
      const reply = await withTimeout(clock, client.call('subscribe', channel), timeoutMs);
      if (reply === TIMED_OUT) return 'no answer in time';
      this.isSubscribed = true;
      onSuccess();
      this.options.onSubscribed();
      await ended;
      return problem;
    } finally {
      this.isSubscribed = false;
      await disconnect(client, clock);
    }
  }
}
