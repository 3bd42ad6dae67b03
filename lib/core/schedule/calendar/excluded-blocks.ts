import type { EpochMs } from '../../common/clock.js';
import { derived, type Phase, type Schedule } from '../schedule.js';
import type { TimeZone } from '../zone/time-zone.js';

/**
 * Time without ticks. For an instant in it: a later one, up to which everything is in it too; `undefined` for an instant
 * that is not in it. Whether an instant is in it never depends on what was asked before.
 */
export type Block = (instant: EpochMs) => EpochMs | undefined;

/**
 * How many blocks a search may jump over. A schedule none of whose ticks comes before has no tick any more: a search
 * must end, also where every tick is excluded.
 */
export const MOST_BLOCKS = 50_000;

/** The instants in [from, to). */
export function spanBlock(from: EpochMs, to: EpochMs): Block {
  return (instant) => (instant >= from && instant < to ? to : undefined);
}

/** Where the excluded time ends that holds a local time, `undefined` where none does; both written as if they were UTC. */
export type LocalPeriods = (wall: number) => number | undefined;

/**
 * The instants at which the clocks of a zone show a time of some period. A block ends at the latest where the clocks
 * change: what they show then is looked at anew.
 */
export function localBlock(zone: TimeZone, periods: readonly LocalPeriods[]): Block {
  return (instant) => {
    const { offset, to } = zone.spanAt(instant);
    const end = latestEnd(periods, instant + offset);
    return end === undefined ? undefined : Math.min(to, end - offset);
  };
}

/** The ticks of a schedule that are in no block. */
export function without(schedule: Schedule, blocks: readonly Block[], describe: () => string): Schedule {
  return blocks.length === 0 ? derived(schedule, { describe }) : new ScheduleWithout(schedule, blocks, describe);
}

/** A class, because there may be very many. */
class ScheduleWithout implements Schedule {
  readonly minGapMs: number;
  declare readonly phase?: Phase;
  declare readonly delayOf?: (tick: EpochMs) => number;
  declare readonly localTimesOf?: (tick: EpochMs) => readonly number[];
  /** The latest answer: every `after` in [from, upTo) has it. Also where there is none, which takes longest to find. */
  private from: EpochMs = 0;
  private upTo: EpochMs = 0;
  private tick: EpochMs | undefined;

  constructor(
    private readonly base: Schedule,
    private readonly blocks: readonly Block[],
    readonly describe: () => string,
  ) {
    this.minGapMs = base.minGapMs;
    if (base.phase) this.phase = base.phase;
    if (base.delayOf) this.delayOf = (tick) => base.delayOf!(tick);
    if (base.localTimesOf) this.localTimesOf = (tick) => base.localTimesOf!(tick);
  }

  next(after: EpochMs): EpochMs | undefined {
    if (after < this.from || after >= this.upTo) this.search(after);
    return this.tick;
  }

  noteOn(tick: EpochMs): string | undefined {
    return this.base.noteOn?.(tick);
  }

  private search(after: EpochMs): void {
    let reached = after;
    for (let jumps = 0; jumps <= MOST_BLOCKS; jumps++) {
      const tick = this.base.next(reached);
      const end = tick === undefined ? undefined : latestEnd(this.blocks, tick);
      if (end === undefined) return this.remember(after, tick ?? Infinity, tick);
      reached = end - 1;
      // From here on it is known: who looks back step by step pays for each stretch once.
      if (reached >= this.from && reached < this.upTo) return this.remember(after, this.upTo, this.tick);
    }
    this.remember(after, reached, undefined);
  }

  private remember(from: EpochMs, upTo: EpochMs, tick: EpochMs | undefined): void {
    [this.from, this.upTo, this.tick] = [from, upTo, tick];
  }
}

function latestEnd(periods: readonly ((at: number) => number | undefined)[], at: number): number | undefined {
  let last: number | undefined;
  for (const period of periods) {
    const end = period(at);
    if (end !== undefined && (last === undefined || end > last)) last = end;
  }
  return last;
}
