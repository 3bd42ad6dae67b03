import { BoundedCache } from '../../common/bounded-cache.js';
import type { EpochMs } from '../../common/clock.js';
import { nearest } from '../../common/nearest.js';

/** A stretch of time [from, to) in which a zone keeps one distance from UTC. */
export interface OffsetSpan {
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Local time minus UTC, in milliseconds. */
  readonly offset: number;
  /** The offset that ended at `from`. Larger: local time went back. Smaller: local time jumped ahead. */
  readonly before: number;
}

const DAY = 86_400_000;
const BUCKET = 366 * DAY;
/** No zone changed twice within this time since 1970; changes are looked for on this grid, then bisected. */
const PROBE = 6 * DAY;
/** A bucket begins so much early that a change just before it is seen, with the local times it skips or repeats. */
const MARGIN = 2 * DAY;

/** The offsets of one zone, from the runtime's own zone data. */
export class TimeZone {
  private readonly format: Intl.DateTimeFormat;
  private readonly buckets = new Map<number, OffsetSpan[]>();
  private last: OffsetSpan = { from: 0, to: 0, offset: 0, before: 0 };

  constructor(readonly name: string) {
    this.format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /** The span that holds `instant`. Its ends may lie closer than the next change: neighbours may have equal offsets. */
  spanAt(instant: EpochMs): OffsetSpan {
    if (instant < this.last.from + MARGIN || instant >= this.last.to) this.last = this.find(instant);
    return this.last;
  }

  /** Where in the span the times begin that clocks show once more after it; its end where there are none. */
  repeatedFrom(span: OffsetSpan): EpochMs {
    const next = this.find(span.to);
    const change = next.from === span.to ? next : this.find(next.to); // a span may end with its bucket
    const back = change.before - change.offset;
    return back > 0 ? Math.min(span.to, change.from - back) : span.to;
  }

  /** For people: whether clocks show the time of this instant twice, and which of the two it is. */
  repeatNote(instant: EpochMs): string | undefined {
    const span = this.find(instant);
    if (instant < span.from + span.before - span.offset) return 'second of two: the clock shows this time twice';
    return instant >= this.repeatedFrom(span) ? 'first of two: the clock shows this time twice' : undefined;
  }

  /** The instant at which clocks show `wall` (written as if it were UTC): the first of two, and shifted by the jump where there is none. */
  instantOf(wall: number): EpochMs {
    const { offset } = this.spanAt(wall - DAY);
    const instant = wall - offset;
    const span = this.spanAt(instant);
    const isSkipped = instant < span.from + span.offset - offset;
    return isSkipped ? instant : wall - span.offset;
  }

  private find(instant: EpochMs): OffsetSpan {
    const bucket = Math.floor(instant / BUCKET);
    let spans = this.buckets.get(bucket);
    if (!spans) this.buckets.set(bucket, (spans = this.spansOf(bucket * BUCKET)));
    return spans.findLast((span) => span.from <= instant)!;
  }

  private spansOf(start: EpochMs): OffsetSpan[] {
    const end = start + BUCKET;
    const spans: OffsetSpan[] = [];
    let from = start - MARGIN;
    let offset = this.offsetAt(from);
    let before = offset;
    for (let seen = from; seen < end;) {
      const probe = Math.min(seen + PROBE, end);
      const then = this.offsetAt(probe);
      if (then === offset) {
        seen = probe;
        continue;
      }
      const change = this.bisect(seen, probe, offset);
      spans.push({ from, to: change, offset, before });
      [before, offset, from, seen] = [offset, this.offsetAt(change), change, change];
    }
    if (from < end) spans.push({ from, to: end, offset, before });
    return spans;
  }

  /** The first whole second in (low, high] whose offset differs from `offset`. */
  private bisect(low: EpochMs, high: EpochMs, offset: number): EpochMs {
    let [same, different] = [low / 1000, high / 1000];
    while (different - same > 1) {
      const middle = Math.floor((same + different) / 2);
      if (this.offsetAt(middle * 1000) === offset) same = middle;
      else different = middle;
    }
    return different * 1000;
  }

  private offsetAt(instant: EpochMs): number {
    const match = /GMT([+-])(\d+):(\d+)(?::(\d+))?$/.exec(this.format.format(instant));
    if (!match) return 0;
    const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
    return (match[1] === '-' ? -seconds : seconds) * 1000;
  }
}

const zones = new BoundedCache<TimeZone>(500);

/** @throws RangeError where the runtime does not know the zone; ask {@link timeZoneProblem} first */
export function timeZone(name: string): TimeZone {
  return zones.get(name.toLowerCase(), () => new TimeZone(name));
}

/** What is wrong with the name of a zone, or `undefined`. Offsets such as `+02:00` are refused: not every runtime has them. */
export function timeZoneProblem(name: unknown): string | undefined {
  if (typeof name === 'string' && /^[A-Za-z][\w+/-]{0,63}$/.test(name)) {
    try {
      timeZone(name);
      return undefined;
    } catch {
      const like = nearestZone(name);
      return `is not a time zone this runtime knows${like ? `; did you mean '${like}'?` : "; give an IANA name, as 'Europe/London' or 'UTC'"}`;
    }
  }
  return "is not a time zone; give an IANA name, as 'Europe/London' or 'UTC'";
}

function nearestZone(name: string): string | undefined {
  const known = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const city = (zone: string): string => zone.slice(zone.lastIndexOf('/') + 1);
  const wanted = city(name.replaceAll('-', '_')).toLowerCase();
  return known.find((zone) => city(zone).toLowerCase() === wanted) ?? nearest(name, known);
}
