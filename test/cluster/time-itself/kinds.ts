import type { EpochMs } from '../../../lib/core/common/clock.js';
import type { ScheduleSpec } from '../../../lib/core/schedule/schedule-spec.js';
import type { MisfirePolicy } from '../../../lib/core/schedule/misfire.js';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A kind of task: what is asked for, and when that is, worked out without the library. */
export interface Kind {
  name: string;
  schedule: ScheduleSpec;
  /** Its ticks in (after, upTo], for a task that was added at `anchor`. */
  ticks(after: EpochMs, upTo: EpochMs, anchor: EpochMs): EpochMs[];
  /** Ticks in a row are counted however many they are; otherwise up to a thousand, and then `atLeast`. */
  isCounted: boolean;
  /** So far apart that a second node stands by. */
  hasStandby: boolean;
}

/** Where clocks jump ahead at 2030-03-10T07:00Z and go back at 2030-11-03T06:00Z. */
const ZONE = 'America/New_York';
const OFFSETS = [4 * HOUR, 5 * HOUR];
const WINTER = 5 * HOUR;

/** So long after `end` every sparse kind has a tick. */
export const NEXT_MS = MINUTE;
export const SEVEN_HOURS = 7 * HOUR;

/**
 * Ticks more than a second apart. Each has one right after `end`, when trouble is over, and those whose ticks are close
 * enough have some within it; `daily` has one `missedMs` before its next.
 */
export function sparseKinds(end: EpochMs, { missedMs }: { missedMs: number }): Kind[] {
  const next = end + NEXT_MS;
  const minute = new Date(next).getUTCMinutes();
  return [
    {
      name: 'hourly',
      schedule: { cron: `${minute} * * * *`, timeZone: ZONE },
      ticks: (after, upTo) => multiples(HOUR, minute * MINUTE, after, upTo),
      isCounted: false,
      hasStandby: true,
    },
    daily('daily', [next, next - missedMs]),
    {
      name: 'every-7h',
      schedule: { every: '7h' },
      ticks: (after, upTo, anchor) => multiples(SEVEN_HOURS, anchor, after, upTo).filter((tick) => tick > anchor),
      isCounted: true,
      hasStandby: true,
    },
    once('at-missed', end - 30 * MINUTE),
    once('at-just-missed', end - 2 * MINUTE),
    once('at-ahead', next + 10 * SECOND),
  ];
}

export const DENSE: readonly Kind[] = [
  {
    name: 'second',
    schedule: { cron: '* * * * * *' },
    ticks: (after, upTo) => multiples(SECOND, 0, after, upTo),
    isCounted: false,
    hasStandby: false,
  },
  {
    name: 'every-1s',
    schedule: { every: '1s' },
    ticks: (after, upTo, anchor) => multiples(SECOND, anchor, after, upTo).filter((tick) => tick > anchor),
    isCounted: true,
    hasStandby: false,
  },
  {
    name: 'minute',
    schedule: { cron: '* * * * *' },
    ticks: (after, upTo) => multiples(MINUTE, 0, after, upTo),
    isCounted: false,
    hasStandby: true,
  },
];

export function once(name: string, at: EpochMs): Kind {
  const ticks = (after: EpochMs, upTo: EpochMs): EpochMs[] => (after < at && at <= upTo ? [at] : []);
  return { name, schedule: { at }, ticks, isCounted: true, hasStandby: true };
}

/** Each day at the local times that these instants are. */
export function daily(name: string, instants: readonly EpochMs[]): Kind {
  const times = instants.map((instant) => localOf(instant) % DAY);
  return {
    name,
    schedule: { daily: times.map((time) => new Date(time).toISOString().slice(11, 16)), timeZone: ZONE },
    ticks: (after, upTo) => {
      const found = new Set<EpochMs>();
      for (let day = Math.floor(after / DAY) - 1; day <= Math.floor(upTo / DAY) + 1; day++)
        for (const time of times) found.add(instantOf(day * DAY + time));
      return [...found].filter((tick) => tick > after && tick <= upTo).sort((a, b) => a - b);
    },
    isCounted: false,
    hasStandby: true,
  };
}

/** A local time, as if it were UTC, in true UTC: the first of two, and as much later as the jump is long where there is none. */
function instantOf(local: number): EpochMs {
  const instants = OFFSETS.map((offset) => local + offset).filter((instant) => localOf(instant) === local);
  return instants[0] ?? local + WINTER;
}

const format = new Intl.DateTimeFormat('en', {
  timeZone: ZONE,
  hourCycle: 'h23',
  ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
});

/** The local time, as if it were UTC, in whole minutes. */
function localOf(instant: EpochMs): number {
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute } = parts as Record<string, number>;
  return Date.UTC(year!, month! - 1, day!, hour!, minute!);
}

function multiples(step: number, phase: number, after: EpochMs, upTo: EpochMs): EpochMs[] {
  const ticks: EpochMs[] = [];
  for (let n = Math.floor((after - phase) / step) + 1; phase + n * step <= upTo; n++) ticks.push(phase + n * step);
  return ticks;
}

/** A task of this kind, and what is to become of its ticks when they are late. */
export interface Specimen {
  name: string;
  kind: Kind;
  misfire: MisfirePolicy;
  deadlineMs: number;
}

const POLICIES: readonly MisfirePolicy[] = ['fire-once', 'fire-all', 'skip'];
const DEADLINES = { '5m': 5 * MINUTE, '12h': 12 * HOUR };

/** A task for each kind, each policy, and a deadline that is short or long. */
export function specimensOf(kinds: readonly Kind[]): Specimen[] {
  return kinds.flatMap((kind) =>
    POLICIES.flatMap((misfire) =>
      Object.entries(DEADLINES).map(([name, deadlineMs]) => ({
        name: `${kind.name}:${misfire}:${name}`,
        kind,
        misfire,
        deadlineMs,
      })),
    ),
  );
}
