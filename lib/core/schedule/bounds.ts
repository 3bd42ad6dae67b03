import type { EpochMs } from '../common/clock.js';
import { derived, type Schedule } from './schedule.js';

/** The ticks of a schedule from `startAt` to `endAt`, both included; an end that is left open bounds nothing. */
export function bounded(schedule: Schedule, { startAt, endAt }: { startAt?: EpochMs; endAt?: EpochMs }): Schedule {
  if (startAt === undefined && endAt === undefined) return schedule;
  const first = startAt ?? -Infinity;
  const last = endAt ?? Infinity;
  return derived(schedule, {
    next(after) {
      const tick = schedule.next(Math.max(after, first - 1));
      return tick !== undefined && tick <= last ? tick : undefined;
    },
    ...('count' in schedule && {
      count: (after: EpochMs, upTo: EpochMs) => schedule.count!(Math.max(after, first - 1), Math.min(upTo, last)),
    }),
    describe: () =>
      schedule.describe() +
      (startAt === undefined ? '' : `, from ${new Date(startAt).toISOString()}`) +
      (endAt === undefined ? '' : `, until ${new Date(endAt).toISOString()}`),
  });
}
