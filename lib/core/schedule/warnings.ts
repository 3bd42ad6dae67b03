import type { EpochMs } from '../common/clock.js';
import { formatDuration } from '../common/duration.js';
import { changesAhead, clockChangeWarnings } from './clock-changes.js';
import { CRON_FIELDS, type CronFields, DAY_OF_MONTH } from './cron/cron-fields.js';
import { cronWords } from './cron/cron-words.js';
import { compileSchedule, type StoredSchedule } from './schedule-spec.js';
import type { Schedule } from './schedule.js';
import { type LocalPart, localParts, partsOf, withoutExceptions } from './stored-parts.js';

const DAY = 86_400_000;
/** From one tick a second on. */
const DENSE_PER_DAY = DAY / 1_000;
/** Of many expressions the first are looked at: what a person writes is seldom more. */
const MOST_PARTS = 100;
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

interface Look {
  stored: StoredSchedule;
  schedule: Schedule;
  now: EpochMs;
  parts: readonly LocalPart[];
}

/** One line per thing that is right to the letter and seldom what was meant. */
const CHECKS: readonly ((look: Look) => string[])[] = [
  pastParts,
  ({ parts, schedule, now }) => clockChangeWarnings(parts, schedule, now),
  dstWithoutEffect,
  dense,
  ({ parts }) => parts.flatMap(bothDays),
  ({ parts }) => parts.flatMap(missingDays),
  ({ parts }) => parts.flatMap(unevenSteps),
];

/**
 * What is odd about a schedule without being wrong, each a sentence with what to do. Other tasks are not known here.
 *
 * @param schedule compiled from `stored`, with the bounds it has
 */
export function warningsOf(stored: StoredSchedule, schedule: Schedule, now: EpochMs): string[] {
  if (schedule.next(now) === undefined) return [noTicks(stored, now)];
  const look = { stored, schedule, now, parts: localParts(stored, MOST_PARTS) };
  return [...new Set(CHECKS.flatMap((check) => check(look)))];
}

function noTicks(stored: StoredSchedule, now: EpochMs): string {
  const hasTicks = (other: StoredSchedule): boolean => compileSchedule(other).next(now) !== undefined;
  if (hasTicks(stored))
    return 'it never fires: from now on it has no tick between its startAt and endAt; move one of them';
  if (hasTicks(withoutExceptions(stored))) return 'it never fires: except leaves no tick; make it narrower';
  return 'at' in stored
    ? `it never fires: ${new Date(stored.at).toISOString()} is past; give a later time`
    : 'it never fires: all its times are past; give later ones';
}

function pastParts({ stored, now }: Look): string[] {
  return partsOf(stored).flatMap((part) => {
    const isPast = 'at' in part && part.at <= now;
    return isPast ? [`anyOf: ${new Date(part.at).toISOString()} is past and never fires; leave it out`] : [];
  });
}

function dstWithoutEffect({ parts, now }: Look): string[] {
  const given = parts.filter(({ hasDst }) => hasDst);
  const changing = given.filter(({ timeZone }) => changesAhead(timeZone, now).length > 0);
  if (given.length === 0 || changing.some(namesHours)) return [];
  return [
    changing.length > 0
      ? 'dst has no effect: what runs in all 24 hours keeps its pace when clocks change; leave it out'
      : `dst has no effect: clocks in ${given[0]!.timeZone} do not change; leave it out, or give the timeZone that is meant`,
  ];
}

function namesHours({ fields }: LocalPart): boolean {
  return fields.hours.length < 24;
}

function dense({ stored, parts }: Look): string[] {
  const regular = partsOf(stored).reduce((sum, part) => sum + ('every' in part ? DAY / part.every : 0), 0);
  const local = parts.map(({ fields: { hours, minutes, seconds } }) => hours.length * minutes.length * seconds.length);
  const perDay = Math.round(local.reduce((sum, count) => sum + count, regular));
  if (perDay < DENSE_PER_DAY) return [];
  const times = String(perDay).replace(/\B(?=(\d{3})+$)/g, ',');
  return [
    `it fires up to ${times} times a day, each a run with its record; do several pieces of work in one run, less often`,
  ];
}

function bothDays({ cron, fields }: LocalPart): string[] {
  if (cron === undefined || fields.by !== 'either') return [];
  return [
    `cron "${cron}": day of month and day of week are both given, and either suffices: ${cronWords(cron)}; where both must hold, give one of them and exclude the others by except`,
  ];
}

/** A 31st alone, or in a list; who writes a range or a step knows that months end. */
function missingDays({ cron, fields, texts }: LocalPart): string[] {
  const single = texts[DAY_OF_MONTH]!.split(',').filter((item) => /^(29|30|31)W?$/.test(item));
  const latest = single.sort().at(-1);
  if (latest === undefined || fields.lastDay || fields.lastWorkday) return [];
  const day = Number.parseInt(latest, 10);
  const shorter = fields.months.filter((month) => new Date(Date.UTC(2030, month, 0)).getUTCDate() < day);
  if (shorter.length === 0) return [];
  const months = day === 29 ? 'most Februaries' : shorter.map((month) => MONTHS[month - 1]).join(', ');
  const instead = cron === undefined ? "day: 'last'" : latest.endsWith('W') ? 'LW' : 'L';
  return [
    `${cron === undefined ? 'monthly' : `cron "${cron}"`}: there is no day ${day} in ${months}, where it does not fire; for the last day of each month give ${instead}`,
  ];
}

/** What a field is a part of and counts; `goesOn`: whether its last number is followed by the first of the next period. */
const PERIODS: readonly { of: string; noun: string; goesOn?: (fields: CronFields) => boolean }[] = [
  { of: 'minute', noun: 'second', goesOn: ({ minutes }) => hasNeighbours(minutes, 60) },
  { of: 'hour', noun: 'minute', goesOn: ({ hours }) => hasNeighbours(hours, 24) },
  { of: 'day', noun: 'hour' },
  { of: 'month', noun: 'day' },
  { of: 'year', noun: 'month' },
  { of: 'week', noun: 'day' },
];
/** Steps of these fields have a fixed length. */
const UNITS = [1_000, 60_000, 3_600_000, DAY];

/** A step that its field does not hold a whole number of times: the last gap is another one. */
function unevenSteps({ cron, fields, texts }: LocalPart): string[] {
  return texts.flatMap((text, index) => {
    const { min, max } = CRON_FIELDS[index]!;
    const { of, noun, goesOn } = PERIODS[index]!;
    const match = /^(\*|\d+)\/(\d+)$/.exec(text);
    if (cron === undefined || !match || goesOn?.(fields) === false) return [];
    const [first, step] = [match[1] === '*' ? min : Number(match[1]), Number(match[2])];
    const last = first + Math.floor((max - first) / step) * step;
    const gap = max - min + 1 - (last - first);
    if (last === first || gap === step) return [];
    const after =
      index === DAY_OF_MONTH
        ? 'however long that is'
        : `after ${noun} ${last} the next comes ${count(gap, noun)} later`;
    const unit = UNITS[index];
    const even = unit === undefined ? `list each ${noun}` : `give { every: '${formatDuration(step * unit)}' }`;
    return [`cron "${cron}": ${text} begins anew with every ${of}, ${after}; for an even pace ${even}`];
  });
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Whether two of the values follow each other on a circle of `size`. */
function hasNeighbours(values: readonly number[], size: number): boolean {
  return values.some((value) => values.includes((value + 1) % size));
}
