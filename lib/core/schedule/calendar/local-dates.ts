import { BoundedCache } from '../../common/bounded-cache.js';

/** A range of local dates, both inclusive. Where both ends are `MM-DD` it is of every year, and may go over New Year. */
export interface DateRange {
  from: string;
  to: string;
}

export const DAY_MS = 86_400_000;

const OF_ONE_YEAR = /^\d{4}-\d\d-\d\d$/;
const OF_EVERY_YEAR = /^\d\d-\d\d$/;
/** A year that has every day. */
const LEAP_YEAR = 2000;
const NEW_YEAR = Date.UTC(LEAP_YEAR, 0, 1) / DAY_MS;
const DAYS_OF_YEAR = 366;

/** Whole days from 1970-01-01 to a date. */
export function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

/** `2026-12-25` */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Whether a text has the form of a date, of one year or of every. The date need not exist. */
export function isDateText(text: string): boolean {
  return OF_ONE_YEAR.test(text) || OF_EVERY_YEAR.test(text);
}

/** What is wrong with a date, or `undefined`. */
export function dateProblem(date: unknown): string | undefined {
  if (typeof date !== 'string' || !isDateText(date))
    return "is not a date; give '2026-12-25', or '12-25' for every year";
  const full = OF_EVERY_YEAR.test(date) ? `${LEAP_YEAR}-${date}` : date;
  const day = dayOf(full);
  if (Number.isNaN(day) || dateOf(day) !== full) return 'does not exist';
  return full < '1970' || full >= '2200' ? 'is outside the years 1970 to 2199' : undefined;
}

/** What is wrong with the ends of a range of dates, or `undefined`. */
export function rangeProblem({ from, to }: DateRange): string | undefined {
  if (from.length !== to.length) return 'is of one year at one end and of every year at the other; give both alike';
  return OF_ONE_YEAR.test(from) && from > to ? 'ends before it begins' : undefined;
}

/** Dates and ranges as one text: each once, in order, a range as `from/to`, separated by one space. */
export function datesText(dates: readonly (string | DateRange)[]): string {
  const texts = dates.map((date) =>
    typeof date === 'string' ? date : date.from === date.to ? date.from : `${date.from}/${date.to}`,
  );
  return [...new Set(texts)].sort().join(' ');
}

/** A date of every year from one year on, as it may stand in a text of dates beside those that users write. */
export function yearlyFrom(year: number, date: string): string {
  return year <= 1970 ? date : `${year}+${date}`;
}

/** The dates of a text, as whole days since 1970-01-01. */
export class DateSet {
  /** Apart and in order. */
  private readonly ranges: [first: number, last: number][] = [];
  /** By month and day: the first year that has the date, 0 where none has. */
  private readonly years = new Uint16Array(12 * 31);
  private readonly isYearly: boolean;

  constructor(text: string) {
    const items = text === '' ? [] : text.split(' ');
    const yearly = items.filter((item) => !OF_ONE_YEAR.test(item.slice(0, 10)));
    const single = items.filter((item) => OF_ONE_YEAR.test(item.slice(0, 10))).sort(); // by their first day
    for (const [first, last = first] of single.map((item) => item.split('/').map(dayOf)) as [number, number?][]) {
      const before = this.ranges.at(-1);
      if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
      else this.ranges.push([first, last]);
    }
    this.isYearly = yearly.length > 0;
    for (const item of yearly) this.addYearly(item);
  }

  has(day: number): boolean {
    if (this.rangeOf(day) !== undefined) return true;
    if (!this.isYearly) return false;
    const date = new Date(day * DAY_MS);
    const since = this.years[indexOf(date)]!;
    return since > 0 && date.getUTCFullYear() >= since;
  }

  /** The first day after `day` that is not in the set, or an earlier one where all dates of the year are. */
  endOf(day: number): number {
    let next = day + 1;
    for (let steps = 0; steps < DAYS_OF_YEAR && this.has(next); steps++) next = (this.rangeOf(next)?.[1] ?? next) + 1;
    return next;
  }

  private rangeOf(day: number): [number, number] | undefined {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle]![1] < day) low = middle + 1;
      else high = middle;
    }
    const range = this.ranges[low];
    return range && range[0] <= day ? range : undefined;
  }

  /** `12-25`, `12-24/01-02` or `2030+12-25`. */
  private addYearly(item: string): void {
    const [since, dates] = item.includes('+') ? item.split('+') : ['1', item];
    const [first, last = first] = dates!.split('/').map((date) => dayOf(`${LEAP_YEAR}-${date}`) - NEW_YEAR);
    const days = last! >= first! ? last! - first! : last! - first! + DAYS_OF_YEAR;
    for (let i = 0; i <= days; i++) {
      const index = indexOf(new Date((NEW_YEAR + ((first! + i) % DAYS_OF_YEAR)) * DAY_MS));
      this.years[index] = Math.min(this.years[index] || Infinity, Number(since));
    }
  }
}

function indexOf(date: Date): number {
  return date.getUTCMonth() * 31 + date.getUTCDate() - 1;
}

const sets = new BoundedCache<DateSet>(500);

/** Equal texts share one set. */
export function dateSet(text: string): DateSet {
  return sets.get(text, () => new DateSet(text));
}
