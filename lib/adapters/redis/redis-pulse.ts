import type { Clock } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { errorMessage } from '../../core/common/errors.js';
import { systemRandom } from '../../core/common/ids.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';

/** What the server tells at every poll and renewal. */
export interface Pulse {
  readonly serverTime: number;
  /** Newest position of the change log. */
  readonly head: string;
  /** Until the next session ends, or -1 where there is none. */
  readonly nextExpiryMs: number;
}

export function pulseOf(reply: unknown): Pulse {
  const [serverTime, head, nextExpiryMs] = reply as [string, string, string];
  return { serverTime: Number(serverTime), head, nextExpiryMs: Number(nextExpiryMs) };
}

/** Sessions shorter than this would end between two polls of everybody. */
export const MIN_SESSION_TTL_MS = 1_000;
const LONGEST_PAUSE_MS = 2_000;
const RETRY_PAUSE_MS = 500;
/** Spreads the nodes, which all know when the next session ends. */
const JITTER_MS = 150;

/**
 * Asks the server for its pulse every two seconds, and as soon as a session should have ended: that call removes what
 * the session left behind, so a dead node is seen at most `JITTER_MS` after its time for sessions longer than the
 * pause, and within a second for shorter ones. Renewals bring the pulse too and put the next poll off.
 */
export class RedisPulse {
  private timer: Disposable | undefined;
  private isRunning = false;
  private complaint: string | undefined;

  constructor(
    private readonly options: {
      clock: Clock;
      logger: LoggerPort;
      ask: () => Promise<unknown>;
      onPulse: (pulse: Pulse) => void;
    },
  ) {}

  start(first: Pulse): void {
    this.isRunning = true;
    this.beat(first);
  }

  stop(): void {
    this.isRunning = false;
    this.timer?.dispose();
  }

  /** Polls at once: the connection has come back. */
  hurry(): void {
    this.schedule(0);
  }

  /** Takes in a pulse, however it came, and plans the next poll by it. */
  beat(pulse: Pulse): void {
    const untilExpiry = pulse.nextExpiryMs < 0 ? LONGEST_PAUSE_MS : pulse.nextExpiryMs + 1 + systemRandom() * JITTER_MS;
    this.schedule(Math.min(LONGEST_PAUSE_MS, untilExpiry));
    this.options.onPulse(pulse);
  }

  private schedule(delayMs: number): void {
    if (!this.isRunning) return;
    this.timer?.dispose();
    this.timer = this.options.clock.setTimer(delayMs, () => void this.poll());
  }

  private async poll(): Promise<void> {
    try {
      this.beat(pulseOf(await this.options.ask()));
      this.complaint = undefined;
    } catch (error) {
      this.complain(error);
      this.schedule(RETRY_PAUSE_MS);
    }
  }

  /** Callers see an outage in their own calls; what an outage does not explain is told, once. */
  private complain(error: unknown): void {
    const complaint = errorMessage(error);
    if (!this.isRunning || error instanceof RegistryUnavailableError || complaint === this.complaint) return;
    this.complaint = complaint;
    this.options.logger.error('The Redis registry cannot be polled', { error });
  }
}
