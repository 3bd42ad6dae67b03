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
  /** All ticks leave the rest `offsetMs` when divided by `everyMs`; 0 where there is at most one tick. Absent where nothing is known. */
  readonly phase?: Phase;
  /** How many ticks lie in (after, upTo]. Only where it needs no enumeration. */
  count?(after: EpochMs, upTo: EpochMs): number;
  /**
   * How long after its tick a run starts, in milliseconds: the tick stays what it is, and is less late by so much.
   * Every start comes before the next tick. @default 0
   */
  delayOf?(tick: EpochMs): number;
  /**
   * The local times that a tick was written for, as if they were UTC: where clocks skip a time and it fires later, the
   * skipped one. For schedules of local times. @default what the clocks show
   */
  localTimesOf?(tick: EpochMs): readonly number[];
  /** For people: what is special about a tick, as that the clock shows its time twice. */
  noteOn?(tick: EpochMs): string | undefined;
  /** For people: `cron "0 9 * * 1-5" in Europe/London`, `every 5m`. */
  describe(): string;
}

export interface Phase {
  readonly everyMs: number;
  readonly offsetMs: number;
}

/** Calendar schedules have no tick at or after 2200-01-01; instants from there on are refused. */
export const END_OF_TIME: EpochMs = Date.UTC(2200, 0, 1);

/** A schedule made from another one: what it does not do its own way it leaves to that one, except the count. */
export function derived(base: Schedule, own: Partial<Schedule>): Schedule {
  const { minGapMs, phase } = base;
  return {
    minGapMs,
    ...(phase && { phase }),
    next: (after) => base.next(after),
    ...(base.delayOf && { delayOf: (tick) => base.delayOf!(tick) }),
    ...(base.localTimesOf && { localTimesOf: (tick) => base.localTimesOf!(tick) }),
    ...(base.noteOn && { noteOn: (tick) => base.noteOn!(tick) }),
    describe: () => base.describe(),
    ...own,
  };
}

/** When a run for the tick starts: at the tick, or with jitter somewhat later. */
export function startOf(schedule: Schedule, tick: EpochMs): EpochMs {
  return tick + (schedule.delayOf?.(tick) ?? 0);
}
