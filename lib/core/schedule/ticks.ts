import type { EpochMs } from '../common/clock.js';
import { type Schedule, startOf } from './schedule.js';

/** Ticks are counted one by one up to here; beyond, a count is a lower bound. */
export const COUNT_CAP = 1_000;

/**
 * The last tick in (after, upTo], found by jumping: a handful of `next` calls for an even schedule, about sixty for the
 * oddest, however long the time and however many ticks are in it.
 */
export function lastTick(schedule: Schedule, after: EpochMs, upTo: EpochMs): EpochMs | undefined {
  let found: EpochMs | undefined;
  let empty = upTo;
  for (let reach = Math.min(schedule.minGapMs, upTo - after); found === undefined; reach *= 2) {
    if (empty <= after) return undefined;
    const probe = Math.max(after, upTo - reach);
    const tick = schedule.next(probe);
    if (tick !== undefined && tick <= upTo) found = tick;
    else empty = probe;
  }
  for (let next = schedule.next(found); next !== undefined && next <= empty; next = schedule.next(found)) {
    found = next;
    const middle = Math.floor((found + empty) / 2);
    const tick = schedule.next(middle);
    if (tick !== undefined && tick <= empty) found = tick;
    else empty = middle;
  }
  return found;
}

/** Up to where the ticks after `after` have started at `instant`: that instant, but for a last tick that jitter still holds back. */
export function startedBy(schedule: Schedule, after: EpochMs, instant: EpochMs): EpochMs {
  if (!schedule.delayOf) return instant;
  const last = lastTick(schedule, after, instant);
  return last !== undefined && startOf(schedule, last) > instant ? last - 1 : instant;
}

/** The `n`th tick from the end of (after, upTo], and whether there are earlier ones: O(n). */
export function tickFromEnd(
  schedule: Schedule,
  after: EpochMs,
  upTo: EpochMs,
  n: number,
): { tick: EpochMs; before?: EpochMs } | undefined {
  let tick = lastTick(schedule, after, upTo);
  if (tick === undefined) return undefined;
  for (let i = 1; ; i++) {
    const before = lastTick(schedule, after, tick - 1);
    if (before === undefined) return { tick };
    if (i === n) return { tick, before };
    tick = before;
  }
}

/** How many ticks lie in (after, upTo], exact up to {@link COUNT_CAP} or where the schedule can count. */
export function countTicks(schedule: Schedule, after: EpochMs, upTo: EpochMs): { count: number; atLeast?: true } {
  if (schedule.count) return { count: schedule.count(after, upTo) };
  let count = 0;
  for (let tick = schedule.next(after); tick !== undefined && tick <= upTo; tick = schedule.next(tick)) {
    if (++count === COUNT_CAP) {
      const more = schedule.next(tick);
      return more !== undefined && more <= upTo ? { count, atLeast: true } : { count };
    }
  }
  return { count };
}
