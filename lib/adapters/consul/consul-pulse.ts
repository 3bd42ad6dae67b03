import { sleep, type Clock } from '../../core/common/clock.js';
import { errorMessage } from '../../core/common/errors.js';
import { systemRandom } from '../../core/common/ids.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';

const LONGEST_PAUSE_MS = 1_000;
const SHORTEST_PAUSE_MS = 20;
const RETRY_PAUSE_MS = 250;

/**
 * Looks at the store about once a second, and more often where sessions are short: whether it still is what it was, and
 * whose session has to be ended. That Consul can be reached again after an outage is noticed here, too.
 */
export class ConsulPulse {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private isDown = false;
  private complaint: string | undefined;

  constructor(
    private readonly options: {
      clock: Clock;
      logger: LoggerPort;
      /** Returns how soon the next look is wanted. */
      look: () => Promise<number>;
      onBack: () => void;
    },
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const wanted = await this.beat();
      const pause = Math.max(SHORTEST_PAUSE_MS, Math.min(wanted, LONGEST_PAUSE_MS));
      await sleep(clock, pause * (0.9 + systemRandom() / 10), signal);
    }
  }

  private async beat(): Promise<number> {
    try {
      const wanted = await this.options.look();
      this.complaint = undefined;
      if (this.isDown) this.options.onBack();
      this.isDown = false;
      return wanted;
    } catch (error) {
      this.complain(error);
      this.isDown ||= error instanceof RegistryUnavailableError;
      return RETRY_PAUSE_MS;
    }
  }

  /** Callers see an outage in their own calls; what an outage does not explain is told, once. */
  private complain(error: unknown): void {
    const complaint = errorMessage(error);
    if (this.stopping.signal.aborted || error instanceof RegistryUnavailableError || complaint === this.complaint)
      return;
    this.complaint = complaint;
    this.options.logger.error('The Consul registry cannot look after its sessions', { error });
  }
}
