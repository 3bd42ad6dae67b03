import type { EpochMs } from '../../common/clock.js';
import { DAY_MS, dateOf } from './local-dates.js';
import { isDayOf, localDay, startOfDay, stretchesOf } from './local-days.js';
import { LONGEST_CLOSURE, type StoredCalendar, weekdayOf, type WorkingDays, workingDays } from './named-calendar.js';
import { END_OF_TIME, type Phase, type Schedule } from '../schedule.js';
import { timeZone, type TimeZone } from '../zone/time-zone.js';

/** To which open day a tick on a closed day is moved. */
export type Shift = 'next' | 'previous';

/** More ticks than these are never moved to one day: a search must end, whatever the schedule. */
const MOST_TICKS = 50_000;
/** So many of the latest open days are remembered with their ticks: a search looks at three. */
const REMEMBERED = 3;
const LAST_DAY = END_OF_TIME / DAY_MS;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** An open day with the closed days whose ticks are moved to it. */
interface OpenDay {
  readonly day: number;
  /** The first and the last of all these days. */
  readonly first: number;
  readonly last: number;
  /** The first instant of the open day: no tick of it or of a later one is earlier. */
  readonly start: EpochMs;
  /** In order; each with the ticks of the schedule that it stands for. */
  readonly ticks: readonly { readonly at: EpochMs; readonly of: readonly EpochMs[] }[];
}

/**
 * The ticks of a schedule of local times, those on closed days moved to the next or the previous open day at the same
 * local time, as it was written: to the first of two, and later by the jump where clocks skip it. What meets another tick there is one with
 * it. A tick for which no day is open within {@link LONGEST_CLOSURE} days is dropped.
 *
 * Two ticks are no closer than before: they are moved by whole days and by changes of the clock, which leave the distance
 * within the minute and the quarter of an hour as it was, and `minGapMs` of local times says no more than that.
 *
 * @param zone the schedule's
 */
export function shiftToWorkingDays(base: Schedule, calendar: StoredCalendar, shift: Shift, zone: string): Schedule {
  return new WorkingDayShift(base, calendar, shift, timeZone(zone));
}

class WorkingDayShift implements Schedule {
  readonly minGapMs: number;
  readonly phase?: Phase;
  private readonly days: WorkingDays;
  private remembered: OpenDay[] = [];
  /** The latest answer: every `after` in [recentFrom, recentUpTo) has it. */
  private recentFrom: EpochMs = 0;
  private recentUpTo: EpochMs = 0;
  private recentTick: EpochMs | undefined;

  constructor(
    private readonly base: Schedule,
    private readonly calendar: StoredCalendar,
    private readonly shift: Shift,
    private readonly zone: TimeZone,
  ) {
    this.minGapMs = base.minGapMs;
    if (base.phase && base.phase.everyMs > 0 && 60_000 % base.phase.everyMs === 0) this.phase = base.phase;
    this.days = workingDays(calendar);
  }

  next(after: EpochMs): EpochMs | undefined {
    if (after < this.recentFrom || after >= this.recentUpTo) {
      this.recentTick = after < END_OF_TIME ? this.search(Math.max(-1, after)) : undefined;
      [this.recentFrom, this.recentUpTo] = [after, this.recentTick ?? Infinity];
    }
    return this.recentTick;
  }

  noteOn(tick: EpochMs): string | undefined {
    for (let open = this.openDay(localDay(this.zone, tick) - 1); open && open.start <= tick; open = this.after(open)) {
      const found = open.ticks.find(({ at }) => at === tick);
      if (found) return this.note(tick, found.of);
    }
    return undefined;
  }

  describe(): string {
    return `${this.base.describe()}, moved to the ${this.shift} working day of calendar ${this.calendar.calendar}`;
  }

  private note(tick: EpochMs, of: readonly EpochMs[]): string | undefined {
    const own = of.includes(tick) ? this.base.noteOn?.(tick) : undefined;
    const [from, ...more] = of.filter((source) => source !== tick);
    if (from === undefined) return own;
    const day = localDay(this.zone, from);
    const moved =
      `${of.includes(tick) ? 'also for' : 'moved from'} ${WEEKDAYS[weekdayOf(day)]} ${dateOf(day)}, closed in calendar ` +
      `${this.calendar.calendar}${more.length > 0 ? `, and ${more.length} more` : ''}`;
    return own === undefined ? moved : `${own}; ${moved}`;
  }

  /** Open day by open day, in leaps over those that no tick belongs to. */
  private search(after: EpochMs): EpochMs | undefined {
    let earliest: EpochMs | undefined;
    // The day before may have ticks later than `after` where clocks go back over midnight, or skip it.
    let open = this.openDay(localDay(this.zone, after) - 1);
    while (open && (earliest === undefined || open.start <= earliest)) {
      const tick = open.ticks.find(({ at }) => at > after)?.at;
      if (tick !== undefined && (earliest === undefined || tick < earliest)) earliest = tick;
      if (earliest !== undefined) open = this.after(open);
      else {
        const later = this.base.next(startOfDay(this.zone, open.last + 1) - 1);
        if (later === undefined) return undefined;
        // A tick of the day before may still follow, where clocks go back over midnight.
        open = this.openDay(Math.max(localDay(this.zone, later) - 1, open.last + 1));
      }
    }
    return earliest;
  }

  private after(open: OpenDay): OpenDay | undefined {
    return this.openDay(open.last + 1);
  }

  /** The first open day that the ticks of `day` or of a later day belong to. */
  private openDay(day: number): OpenDay | undefined {
    const known = this.remembered.find(({ first, last }) => first <= day && day <= last);
    if (known) return known;
    const target = this.shift === 'next' ? this.openAfter(day) : (this.open(day, -1) ?? this.openAfter(day + 1));
    if (target === undefined) return undefined;
    const [before, after] = [this.open(target - 1, -1), this.open(target + 1, 1)];
    const first = this.shift === 'next' ? Math.max((before ?? -Infinity) + 1, target - LONGEST_CLOSURE) : target;
    const last = this.shift === 'next' ? target : Math.min((after ?? Infinity) - 1, target + LONGEST_CLOSURE);
    const open = {
      day: target,
      first,
      last,
      start: startOfDay(this.zone, target),
      ticks: this.ticksOf(target, first, last),
    };
    this.remembered = [open, ...this.remembered.slice(0, REMEMBERED - 1)];
    return open;
  }

  /** The first open day at or after `day`, or at or before it, that the zone has. */
  private open(day: number, direction: 1 | -1): number | undefined {
    for (let from = day; ; from += direction) {
      const open = this.days.openFrom(from, direction);
      if (open === undefined || Math.abs(open - day) > LONGEST_CLOSURE) return undefined;
      if (isDayOf(this.zone, open)) return open;
      from = open;
    }
  }

  /** The first open day at or after `day`, however far. */
  private openAfter(day: number): number | undefined {
    for (let from = day; from < LAST_DAY; from += LONGEST_CLOSURE + 1) {
      const open = this.open(from, 1);
      if (open !== undefined) return open;
    }
    return undefined;
  }

  private ticksOf(day: number, first: number, last: number): OpenDay['ticks'] {
    const ticks = new Map<EpochMs, EpochMs[]>();
    let count = 0;
    for (const { from, to, offset } of stretchesOf(this.zone, first, last)) {
      let tick = this.base.next(from - 1);
      for (; tick !== undefined && tick < to && count < MOST_TICKS; tick = this.base.next(tick), count++) {
        const isOwn = Math.floor((tick + offset) / DAY_MS) === day;
        for (const at of isOwn ? [tick] : this.moved(tick, tick + offset, day)) {
          const of = ticks.get(at);
          if (of) of.push(tick);
          else if (at >= 0 && at < END_OF_TIME) ticks.set(at, [tick]);
        }
      }
    }
    return [...ticks].map(([at, of]) => ({ at, of })).sort((a, b) => a.at - b.at);
  }

  /** The instants of a tick's local times on another day. */
  private moved(tick: EpochMs, shown: number, day: number): EpochMs[] {
    const times = this.base.localTimesOf?.(tick) ?? [shown];
    return times.map((wall) => this.zone.instantOf(day * DAY_MS + wall - Math.floor(wall / DAY_MS) * DAY_MS));
  }
}
