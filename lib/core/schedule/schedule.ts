import type { EpochMs } from '../common/clock.js';

/**
 * WHEN: a set of instants, the ticks. A schedule is pure and the same on every node: the ticks do not depend on where a
 * search starts, so `next(a)` and `next(b)` agree wherever no tick lies between a and b.
 */
export interface Schedule {
  /** The first tick strictly after `after`; `undefined` where there is none (any more). Strictly increasing, never throws. */
  next(after: EpochMs): EpochMs | undefined;
  /** No two ticks are closer than this: a lower bound, cheaply known. Infinity where there is at most one tick. */
  readonly minGapMs: number;
  /** How many ticks lie in (after, upTo]. Only where it needs no enumeration. */
  count?(after: EpochMs, upTo: EpochMs): number;
  /** For people: `cron "0 9 * * 1-5" in Europe/London`, `every 5m`. */
  describe(): string;
}

/** Calendar schedules have no tick at or after 2200-01-01; instants from there on are refused. */
export const END_OF_TIME: EpochMs = Date.UTC(2200, 0, 1);
