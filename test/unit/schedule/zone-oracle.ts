const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Changes of clocks by an hour and less, by two hours and by a day; over midnight and right after it. */
export const CHANGES: readonly [zone: string, around: string][] = [
  ['America/New_York', '2030-03-10'],
  ['America/New_York', '2030-11-03'],
  ['Europe/Berlin', '2030-03-31'],
  ['Europe/Berlin', '2030-10-27'],
  ['Australia/Lord_Howe', '2030-04-06'],
  ['Antarctica/Troll', '2030-10-27'],
  ['Africa/Cairo', '2030-04-26'],
  ['Africa/Cairo', '2030-10-31'],
  ['Asia/Beirut', '2030-03-31'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['America/Sao_Paulo', '2019-02-16'],
  ['America/Havana', '2030-11-03'],
  ['America/Nuuk', '2030-03-30'],
  ['America/St_Johns', '2010-11-07'],
  ['America/St_Johns', '2010-03-14'],
  ['Pacific/Apia', '2011-12-30'],
  ['Pacific/Kwajalein', '1993-08-21'],
  ['Asia/Kathmandu', '1985-12-31'],
  ['UTC', '2030-06-30'],
];

/**
 * What clocks of a zone show in a stretch of time, read from `Intl` hour by hour, and minute by minute where two hours
 * differ: slow, and knows nothing of the library.
 */
export class ZoneWalk {
  private readonly shown = new Map<string, boolean>();
  private readonly offsets: { from: number; offset: number }[] = [];

  constructor(
    zone: string,
    readonly from: number,
    readonly to: number,
  ) {
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
    const offsetAt = (at: number): number => Date.parse(`${format.format(at).replace(' ', 'T')}Z`) - at;
    for (let at = from; at < to; at += HOUR) {
      const offset = offsetAt(at);
      if (this.offsets.at(-1)?.offset === offset) continue;
      let first = at;
      while (this.offsets.length > 0 && offsetAt(first - MINUTE) === offset) first -= MINUTE;
      this.offsets.push({ from: first, offset });
    }
  }

  /** Local time, written as if it were UTC. */
  wallOf(instant: number): number {
    return instant + this.offsets.findLast(({ from }) => from <= instant)!.offset;
  }

  /** `2030-03-10` */
  dateOf(instant: number): string {
    return new Date(this.wallOf(instant)).toISOString().slice(0, 10);
  }

  /** Whether clocks show anything of this date. */
  hasDate(date: string): boolean {
    let known = this.shown.get(date);
    if (known === undefined) this.shown.set(date, (known = this.shows(date)));
    return known;
  }

  private shows(date: string): boolean {
    const midnight = Date.parse(date);
    for (let at = midnight - DAY; at < midnight + 2 * DAY; at += 30 * MINUTE) if (this.dateOf(at) === date) return true;
    return false;
  }

  /** The first instant at which clocks show this time; where they skip it, as much later as they jump. */
  instantOf(wall: number): number {
    const shown = this.offsets.map(({ offset }) => wall - offset).filter((at) => this.wallOf(at) === wall);
    if (shown.length > 0) return Math.min(...shown);
    const jump = this.offsets.findIndex(({ from, offset }, i) => {
      const before = this.offsets[i - 1]?.offset;
      return before !== undefined && from + before <= wall && wall < from + offset;
    });
    return wall - this.offsets[jump - 1]!.offset;
  }
}
