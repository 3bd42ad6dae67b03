import type { EpochMs } from '../common/clock.js';
import { formatDuration, parseDuration } from '../common/duration.js';
import { DistributedScheduleError } from '../common/errors.js';
import type { Schedule } from './schedule.js';

/** Below this a timer of Node cannot keep up. */
export const SHORTEST_INTERVAL_MS = 10;
/** A hundred years: what is longer is a mistake. */
export const LONGEST_DURATION_MS = 36_525 * 86_400_000;

const LAST_INSTANT = 8.64e15;

/** What is wrong with an interval, or `undefined`. */
export function intervalProblem(every: unknown): string | undefined {
  const ms = parseDuration(every);
  if (ms === undefined) return "is not a duration; give milliseconds or a number with ms, s, m, h, d or w, as '30s'";
  if (ms < SHORTEST_INTERVAL_MS) return `is too short; the shortest interval is ${SHORTEST_INTERVAL_MS}ms`;
  return ms > LONGEST_DURATION_MS ? 'is too long; the longest interval is a hundred years' : undefined;
}

/**
 * Ticks at `anchor + n × every`, n ≥ 1. The anchor is stored with the task, so neither a restart nor a change of owner
 * shifts the ticks: a process that restarts every hour still runs a two-hour task on time.
 *
 * @param every milliseconds
 * @throws DistributedScheduleError `INVALID_SCHEDULE`
 */
export function intervalSchedule(every: number, anchor: EpochMs): Schedule {
  const problem = typeof every === 'number' ? intervalProblem(every) : 'is not a number of milliseconds';
  if (problem) throw new DistributedScheduleError('INVALID_SCHEDULE', `every: ${JSON.stringify(every)} ${problem}`);
  if (!Number.isSafeInteger(anchor)) {
    throw new DistributedScheduleError(
      'INVALID_SCHEDULE',
      `anchor: ${JSON.stringify(anchor)} is not an instant in epoch milliseconds`,
    );
  }
  const step = Math.round(every);
  const ticksUpTo = (instant: EpochMs): number => Math.max(0, Math.floor((instant - anchor) / step));
  return {
    minGapMs: step,
    phase: { everyMs: step, offsetMs: anchor % step },
    next(after) {
      const tick = anchor + (ticksUpTo(after) + 1) * step;
      return tick <= LAST_INSTANT ? tick : undefined;
    },
    count: (after, upTo) => Math.max(0, ticksUpTo(upTo) - ticksUpTo(after)),
    describe: () => `every ${formatDuration(step)}`,
  };
}
