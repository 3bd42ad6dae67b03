import type { CronFields } from './cron-fields.js';
import { END_OF_TIME } from '../schedule.js';

const SECOND = 1_000;
const DAY = 86_400_000;
/** Days 1, 8, 15, 22 and 29: one weekday's dates in a month that begins with it. */
const WEEKS = 0b10000001000000100000010000001;

/**
 * The first time strictly after `wall` that matches, on a calendar without zones: times are written as if they were
 * UTC. `undefined` where there is none before 2200. Looks at each month once, so the rarest date costs microseconds.
 */
export function nextWall(fields: CronFields, wall: number): number | undefined {
  const start = (Math.floor(wall / SECOND) + 1) * SECOND;
  const date = new Date(start);
  let [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  let time = timeOfDay(fields, date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds());
  if (time === undefined) day++;
  for (;;) {
    const first = Date.UTC(year, month, 1);
    if (first >= END_OF_TIME) return undefined;
    const rest = fields.months.includes(month + 1) ? daysOf(fields, year, month, first) & ~((1 << (day - 1)) - 1) : 0;
    if (rest !== 0) {
      const found = 32 - Math.clz32(rest & -rest);
      if (found !== day || time === undefined) time = timeOfDay(fields, 0, 0, 0);
      return first + (found - 1) * DAY + time! * SECOND;
    }
    [month, day, time] = [month + 1, 1, undefined];
    if (month === 12) [year, month] = [year + 1, 0];
  }
}

/** The matching second of the day at or after the given time; `undefined` where the day has none left. */
function timeOfDay(
  { hours, minutes, seconds }: CronFields,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  const at = (h: number, m: number, s: number): number => h * 3600 + m * 60 + s;
  if (hours.includes(hour)) {
    const s = minutes.includes(minute) ? seconds.find((value) => value >= second) : undefined;
    if (s !== undefined) return at(hour, minute, s);
    const m = minutes.find((value) => value > minute);
    if (m !== undefined) return at(hour, m, seconds[0]!);
  }
  const h = hours.find((value) => value > hour);
  return h === undefined ? undefined : at(h, minutes[0]!, seconds[0]!);
}

/** The matching days of one month: bit d - 1 for day d. */
function daysOf(fields: CronFields, year: number, month: number, first: number): number {
  const length = (Date.UTC(year, month + 1, 1) - first) / DAY;
  const all = 2 ** length - 1;
  const weekday = (first / DAY + 4) % 7;
  const days = (fields.days | (fields.lastDay ? 1 << (length - 1) : 0) | workdaysOf(fields, length, weekday)) & all;
  if (fields.by === 'day') return days;
  let weekdays = 0;
  for (const day of fields.weekdays) {
    const dates = WEEKS << ((day - weekday + 7) % 7);
    weekdays |= fields.nth > 0 ? dates & (0b1111111 << (7 * (fields.nth - 1))) : dates;
  }
  for (const day of fields.lastWeekdays) weekdays |= (WEEKS << ((day - weekday + 7) % 7)) & (0b1111111 << (length - 7));
  weekdays &= all;
  return fields.by === 'weekday' ? weekdays : days | weekdays;
}

/** The days that `15W` and `LW` name in a month of so many days that begins on `weekday`: from Monday to Friday, never outside the month. */
function workdaysOf({ nearWorkdays, lastWorkday }: CronFields, length: number, weekday: number): number {
  let days = 0;
  for (const wanted of lastWorkday ? [...nearWorkdays, length] : nearWorkdays) {
    if (wanted > length) continue;
    const on = (weekday + wanted - 1) % 7;
    const moved = on === 6 ? (wanted > 1 ? -1 : 2) : on === 0 ? (wanted < length ? 1 : -2) : 0;
    days |= 1 << (wanted + moved - 1);
  }
  return days;
}

/** The time of day as people write it, without seconds where there are none. */
export function timeText(wall: number): string {
  return new Date(wall).toISOString().slice(11, 19).replace(/:00$/, '');
}
