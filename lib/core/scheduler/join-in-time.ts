import type { Membership } from '../cluster/membership.js';
import { sleep } from '../common/clock.js';
import type { SchedulerOptions } from './scheduler-options.js';

const RETRY_MS = 250;

/** Tries to get into the cluster for as long as `startup: 'wait'` allows; rejects with what stood in the way. */
export async function joinInTime(
  membership: Membership,
  { clock, startupTimeoutMs = 0, cluster }: Pick<SchedulerOptions, 'clock' | 'startupTimeoutMs' | 'cluster'>,
): Promise<void> {
  const started = clock.monotonic();
  /** A predecessor with this node id that crashed is in the way for as long as its session lives. */
  const patienceFor = (code: string | undefined): number =>
    Math.max(startupTimeoutMs, code === 'NODE_ID_IN_USE' ? cluster.ttlMs * 2 : 0);
  for (;;) {
    try {
      return await membership.join();
    } catch (error) {
      const { code, retryable } = error as { code?: string; retryable?: boolean };
      if (clock.monotonic() >= started + patienceFor(code) || retryable !== true) throw error;
      await sleep(clock, RETRY_MS);
    }
  }
}
