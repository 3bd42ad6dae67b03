import { BoundedCache } from '../../common/bounded-cache.js';
import { type CronFields, parseFields, tidyExpression } from '../cron/cron-fields.js';
import { DAY_MS } from './local-dates.js';
import { nextWall } from '../cron/wall-clock.js';

/** So many whole days are looked at in one go. */
const MOST_DAYS = 400;

/**
 * The times that a cron expression names, as periods on a clock without zones (times written as if they were UTC): all
 * seconds of its minutes, or with six fields the seconds it names.
 */
class NamedPeriods {
  private readonly seconds: readonly number[];
  private readonly minutes: readonly number[];
  private readonly hours: readonly number[];
  private readonly midnights: CronFields;
  /** The latest answer: no day in [askedDay, namedDay) is named, and `namedDay` is. */
  private askedDay = 0;
  private namedDay = -1;

  constructor(expression: string, grain: Grain | undefined) {
    const fields = parseFields(expression);
    const hasSeconds = expression.startsWith('@') ? expression === '@secondly' : expression.split(' ').length === 6;
    this.seconds = endsOf(hasSeconds ? covering(fields.seconds, grain?.seconds) : ALL, 60);
    this.minutes = endsOf(covering(fields.minutes, grain?.minutes), 60);
    this.hours = endsOf(fields.hours, 24);
    this.midnights = { ...fields, hours: [0], minutes: [0], seconds: [0] };
  }

  /**
   * Where the period that holds `wall` ends; `undefined` where none does. A period may be cut at the end of a minute, an
   * hour, a day or of {@link MOST_DAYS}: the next one begins right there.
   */
  endAt(wall: number): number | undefined {
    const day = Math.floor(wall / DAY_MS);
    const time = Math.floor((wall - day * DAY_MS) / 1_000);
    const [hour, minute] = [Math.floor(time / 3_600), Math.floor(time / 60) % 60];
    const [hourEnd, minuteEnd, secondEnd] = [this.hours[hour]!, this.minutes[minute]!, this.seconds[time % 60]!];
    if (hourEnd === 0 || minuteEnd === 0 || secondEnd === 0 || !this.isNamed(day)) return undefined;
    const at = (h: number, m: number, s: number): number => day * DAY_MS + (h * 3_600 + m * 60 + s) * 1_000;
    if (!isWhole(this.seconds)) return at(hour, minute, secondEnd);
    if (!isWhole(this.minutes)) return at(hour, minuteEnd, 0);
    if (!isWhole(this.hours)) return at(hourEnd, 0, 0);
    let end = day + 1;
    while (end - day < MOST_DAYS && this.isNamed(end)) end++;
    return end * DAY_MS;
  }

  private isNamed(day: number): boolean {
    if (day < this.askedDay || day > this.namedDay) {
      const midnight = nextWall(this.midnights, day * DAY_MS - 1);
      [this.askedDay, this.namedDay] = [day, midnight === undefined ? Infinity : midnight / DAY_MS];
    }
    return day === this.namedDay;
  }
}

/** For each value of a field the first value after it that is not named, `size` where all are; 0 where it is not named itself. */
function endsOf(values: readonly number[], size: number): number[] {
  const ends = Array.from({ length: size }, () => 0);
  for (let value = size - 1; value >= 0; value--) {
    if (values.includes(value)) ends[value] = ends[value + 1] || value + 1;
  }
  return ends;
}

/** Whether a field names all its values. */
function isWhole(ends: readonly number[]): boolean {
  return ends[0] === ends.length;
}

const compiled = new BoundedCache<NamedPeriods>(2_000);

/**
 * @param expression without problems and without an `H`
 * @param grain of the schedule whose ticks are held against it: where all its seconds are named, all seconds may count as
 * named, and a block is a minute, an hour or a day instead of each second by itself
 */
export function namedPeriods(expression: string, grain?: Grain): Pick<NamedPeriods, 'endAt'> {
  const tidy = tidyExpression(expression);
  const key = `${tidy} | ${grain?.seconds.join() ?? ''} | ${grain?.minutes?.join() ?? ''}`;
  return compiled.get(key, () => new NamedPeriods(tidy, grain));
}

/** At which seconds of a minute a schedule may have ticks, and at which minutes of an hour, where that is known. */
export interface Grain {
  readonly seconds: readonly number[];
  readonly minutes?: readonly number[];
}

const ALL = Array.from({ length: 60 }, (_, value) => value);

/** All values, where the named ones hold all that are asked for. */
function covering(named: readonly number[], asked: readonly number[] | undefined): readonly number[] {
  return asked?.every((value) => named.includes(value)) ? ALL : named;
}
