import type { EpochMs } from '../common/clock.js';
import { excludes, exclusionText } from './calendar/exclusion.js';
import { compileSchedule, type StoredSchedule } from './schedule-spec.js';
import type { Schedule } from './schedule.js';
import { withoutExceptions } from './stored-parts.js';
import { type TimeZone, timeZone } from './zone/time-zone.js';
import { warningsOf } from './warnings.js';

export interface TickPreview {
  at: Date;
  /** ISO 8601 with the zone's offset at that instant: `2030-03-31T02:30:00+01:00`. */
  local: string;
  /** What is special about it: shifted by a change of clocks, the first or second of two, moved to a working day. */
  note?: string;
  /** With jitter: when its run starts. */
  startsAt?: Date;
}

/** A tick that `except` removes, or moves to another day. */
export interface RemovedTick {
  at: Date;
  local: string;
  /** The rule: `calendar de`, `2026-12-25`. */
  reason: string;
}

export interface SchedulePreview {
  description: string;
  /** The zone of every `local`. */
  timeZone: string;
  ticks: TickPreview[];
  /** In the same stretch of time as the ticks, at most as many as were asked for. */
  removed: RemovedTick[];
  warnings: string[];
}

export interface PreviewParts {
  /** What the schedule was compiled from. */
  stored: StoredSchedule;
  timeZone: string;
  /** The ticks after this instant. */
  from: EpochMs;
  count: number;
  /** The bounds of the schedule, where it has any: nothing is removed outside of them. */
  startAt?: EpochMs;
  endAt?: EpochMs;
}

/** What a schedule will do, without doing it. */
export function previewOf(schedule: Schedule, parts: PreviewParts): SchedulePreview {
  const zone = timeZone(parts.timeZone);
  const ticks: EpochMs[] = [];
  for (let tick = schedule.next(parts.from); tick !== undefined && ticks.length < parts.count;) {
    ticks.push(tick);
    tick = schedule.next(tick);
  }
  return {
    description: schedule.describe(),
    timeZone: parts.timeZone,
    ticks: ticks.map((tick) => tickPreview(schedule, tick, zone)),
    removed: removedTicks(schedule, ticks, parts).map(({ tick, reason }) => {
      return { at: new Date(tick), local: localText(zone, tick), reason };
    }),
    warnings: warningsOf(parts.stored, schedule, parts.from),
  };
}

function tickPreview(schedule: Schedule, tick: EpochMs, zone: TimeZone): TickPreview {
  const [own, twice] = [schedule.noteOn?.(tick), zone.repeatNote(tick)];
  const isSaid = own !== undefined && twice !== undefined && own.includes(twice);
  const note = [own, isSaid ? undefined : twice].filter((text) => text !== undefined).join('; ');
  return {
    at: new Date(tick),
    local: localText(zone, tick),
    ...(note && { note }),
    ...(schedule.delayOf && { startsAt: new Date(tick + schedule.delayOf(tick)) }),
  };
}

/** What the schedule would have had without its exclusions, up to the last of its ticks. */
function removedTicks(
  schedule: Schedule,
  ticks: readonly EpochMs[],
  { stored, from, count, startAt = -Infinity, endAt }: PreviewParts,
): { tick: EpochMs; reason: string }[] {
  const rules = rulesOf(stored);
  if (rules.length === 0) return [];
  const last = (ticks.length === count ? ticks.at(-1) : (endAt ?? ticks.at(-1))) ?? Infinity;
  const removed: { tick: EpochMs; reason: string }[] = [];
  const bare = compileSchedule(withoutExceptions(stored));
  let tick = bare.next(Math.max(from, startAt - 1));
  for (; tick !== undefined && tick <= last && removed.length < count; tick = bare.next(tick)) {
    if (schedule.next(tick - 1) === tick) continue;
    const at = tick;
    const reason = rules.find((rule) => rule.removes(at))?.text;
    if (reason !== undefined) removed.push({ tick, reason });
  }
  return removed;
}

interface Rule {
  readonly text: string;
  readonly removes: (tick: EpochMs) => boolean;
}

/** In the order in which they work: what moves ticks comes before what drops them. */
function rulesOf(stored: StoredSchedule): Rule[] {
  if ('at' in stored) return [];
  const { except = [], timeZone: zone = 'UTC' } = stored;
  const own = except.map((one) => ({ text: exclusionText(one), removes: excludes(one, zone), moves: 'shift' in one }));
  const ofParts = 'anyOf' in stored ? stored.anyOf.flatMap(rulesOfPart) : [];
  return [...own.filter(({ moves }) => moves), ...own.filter(({ moves }) => !moves), ...ofParts];
}

/** A part of a union removes its own ticks only. */
function rulesOfPart(part: StoredSchedule): Rule[] {
  const rules = rulesOf(part);
  if (rules.length === 0) return [];
  const bare = compileSchedule(withoutExceptions(part));
  return rules.map(({ text, removes }) => {
    return { text, removes: (tick) => bare.next(tick - 1) === tick && removes(tick) };
  });
}

/** ISO 8601 as the clocks of the zone show it, with their distance from UTC. */
export function localText(zone: TimeZone, instant: EpochMs): string {
  const { offset } = zone.spanAt(instant);
  const wall = new Date(instant + offset)
    .toISOString()
    .slice(0, -1)
    .replace(/\.000$/, '');
  const distance = new Date(Math.abs(offset)).toISOString().slice(11, 19).replace(/:00$/, '');
  return `${wall}${offset < 0 ? '-' : '+'}${distance}`;
}
