import type { DstPolicy } from '../../../lib/core/schedule/zone/dst.js';
import { type CronCase, startOfDay, type WallTime, wallsOfDay, wallTimeOf } from './cron-arbitrary.js';

// The oracle: when a cron expression fires, found out the slow way from what `Intl.DateTimeFormat` says clocks show.
// Nothing here knows of offsets, spans or anything else of the library. Local times are written as if they were UTC.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What clocks show at an instant. */
export type Clock = (at: number) => number;

/** Clocks jump from `before` to `after` at one instant. */
export interface ClockChange {
  at: number;
  before: number;
  after: number;
}

/** A time on the clock with all instants at which it is shown. */
export interface ClockTime {
  wall: number;
  time: WallTime;
  shownAt: number[];
  /** Where it is never shown: when the clock would show it, had it not jumped over it before. */
  wouldBeAt: number;
}

/** An instant at which an expression fires, and why there. */
export interface SlowTick {
  at: number;
  why: 'once' | 'first' | 'second' | 'shifted';
}

export const POLICIES: Required<DstPolicy>[] = (['shift', 'skip'] as const).flatMap((gap) =>
  (['first', 'second', 'both'] as const).map((overlap) => ({ gap, overlap })),
);

const clocks = new Map<string, Clock>();

/** @example clockOf('Asia/Tokyo')(0) // 32_400_000, for 09:00 on 1 January 1970 */
export function clockOf(zone: string): Clock {
  const known = clocks.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const clock: Clock = (at) => Date.parse(`${format.format(at).replace(' ', 'T')}Z`);
  clocks.set(zone, clock);
  return clock;
}

/** Every jump in (from, to], to the second: wherever a clock did not advance by as much as time did, it is looked at more closely. */
export function changesOf(zone: string, from: number, to: number, stepMs = 12 * HOUR): ClockChange[] {
  const clock = clockOf(zone);
  const changes: ClockChange[] = [];
  const look = (start: number, end: number, [step, ...finer]: number[]): void => {
    let wall = clock(start);
    for (let at = start; at < end; at += step!) {
      const then = Math.min(at + step!, end);
      const shown = clock(then);
      if (shown - wall !== then - at) {
        if (finer.length > 0) look(at, then, finer);
        else changes.push({ at: then, before: wall + (then - at), after: shown });
      }
      wall = shown;
    }
  };
  look(from, to, [stepMs, 30 * MINUTE, MINUTE, SECOND]);
  return changes;
}

/** By how much clocks jump; ahead is positive. */
export const jumpOf = ({ before, after }: ClockChange): number => after - before;

/**
 * What clocks show from `from` to `to`, minute by minute, in the order of the clock; in steps of seconds where they do
 * not change on whole minutes. A time that is shown again outside is not known to be: begin and end far enough away.
 *
 * @throws Error where clocks jump and `changes` has no such change
 */
export function walkTheClock(zone: string, from: number, to: number, changes: readonly ClockChange[]): ClockTime[] {
  const clock = clockOf(zone);
  const inside = changes.filter(({ at }) => at > from && at <= to);
  const grain = [from, clock(from), ...inside.flatMap((change) => [change.at, change.before, change.after])].reduce(
    greatestDivisor,
    MINUTE,
  );
  const times = new Map<number, ClockTime>();
  const timeAt = (wall: number): ClockTime => {
    const known = times.get(wall) ?? { wall, time: wallTimeOf(wall), shownAt: [], wouldBeAt: Number.NaN };
    times.set(wall, known);
    return known;
  };
  let expected = clock(from);
  for (let at = from; at < to; at += grain) {
    const wall = clock(at);
    if (wall !== expected && !inside.some((change) => change.at === at && jumpOf(change) === wall - expected)) {
      throw new Error(`${zone}: a jump at ${new Date(at).toISOString()} that no one has found`);
    }
    for (let skipped = expected; skipped < wall; skipped += grain) timeAt(skipped).wouldBeAt = at + skipped - expected;
    timeAt(wall).shownAt.push(at);
    expected = wall + grain;
  }
  return [...times.values()].sort((a, b) => a.wall - b.wall);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : greatestDivisor(b, a % b);
}

/** The times of a walk that match, to the second. */
export function matchingTimes(cron: CronCase, times: readonly ClockTime[]): ClockTime[] {
  const grain = times.length > 1 ? times[1]!.wall - times[0]!.wall : MINUTE;
  return times.flatMap(({ wall, time, shownAt, wouldBeAt }) => {
    const seconds = cron.seconds.filter((s) => s >= time.second && s < time.second + grain / SECOND);
    if (seconds.length === 0 || !cron.matches({ ...time, second: seconds[0]! })) return [];
    return seconds.map((second) => {
      const later = (second - time.second) * SECOND;
      return { wall: wall + later, time, shownAt: shownAt.map((at) => at + later), wouldBeAt: wouldBeAt + later };
    });
  });
}

/** The rules for changing clocks, applied to the times that match: when they fire, in order, each instant once. */
export function ticksOf(
  { everyHour }: CronCase,
  { gap, overlap }: Required<DstPolicy>,
  matching: readonly Pick<ClockTime, 'shownAt' | 'wouldBeAt'>[],
): SlowTick[] {
  const ticks = matching.flatMap(({ shownAt, wouldBeAt }): SlowTick[] => {
    const [first, second, ...more] = shownAt;
    if (more.length > 0) throw new Error('a time that comes three times is not thought of');
    if (first === undefined) return gap === 'shift' && !everyHour ? [{ at: wouldBeAt, why: 'shifted' }] : [];
    if (second === undefined) return [{ at: first, why: 'once' }];
    return [
      ...(everyHour || overlap !== 'second' ? [{ at: first, why: 'first' } as const] : []),
      ...(everyHour || overlap !== 'first' ? [{ at: second, why: 'second' } as const] : []),
    ];
  });
  // A time that is shifted to one that fires anyway: one tick, which is said to be shifted.
  ticks.sort((a, b) => a.at - b.at || (a.why === 'shifted' ? -1 : 1));
  return ticks.filter(({ at }, i) => at !== ticks[i - 1]?.at);
}

/**
 * When an expression fires in [from, to), day by day of the calendar: each matching time is looked for at the two
 * instants at which clocks would show it, by what they show well before the day and well after it. Holds where clocks
 * change at most once in four days.
 */
export function ticksByCalendar(
  cron: CronCase,
  policy: Required<DstPolicy>,
  zone: string,
  from: number,
  to: number,
): SlowTick[] {
  const clock = clockOf(zone);
  const matching: Pick<ClockTime, 'shownAt' | 'wouldBeAt'>[] = [];
  for (let day = startOfDay(clock(from)) - 2 * DAY; day < clock(to) + 2 * DAY; day += DAY) {
    const walls = wallsOfDay(cron, day);
    if (walls.length === 0) continue;
    const [early, late] = [day - 30 * HOUR, day + 54 * HOUR];
    const leads = [clock(early) - early, clock(late) - late];
    for (const wall of walls) {
      const candidates = leads.map((lead) => wall - lead);
      const shownAt = [...new Set(candidates)].filter((at) => clock(at) === wall).sort((a, b) => a - b);
      matching.push({ shownAt, wouldBeAt: candidates[0]! });
    }
  }
  return ticksOf(cron, policy, matching).filter(({ at }) => at >= from && at < to);
}
