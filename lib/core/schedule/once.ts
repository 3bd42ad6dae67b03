import type { EpochMs } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import { END_OF_TIME, type Schedule } from './schedule.js';

/** What is wrong with an instant, or `undefined`. */
export function instantProblem(at: number): string | undefined {
  if (!Number.isFinite(at))
    return "is not an instant; give a Date, epoch milliseconds or ISO 8601 text, as '2030-01-31T09:00:00Z'";
  return at < 0 || at >= END_OF_TIME ? 'is outside the years 1970 to 2199' : undefined;
}

/**
 * One tick.
 * @throws DistributedScheduleError `INVALID_SCHEDULE`
 */
export function onceSchedule(at: EpochMs): Schedule {
  const problem = typeof at === 'number' ? instantProblem(at) : 'is not a number of epoch milliseconds';
  if (problem) throw new DistributedScheduleError('INVALID_SCHEDULE', `at: ${JSON.stringify(at)} ${problem}`);
  return {
    minGapMs: Number.POSITIVE_INFINITY,
    phase: { everyMs: 0, offsetMs: at },
    next: (after) => (after < at ? at : undefined),
    count: (after, upTo) => (after < at && at <= upTo ? 1 : 0),
    describe: () => `once at ${new Date(at).toISOString()}`,
  };
}
