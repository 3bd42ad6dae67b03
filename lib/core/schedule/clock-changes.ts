import type { EpochMs } from '../common/clock.js';
import type { Schedule } from './schedule.js';
import type { LocalPart } from './stored-parts.js';
import { type OffsetSpan, timeZone } from './zone/time-zone.js';
import { nextWall, timeText } from './cron/wall-clock.js';

/** So far ahead changes of clocks are looked for. */
const AHEAD = 2 * 366 * 86_400_000;

/** So many touched times are looked at, where exclusions take them away one after the other. */
const MOST_TIMES = 50;

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** The spans that begin with a change of the clocks of a zone, in the next two years. */
export function changesAhead(zone: string, now: EpochMs): OffsetSpan[] {
  const changes = new Map<EpochMs, OffsetSpan>();
  for (let at = now; at < now + AHEAD;) {
    const span = timeZone(zone).spanAt(at);
    if (span.offset !== span.before && span.from > now) changes.set(span.from, span);
    at = span.to;
  }
  return [...changes.values()];
}

/**
 * The first time a schedule names that clocks will skip, and the first that they will show twice: a sentence each, with
 * what becomes of it. Expressions that run in all 24 hours keep their pace and need none.
 */
export function clockChangeWarnings(parts: readonly LocalPart[], schedule: Schedule, now: EpochMs): string[] {
  const named = parts.filter(({ fields }) => fields.hours.length < 24);
  const zones = [...new Set(named.map(({ timeZone: zone }) => zone))];
  const changes = new Map(zones.map((zone) => [zone, changesAhead(zone, now)]));
  return [skippedTime, repeatedTime].flatMap((look) => {
    const times = named.flatMap((part) => changes.get(part.timeZone)!.flatMap((span) => look(part, span) ?? []));
    const inOrder = times.sort((a, b) => a.tick - b.tick).slice(0, MOST_TIMES);
    return inOrder.find((time) => isLeft(time, schedule))?.text ?? [];
  });
}

/** A time that a change of clocks touches. */
interface TouchedTime {
  /** The tick it becomes, or would become. */
  tick: EpochMs;
  isDropped: boolean;
  text: string;
}

type Look = (part: LocalPart, span: OffsetSpan) => TouchedTime | undefined;

const skippedTime: Look = (part, { from, offset, before }) => {
  const [start, end] = [from + before, from + offset];
  const wall = nextWall(part.fields, start - 1) ?? end;
  if (wall >= end) return undefined;
  const tick = wall - before;
  const isDropped = part.dst.gap === 'skip';
  const what = `${timeText(wall)} does not exist on ${placeOf(part, wall)}, where clocks jump from ${timeText(start)} to ${timeText(end)}`;
  const then = isDropped
    ? "it does not fire on that day; choose another time, or dst: { gap: 'shift' } for as much later"
    : `it fires at ${timeText(tick + offset)} then; choose another time, or dst: { gap: 'skip' } for not at all on that day`;
  return { tick, isDropped, text: named(part, `${what}: ${then}`) };
};

const repeatedTime: Look = (part, { from, offset, before }) => {
  const [start, end] = [from + offset, from + before];
  const wall = nextWall(part.fields, start - 1) ?? end;
  if (wall >= end) return undefined;
  const { overlap } = part.dst;
  const what = `${timeText(wall)} comes twice on ${placeOf(part, wall)}, where clocks go back from ${timeText(end)} to ${timeText(start)}`;
  const then =
    overlap === 'both'
      ? "it fires both times; choose another time, or dst: { overlap: 'first' } for once"
      : `it fires the ${overlap} time only; choose another time, or dst: { overlap: 'both' } for both`;
  const tick = wall - (overlap === 'second' ? offset : before);
  return { tick, isDropped: false, text: named(part, `${what}: ${then}`) };
};

/** Whether exclusions and bounds leave the tick; where it is dropped anyway, whether the schedule goes on from there. */
function isLeft({ tick, isDropped }: TouchedTime, schedule: Schedule): boolean {
  const next = schedule.next(tick - 1);
  return isDropped ? next !== undefined : next === tick;
}

function named({ cron }: LocalPart, text: string): string {
  return cron === undefined ? text : `cron "${cron}": ${text}`;
}

function placeOf({ timeZone: zone }: LocalPart, wall: number): string {
  const date = new Date(wall);
  return `${WEEKDAYS[date.getUTCDay()]} ${date.toISOString().slice(0, 10)} in ${zone}`;
}
