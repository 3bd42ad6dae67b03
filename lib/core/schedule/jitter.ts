import { hash32 } from '../common/hash.js';
import { formatDuration } from '../common/duration.js';
import type { EpochMs } from '../common/clock.js';
import { derived, type Schedule } from './schedule.js';

/**
 * The same ticks, each started somewhat later: from 0 to less than `jitterMs`, and always before the next tick. How much
 * follows from the seed and the tick alone, so every node, and every attempt, computes the same.
 *
 * @param seed the task's name: tasks with one schedule are spread
 */
export function jittered(schedule: Schedule, jitterMs: number, seed: string): Schedule {
  return derived(schedule, {
    ...('count' in schedule && { count: (after: EpochMs, upTo: EpochMs) => schedule.count!(after, upTo) }),
    delayOf(tick) {
      const next = schedule.next(tick);
      const room = next === undefined ? jitterMs : Math.min(jitterMs, next - tick);
      return Math.floor((hash32(`${seed} ${tick}`) / 2 ** 32) * room);
    },
    describe: () => `${schedule.describe()}, started up to ${formatDuration(jitterMs)} later`,
  });
}
