import { show } from '../../common/show.js';
import { nearest } from '../../common/nearest.js';
import { hasHash } from '../cron/cron-fields.js';
import { cronProblems } from '../cron/cron-problems.js';
import { parseInstant } from '../zone/iso-instant.js';
import { dateProblem, isDateText } from './local-dates.js';
import { localTimesProblems } from '../local-times.js';
import { dateRangeProblems } from './named-calendar.js';
import { instantProblem } from '../once.js';

/** How many exclusions a schedule may have: each is asked at every tick. */
const MOST_EXCLUSIONS = 1_000;

type Fields = Record<string, unknown>;

/** One line per kind of exclusion, by the key that only it has: what may stand beside that key, and how all is checked. */
const KINDS: Record<string, { beside: readonly string[]; check: (given: Fields, path: string) => string[] }> = {
  from: { beside: ['to'], check: rangeProblems },
  to: { beside: ['from'], check: rangeProblems },
  calendar: { beside: ['shift'], check: calendarProblems },
  cron: { beside: [], check: ({ cron }, path) => expressionProblems(cron, `${path}.cron`) },
  daily: { beside: [], check: ({ daily }, path) => localTimesProblems.daily(daily, `${path}.daily`) },
  weekly: { beside: [], check: ({ weekly }, path) => localTimesProblems.weekly(weekly, `${path}.weekly`) },
  monthly: { beside: [], check: ({ monthly }, path) => localTimesProblems.monthly(monthly, `${path}.monthly`) },
};

const NAMES = Object.keys(KINDS);
const WANTED =
  "give a date, as '2026-12-25' or '12-25', { from, to }, { calendar }, { cron }, { daily }, { weekly } or { monthly }";

/** Everything that is wrong with what a schedule excludes, each with its path. Takes any value. */
export function exclusionProblems(except: unknown, path: string): string[] {
  if (!Array.isArray(except)) return problemsOf(except, path);
  if (except.length > MOST_EXCLUSIONS)
    return [`${path}: ${except.length} are too many, at most ${MOST_EXCLUSIONS}; put dates into a named calendar`];
  return except.flatMap((one, i) => problemsOf(one, `${path}[${i}]`));
}

function problemsOf(given: unknown, path: string): string[] {
  if (typeof given === 'string') {
    const problem = dateProblem(given);
    const calendar = isDateText(given) ? '' : '; a calendar is { calendar: name }';
    return problem ? [`${path}: ${show(given)} ${problem}${calendar}`] : [];
  }
  if (given === null || typeof given !== 'object' || Array.isArray(given) || given instanceof Date)
    return [`${path}: ${show(given)} excludes nothing; ${WANTED}`];
  const keys = Object.keys(given);
  const kind = keys.find((key) => Object.hasOwn(KINDS, key));
  const known = kind === undefined ? [...NAMES, 'shift'] : [kind, ...KINDS[kind]!.beside];
  const unknown = keys.filter((key) => !known.includes(key)).map((key) => unknownKey(key, path, known, kind));
  if (kind === undefined) return unknown.length > 0 ? unknown : [`${path}: ${show(given)} excludes nothing; ${WANTED}`];
  return [...unknown, ...KINDS[kind]!.check(given as Fields, path)];
}

function unknownKey(key: string, path: string, known: readonly string[], kind: string | undefined): string {
  if (key === 'timeZone' || key === 'dst')
    return `${path}.${key}: an exclusion is read in the time zone of its schedule; leave it out`;
  if (kind !== undefined && NAMES.includes(key))
    return `${path}.${key}: does not go with ${kind}; give two exclusions, as a list`;
  const meant = nearest(key, known);
  return `${path}.${key}: is not known${meant ? `; did you mean '${meant}'?` : `; ${WANTED}`}`;
}

function calendarProblems({ calendar, shift }: Fields, path: string): string[] {
  const problems: string[] = [];
  if (typeof calendar !== 'string' || calendar === '')
    problems.push(`${path}.calendar: ${show(calendar)} is not the name of a calendar`);
  if (shift !== undefined && shift !== 'next' && shift !== 'previous')
    problems.push(`${path}.shift: ${show(shift)} is none of 'next', 'previous'`);
  return problems;
}

function expressionProblems(cron: unknown, path: string): string[] {
  const problems = cronProblems(cron).map((problem) => `${path}: ${problem}`);
  if (problems.length > 0 || !hasHash(cron as string)) return problems;
  return [
    `${path}: ${show(cron)} has an H, which stands for a number of each task; an exclusion names its times itself`,
  ];
}

function rangeProblems(range: Fields, path: string): string[] {
  const { from, to } = range;
  const ends = [from, to].map((end) => typeof end === 'string' && isDateText(end.trim()));
  if (ends[0] !== ends[1] && from !== undefined && to !== undefined)
    return [
      `${path}: ${show(range)} has a date at one end and none at the other; give two dates, or two times of day with their dates`,
    ];
  if (ends.includes(true)) return dateRangeProblems(range, path);
  const instants = [from, to].map((end) => (typeof end === 'string' ? parseInstant(end, 'UTC') : Number.NaN));
  const problems = (['from', 'to'] as const).flatMap((end, i) => {
    if (range[end] === undefined) return [`${path}.${end}: is missing; a range has from and to`];
    const problem = Number.isNaN(instants[i])
      ? "is neither a date nor a date with a time; give '2026-12-25' or '2026-12-25T18:00', with or without an offset"
      : instantProblem(instants[i]!);
    return problem ? [`${path}.${end}: ${show(range[end])} ${problem}`] : [];
  });
  if (problems.length > 0 || !(instants[0]! >= instants[1]! && sameOffset(from, to))) return problems;
  return [`${path}: ${show(range)} ends before it begins`];
}

/** Whether two texts name their instants the same way: only then the zone does not decide which is later. */
function sameOffset(from: unknown, to: unknown): boolean {
  const hasOffset = (end: unknown): boolean => /(Z|[+-]\d\d(:?\d\d)?)$/.test(String(end).trim().slice(10));
  return hasOffset(from) === hasOffset(to);
}
