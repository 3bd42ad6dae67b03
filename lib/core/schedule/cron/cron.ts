import { BoundedCache } from '../../common/bounded-cache.js';
import type { EpochMs } from '../../common/clock.js';
import { DistributedScheduleError } from '../../common/errors.js';
import { type CronFields, parseFields, tidyExpression } from './cron-fields.js';
import { cronProblems } from './cron-problems.js';
import { cronWords } from './cron-words.js';
import { type DstPolicy, dstProblems, resolveDst } from '../zone/dst.js';
import { END_OF_TIME, type Phase, type Schedule } from '../schedule.js';
import { timeZone, type TimeZone, timeZoneProblem } from '../zone/time-zone.js';
import { nextWall, timeText } from './wall-clock.js';

const HOUR = 3_600_000;

/** All instants of a local time lie within so many milliseconds of the same time in UTC. */
const WIDEST_OFFSET = 16 * HOUR;

/** What an expression that runs in all 24 hours does: it keeps its pace. */
const REAL_TIME = { gap: 'skip', overlap: 'both' } as const;

const compiled = new BoundedCache<Schedule>(20_000);

/**
 * The ticks of a cron expression in a time zone. Equal expressions share one evaluator.
 *
 * 5 fields (minute hour day month weekday) or 6 (second first), names, `L`, `W` and `#`, and the aliases from `@yearly` to
 * `@secondly`. Where both day and weekday are restricted, either suffices. An `H` is resolved before, by the task's name.
 *
 * When clocks change, an expression that names hours does as `dst` says; one that runs in all 24 hours keeps its pace:
 *
 * | clocks | names hours: `30 2 * * *`, `0,30 1-3 * * *` | every hour: `0,30 * * * *`, `5 * * * *` |
 * |---|---|---|
 * | jump ahead, the time is skipped | `gap: 'shift'`: as late as the jump is long, 02:30 at 03:30, once. `'skip'`: not on that day | goes on; skipped times do not fire |
 * | go back, the time comes twice | `overlap: 'first'`, `'second'` or `'both'` | fires both times |
 *
 * @throws DistributedScheduleError `INVALID_SCHEDULE` with all problems
 * @example cronSchedule('30 2 * * mon-fri', 'Europe/London').next(Date.UTC(2030, 0, 1))
 */
export function cronSchedule(expression: string, zone: string, dst?: DstPolicy): Schedule {
  const tidy = typeof expression === 'string' ? tidyExpression(expression) : expression;
  const { gap, overlap } = resolveDst(dst);
  return compiled.get(`${zone} ${gap} ${overlap} ${tidy}`, () => {
    const problems = cronProblems(expression).map((problem) => `cron: ${problem}`);
    problems.push(...dstProblems(dst, 'dst'));
    const unknown = timeZoneProblem(zone);
    if (unknown) problems.push(`timeZone: ${JSON.stringify(zone)} ${unknown}`);
    if (problems.length > 0) throw new DistributedScheduleError('INVALID_SCHEDULE', problems.join('; '));
    return new CronSchedule(tidy, parseFields(tidy), timeZone(zone), { gap, overlap });
  });
}

class CronSchedule implements Schedule {
  readonly minGapMs: number;
  readonly phase?: Phase;
  private readonly dst: Required<DstPolicy>;
  /** The latest answer: every `after` in [recentFrom, recentTick) has it. Tasks that share the evaluator ask for the same. */
  private recentFrom: EpochMs = 0;
  private recentTick: EpochMs = 0;
  private words?: string;

  constructor(
    private readonly expression: string,
    private readonly fields: CronFields,
    private readonly zone: TimeZone,
    dst: Required<DstPolicy>,
  ) {
    this.dst = fields.hours.length === 24 ? REAL_TIME : dst;
    this.minGapMs = smallestGap(fields);
    // offsets are whole minutes since 1972
    if (fields.seconds.length === 1) this.phase = { everyMs: 60_000, offsetMs: fields.seconds[0]! * 1_000 };
  }

  next(after: EpochMs): EpochMs | undefined {
    if (after >= this.recentFrom && after < this.recentTick) return this.recentTick;
    const tick = this.search(Math.max(0, Math.floor(after) + 1));
    if (tick !== undefined) [this.recentFrom, this.recentTick] = [after, tick];
    return tick;
  }

  describe(): string {
    return (this.words ??= `${cronWords(this.expression)}, in ${this.zone.name}`);
  }

  noteOn(tick: EpochMs): string | undefined {
    const skipped = this.skippedAt(tick);
    return skipped === undefined
      ? this.zone.repeatNote(tick)
      : `shifted: the clock skips ${timeText(skipped)} on this day`;
  }

  localTimesOf(tick: EpochMs): number[] {
    const [skipped, shown] = [this.skippedAt(tick), tick + this.zone.spanAt(tick).offset];
    if (skipped === undefined) return [shown];
    return this.names(shown) ? [skipped, shown] : [skipped];
  }

  /** The local time, skipped by the clock, for which this tick stands, if it does. */
  private skippedAt(tick: EpochMs): number | undefined {
    const { from, offset, before } = this.zone.spanAt(tick);
    const skipped = tick + before;
    const isShifted = this.dst.gap === 'shift' && tick < from + offset - before && this.names(skipped);
    return isShifted ? skipped : undefined;
  }

  private names(wall: number): boolean {
    return nextWall(this.fields, wall - 1) === wall;
  }

  /** The first tick at or after `earliest`: span by span, in each of which local time is UTC plus a constant. */
  private search(earliest: EpochMs): EpochMs | undefined {
    const { gap, overlap } = this.dst;
    for (let start = earliest; start < END_OF_TIME;) {
      const span = this.zone.spanAt(start);
      const jump = span.offset - span.before;
      if (overlap === 'first' && jump < 0 && start < span.from - jump) start = Math.min(span.from - jump, span.to);
      const end = overlap === 'second' ? this.zone.repeatedFrom(span) : span.to;
      if (start >= end) {
        start = span.to;
        continue;
      }
      const wall = nextWall(this.fields, start - 1 + span.offset);
      const isAfterGap = gap === 'shift' && jump > 0 && start < span.from + jump;
      const skipped = isAfterGap ? nextWall(this.fields, start - 1 + span.before) : undefined;
      const shifted = skipped === undefined ? Infinity : skipped - span.before;
      const direct = wall === undefined ? Infinity : wall - span.offset;
      const tick = Math.min(direct, shifted < span.from + jump ? shifted : Infinity);
      if (tick < end) return tick < END_OF_TIME ? tick : undefined;
      if (wall === undefined) return undefined;
      // nothing is left out by a leap to the next time, but times that come once more right after this span
      start = this.zone.repeatedFrom(span) < span.to ? span.to : Math.max(span.to, wall - WIDEST_OFFSET);
    }
    return undefined;
  }
}

/**
 * A lower bound that also holds where clocks change, because since 1980 they change by quarters of an hour: the
 * distance of seconds in the minute, or of minutes in the quarter.
 */
function smallestGap({ seconds, minutes }: CronFields): number {
  if (seconds.length > 1) return closest(seconds, 60) * 1_000;
  return (
    closest(
      [...new Set(minutes.map((minute) => minute % 15))].sort((a, b) => a - b),
      15,
    ) * 60_000
  );
}

/** The smallest distance of neighbours on a circle of `size`; `values` ascend. */
function closest(values: readonly number[], size: number): number {
  return Math.min(...values.map((value, i) => (i > 0 ? value - values[i - 1]! : value + size - values.at(-1)!)));
}
