import type { EpochMs } from '../../common/clock.js';
import { DAY_MS } from './local-dates.js';
import type { TimeZone } from '../zone/time-zone.js';

/** A stretch of instants [from, to) in which clocks show UTC plus `offset`. */
export interface LocalStretch {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly offset: number;
}

/** Clocks of all zones show a local day between so long before and so long after the same day in UTC. */
const WIDEST_OFFSET = 16 * 3_600_000;

/** The local day of an instant, as whole days since 1970-01-01. */
export function localDay(zone: TimeZone, instant: EpochMs): number {
  return Math.floor((instant + zone.spanAt(instant).offset) / DAY_MS);
}

/**
 * The instants at which clocks show the local days from `first` to `last`. Mostly one stretch; more where clocks change,
 * also with gaps between them where they go back over midnight; none for a day that the zone left out.
 */
export function* stretchesOf(zone: TimeZone, first: number, last: number): Generator<LocalStretch> {
  const end = (last + 1) * DAY_MS + WIDEST_OFFSET;
  for (let start = first * DAY_MS - WIDEST_OFFSET; start < end;) {
    const span = zone.spanAt(start);
    const from = Math.max(start, first * DAY_MS - span.offset);
    const to = Math.min(span.to, (last + 1) * DAY_MS - span.offset);
    if (from < to) yield { from, to, offset: span.offset };
    start = span.to;
  }
}

/** Whether clocks ever show this day: Samoa had no 2011-12-30. */
export function isDayOf(zone: TimeZone, day: number): boolean {
  return stretchesOf(zone, day, day).next().value !== undefined;
}

/** The first instant of a local day, or of the days after it where the zone left it out. */
export function startOfDay(zone: TimeZone, day: number): EpochMs {
  return (stretchesOf(zone, day, day + 2).next().value as LocalStretch).from;
}
