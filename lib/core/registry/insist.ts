import { sleep, type Clock } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import { RegistryUnavailableError } from './registry-errors.js';

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2_000;

export interface InsistOptions {
  clock: Clock;
  /** Asked after each failure; `false` gives up and rejects with it. */
  again: () => boolean;
  /** Told of the first refusal. */
  onRefused: (error: DistributedScheduleError) => void;
}

/**
 * Updates that have to be made before anything goes on, as the end of a run: a registry that refuses them (its memory or
 * disk is full, a token is being replaced) is asked again, like one that does not answer, until it takes them.
 */
export async function insist<T>(update: () => Promise<T>, { clock, again, onRefused }: InsistOptions): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await update();
    } catch (error) {
      if (!(error instanceof DistributedScheduleError) || !again()) throw error;
      if (failures === 0 && !(error instanceof RegistryUnavailableError)) onRefused(error);
      await sleep(clock, Math.min(FIRST_BACKOFF_MS * 2 ** failures, MAX_BACKOFF_MS));
      if (!again()) throw error;
    }
  }
}
