import type { Schedule } from '../../../lib/core/schedule/schedule.js';

/** A schedule of exactly these ticks, however uneven. */
export function tickList(ticks: readonly number[], canCount = false): Schedule {
  const sorted = [...new Set(ticks)].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((tick, i) => tick - sorted[i]!);
  return {
    minGapMs: Math.min(Infinity, ...gaps),
    next: (after) => sorted.find((tick) => tick > after),
    describe: () => `${sorted.length} ticks`,
    ...(canCount && {
      count: (after: number, upTo: number) => sorted.filter((tick) => tick > after && tick <= upTo).length,
    }),
  };
}
