import { BoundedCache } from '../common/bounded-cache.js';
import type { EpochMs } from '../common/clock.js';
import { DistributedScheduleError } from '../common/errors.js';
import { type CronFields, parseFields, tidyExpression } from './cron-fields.js';
import { cronProblems } from './cron-problems.js';
import { END_OF_TIME, type Schedule } from './schedule.js';
import { timeZone, type TimeZone, timeZoneProblem } from './time-zone.js';
import { nextWall } from './wall-clock.js';

const HOUR = 3_600_000;

/** All instants of a local time lie within so many milliseconds of the same time in UTC. */
const WIDEST_OFFSET = 16 * HOUR;

const compiled = new BoundedCache<Schedule>(20_000);

/**
 * The ticks of a cron expression in a time zone. Equal expressions share one evaluator.
 *
 * 5 fields (minute hour day month weekday) or 6 (second first), names, `L` and `#`, and the aliases from `@yearly` to
 * `@secondly`. Where both day and weekday are restricted, either suffices. `W` and `H` are refused.
 *
 * When clocks change, an expression that names hours keeps to its times, each once; one that runs in all 24 hours keeps
 * its pace:
 *
 * | clocks | names hours: `30 2 * * *`, `0,30 1-3 * * *` | every hour: `0,30 * * * *`, `5 * * * *` |
 * |---|---|---|
 * | jump ahead, the time is skipped | fires as late as the jump is long: 02:30 fires at 03:30, once | goes on; skipped times do not fire |
 * | go back, the time comes twice | fires the first time only | fires both times |
 *
 * @throws DistributedScheduleError `INVALID_SCHEDULE` with all problems
 * @example cronSchedule('30 2 * * mon-fri', 'Europe/London').next(Date.UTC(2030, 0, 1))
 */
export function cronSchedule(expression: string, zone: string): Schedule {
  const tidy = typeof expression === 'string' ? tidyExpression(expression) : expression;
  return compiled.get(`${zone} ${tidy}`, () => {
    const problems = cronProblems(expression).map((problem) => `cron: ${problem}`);
    const unknown = timeZoneProblem(zone);
    if (unknown) problems.push(`timeZone: ${JSON.stringify(zone)} ${unknown}`);
    if (problems.length > 0) throw new DistributedScheduleError('INVALID_SCHEDULE', problems.join('; '));
    return new CronSchedule(tidy, parseFields(tidy), timeZone(zone));
  });
}

class CronSchedule implements Schedule {
  readonly minGapMs: number;
  private readonly isHourly: boolean;
  /** The latest answer: every `after` in [recentFrom, recentTick) has it. Tasks that share the evaluator ask for the same. */
  private recentFrom: EpochMs = 0;
  private recentTick: EpochMs = 0;

  constructor(
    private readonly expression: string,
    private readonly fields: CronFields,
    private readonly zone: TimeZone,
  ) {
    this.isHourly = fields.hours.length === 24;
    this.minGapMs = smallestGap(fields);
  }

  next(after: EpochMs): EpochMs | undefined {
    if (after >= this.recentFrom && after < this.recentTick) return this.recentTick;
    const tick = this.search(Math.max(0, Math.floor(after) + 1));
    if (tick !== undefined) [this.recentFrom, this.recentTick] = [after, tick];
    return tick;
  }

  describe(): string {
    return `cron "${this.expression}" in ${this.zone.name}`;
  }

  /** The first tick at or after `earliest`: span by span, in each of which local time is UTC plus a constant. */
  private search(earliest: EpochMs): EpochMs | undefined {
    for (let start = earliest; start < END_OF_TIME;) {
      const span = this.zone.spanAt(start);
      const shift = this.isHourly ? 0 : span.offset - span.before;
      if (shift < 0 && start < span.from - shift) start = Math.min(span.from - shift, span.to);
      if (start === span.to) continue;
      const wall = nextWall(this.fields, start - 1 + span.offset);
      const skipped =
        shift > 0 && start < span.from + shift ? nextWall(this.fields, start - 1 + span.before) : undefined;
      const shifted = skipped === undefined ? Infinity : skipped - span.before;
      const direct = wall === undefined ? Infinity : wall - span.offset;
      const tick = Math.min(direct, shifted < span.from + shift ? shifted : Infinity);
      if (tick < span.to) return tick < END_OF_TIME ? tick : undefined;
      if (wall === undefined) return undefined;
      start = Math.max(span.to, wall - WIDEST_OFFSET);
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
