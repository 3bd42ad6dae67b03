import cronstrue from 'cronstrue';
import { BoundedCache } from '../../common/bounded-cache.js';
import { CRON_FIELDS, type CronFields, fieldTexts, parseFields } from './cron-fields.js';

/** So many times of day, or numbers without an even step, are named one by one. */
const MOST_NAMED = 6;

/** From Monday on: 0 is the last of them. */
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

const worded = new BoundedCache<string>(2_000);

/**
 * A valid, tidy expression in plain words. `cronstrue` words one field at a time; what it would put together wrongly is
 * put together here: that either kind of days suffices, that an hour with several minutes is no moment, that a step of 7 minutes starts
 * anew with every hour, and lists with `W` and `L`.
 *
 * @example cronWords('30 2 * * mon-fri') // 'At 02:30, Monday through Friday'
 * @example cronWords('0 0 13 * fri') // 'At 00:00, on day 13 of the month or on Friday'
 */
export function cronWords(tidy: string): string {
  return worded.get(tidy, () => {
    try {
      return wordsOf(parseFields(tidy), fieldTexts(tidy));
    } catch {
      return `cron "${tidy}"`;
    }
  });
}

function wordsOf(fields: CronFields, texts: readonly string[]): string {
  const times = timesOf(fields);
  const days = daysOf(fields);
  const months = fields.months.length < 12 ? dates(`* ${inOrder(fields.months)} *`) : '';
  const parts = [times || paceOf(fields, texts), times && !days && !months ? 'every day' : days, months];
  return parts.filter((part) => part !== '').join(', ');
}

/** `At 09:15, 09:45, 17:15, and 17:45`; empty where there are many. */
function timesOf({ hours, minutes, seconds }: CronFields): string {
  if (hours.length * minutes.length * seconds.length > MOST_NAMED) return '';
  const isWhole = seconds.length === 1 && seconds[0] === 0;
  const times = hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => clock(h, m, isWhole ? undefined : s))));
  return `At ${listed(times)}`;
}

/** What happens within an hour, then in which hours: `Every 10 minutes, between 09:00 and 17:59`. */
function paceOf({ hours, minutes, seconds }: CronFields, texts: readonly string[]): string {
  const second = evenly(texts[0]!, seconds, 0);
  const isPlain = minutes.length === 60 || seconds.length === 1;
  const within = english(`${second} ${isPlain ? evenly(texts[1]!, minutes, 1) : '*'} * * * *`);
  const inMinutes = isPlain ? [] : [`in ${minutesOf(minutes)} of the hour`];
  if (hours.length === 24) return [within, ...inMinutes].join(', ');
  const last = seconds.length === 1 && minutes.at(-1) === 0 ? 0 : 59;
  return [within.replace('Every hour', 'On the hour'), ...inMinutes, hoursOf(hours, last)].join(', ');
}

function minutesOf(minutes: readonly number[]): string {
  const step = stepOf(minutes);
  if (step > 1 && minutes.length > MOST_NAMED) {
    return `every ${ordinal(step)} minute from ${minutes[0]} to ${minutes.at(-1)}`;
  }
  return `${minutes.length > 1 ? 'minutes' : 'minute'} ${spans(minutes)}`;
}

/** A field as it stands, unless its steps start anew before they are over: those are no pace, so their numbers are named. */
function evenly(text: string, numbers: readonly number[], index: number): string {
  const { max } = CRON_FIELDS[index]!;
  const [, from, to, step] = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(text) ?? [];
  const isPace = from !== undefined && (to === undefined ? (max + 1) % Number(step ?? 1) === 0 : numbers.length > 2);
  return isPace ? text.replace(/\b0+(?=\d)/g, '') : inOrder(numbers);
}

function hoursOf(hours: readonly number[], lastMinute: number): string {
  const step = stepOf(hours);
  const inEvery = step > 1 ? `in every ${ordinal(step)} hour ` : '';
  const stretches = step > 1 ? [[hours[0]!, hours.at(-1)!] as const] : runsOf(hours);
  const words = stretches.map(([from, to]) => {
    const [first, last] = [clock(from, 0), clock(to, lastMinute)];
    return first === last ? `at ${first}` : `between ${first} and ${last}`;
  });
  return inEvery + listed(words);
}

/** Empty where every day counts. Of two restricted kinds of days either suffices. */
function daysOf(fields: CronFields): string {
  const [ofMonth, ofWeek] = [daysOfMonth(fields), daysOfWeek(fields)];
  if (fields.by === 'day') return ofMonth;
  if (fields.by === 'weekday') return ofWeek;
  return ofMonth && ofWeek && `${ofMonth} or ${ofWeek.replace('only ', '')}`;
}

function daysOfMonth({ days, lastDay, nearWorkdays, lastWorkday }: CronFields): string {
  const numbers = Array.from({ length: 31 }, (_, i) => i + 1).filter((day) => days & (1 << (day - 1)));
  if (numbers.length === 31) return '';
  const others = [
    ...(lastDay ? ['the last day'] : []),
    ...nearWorkdays.map((day) => `the weekday nearest day ${day}`),
    ...(lastWorkday ? ['the last weekday'] : []),
  ];
  if (others.length === 0) return dates(`${inOrder(numbers)} * *`);
  if (numbers.length > 0) others.unshift(`day ${spans(numbers)}`);
  return `on ${listed(others)} of the month`;
}

function daysOfWeek({ weekdays, nth, lastWeekdays }: CronFields): string {
  if (nth > 0) return dates(`* * ${weekdays[0]}#${nth}`);
  if (weekdays.length === 7) return '';
  const named = [...weekdays].map((day) => (day + 6) % 7).sort((a, b) => a - b);
  const [run, ...others] = runsOf(named);
  if (lastWeekdays.length === 0 && run && others.length === 0 && run[1] - run[0] > 1) return spans(named, WEEKDAYS);
  const last = lastWeekdays.filter((day) => !weekdays.includes(day)).map((day) => WEEKDAYS[(day + 6) % 7]!);
  const words = [
    ...(named.length > 0 ? [spans(named, WEEKDAYS)] : []),
    ...(last.length > 0 ? [`the last ${listed(last)} of the month`] : []),
  ];
  return `${last.length > 0 ? '' : 'only '}on ${listed(words)}`;
}

function english(expression: string): string {
  return cronstrue.toString(expression, { use24HourTimeFormat: true });
}

/** Days and months without the time of day. */
function dates(fields: string): string {
  return english(`0 0 0 ${fields}`).replace('At 00:00, ', '');
}

/** From 2 to 20, as steps are that leave three numbers and more. */
function ordinal(number: number): string {
  return `${number}${['th', 'th', 'nd', 'rd'][number] ?? 'th'}`;
}

function clock(hour: number, minute: number, second?: number): string {
  const parts = second === undefined ? [hour, minute] : [hour, minute, second];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** `a`, `a and b`, `a, b, and c`: as cronstrue lists. */
function listed(words: readonly string[]): string {
  if (words.length < 3) return words.join(' and ');
  return `${words.slice(0, -1).join(', ')}, and ${words.at(-1)}`;
}

/** `1, 2, and 5 through 9`. */
function spans(numbers: readonly number[], names?: readonly string[]): string {
  const name = (number: number): string => names?.[number] ?? String(number);
  return listed(
    runsOf(numbers).flatMap(([from, to]) => {
      if (to === from) return [name(from)];
      return to === from + 1 ? [name(from), name(to)] : [`${name(from)} through ${name(to)}`];
    }),
  );
}

/** Ascending numbers as the text of a field: stretches as `5-9`, many in even steps as `1-31/2`. */
function inOrder(numbers: readonly number[]): string {
  const step = stepOf(numbers);
  if (step > 1 && numbers.length > MOST_NAMED) return `${numbers[0]}-${numbers.at(-1)}/${step}`;
  return runsOf(numbers)
    .map(([from, to]) => (to === from ? `${from}` : `${from}${to - from > 1 ? '-' : ','}${to}`))
    .join(',');
}

/** The step of numbers that are evenly apart; 0 where they are not, or too few to tell. */
function stepOf(numbers: readonly number[]): number {
  const step = numbers[1]! - numbers[0]!;
  return numbers.length > 2 && numbers.every((number, i) => number === numbers[0]! + i * step) ? step : 0;
}

function runsOf(numbers: readonly number[]): (readonly [from: number, to: number])[] {
  const starts = numbers.filter((number, i) => number !== numbers[i - 1]! + 1);
  const ends = numbers.filter((number, i) => number !== numbers[i + 1]! - 1);
  return starts.map((start, i) => [start, ends[i]!]);
}
