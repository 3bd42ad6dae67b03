import type { EpochMs } from '../common/clock.js';
import { derived, type Phase, type Schedule } from './schedule.js';

/** The ticks of several schedules as one: an instant that more than one of them names is one tick. */
export function anyOf(parts: readonly Schedule[], describe: () => string): Schedule {
  if (parts.length === 1) return derived(parts[0]!, { describe });
  const [first, ...others] = parts.map(({ phase }) => phase);
  const phase = others.reduce((all, next) => all && next && common(all, next), first);
  return {
    minGapMs: smallestGap(parts),
    ...(phase && { phase }),
    next(after) {
      let earliest: EpochMs | undefined;
      for (const part of parts) {
        const tick = part.next(after);
        if (tick !== undefined && (earliest === undefined || tick < earliest)) earliest = tick;
      }
      return earliest;
    },
    ...(parts.every((part) => 'localTimesOf' in part) && {
      localTimesOf: (tick: EpochMs) => [
        ...new Set(parts.flatMap((part) => (part.next(tick - 1) === tick ? part.localTimesOf!(tick) : []))),
      ],
    }),
    noteOn: (tick) => parts.find((part) => part.next(tick - 1) === tick)?.noteOn?.(tick),
    describe,
  };
}

function smallestGap(parts: readonly Schedule[]): number {
  let gap = Math.min(...parts.map(({ minGapMs }) => minGapMs));
  parts.forEach((a, i) => {
    for (const b of parts.slice(i + 1)) gap = Math.min(gap, a.phase && b.phase ? distance(a.phase, b.phase) : 1);
  });
  return gap;
}

/** How close ticks of the one may come to ticks of the other, other than on the same instant. */
function distance(a: Phase, b: Phase): number {
  const every = divisor(a.everyMs, b.everyMs);
  const apart = Math.abs(a.offsetMs - b.offsetMs);
  if (every === 0) return apart === 0 ? Infinity : apart; // two single ticks
  const rest = apart % every;
  return rest === 0 ? every : Math.min(rest, every - rest);
}

function common(a: Phase, b: Phase): Phase | undefined {
  const every = divisor(a.everyMs, b.everyMs);
  if (every === 0) return a.offsetMs === b.offsetMs ? a : undefined;
  return (a.offsetMs - b.offsetMs) % every === 0 ? { everyMs: every, offsetMs: a.offsetMs % every } : undefined;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
