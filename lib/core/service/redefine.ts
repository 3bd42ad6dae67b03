import type { EpochMs } from '../common/clock.js';
import { bounded } from '../schedule/bounds.js';
import { canonical } from '../task/validate.js';
import { compileSchedule, sameSchedule, withCalendars } from '../schedule/schedule-spec.js';
import type { StoredCalendar } from '../schedule/calendar/named-calendar.js';
import { isPresent, type TaskDefinition, type TaskDocument } from '../task/task-definition.js';

/** The task goes on under its new definition; only changed ticks begin anew. What code declared, code still owns. */
export function redefine(doc: TaskDocument, fresh: TaskDocument): TaskDocument {
  const same = hasSameTicks(doc.definition, fresh.definition);
  const schedule = same ? doc.definition.schedule : fresh.definition.schedule;
  const isStatic = doc.definition.source === 'static' && doc.definition.handler === fresh.definition.handler;
  const { generation, createdAt, declared, backfill } = doc;
  return {
    ...(same && backfill && { backfill }),
    ...(isStatic && declared !== undefined && { declared }),
    ...fresh,
    generation,
    createdAt,
    since: same && doc.state === 'active' ? doc.since : afterHalt(doc, fresh),
    definition: { ...fresh.definition, schedule, ...(isStatic && { source: 'static' as const }) },
  };
}

/** The task begins anew in the place of one that is over or deleted; it has been there since that one was. */
export function replace(doc: TaskDocument | undefined, fresh: TaskDocument): TaskDocument {
  return isPresent(doc) ? { ...fresh, createdAt: doc.createdAt } : fresh;
}

/** Whether the task is over and is put once more just as it was, as its caller does at each start. */
export function isPutAgain(doc: TaskDocument, fresh: TaskDocument): boolean {
  const [{ schedule: was, ...left }, { schedule: is, ...right }] = [doc.definition, fresh.definition];
  return doc.state === 'completed' && sameSchedule(was, is) && canonical(left) === canonical(right);
}

/** The task with the calendars as they are now; `undefined` where that changes nothing. A backfill ends with the days it was asked for. */
export function withNewCalendars(
  { backfill: _asked, ...doc }: TaskDocument,
  calendars: Readonly<Record<string, StoredCalendar>>,
  now: EpochMs,
): TaskDocument | undefined {
  const schedule = withCalendars(doc.definition.schedule, calendars);
  if (sameSchedule(schedule, doc.definition.schedule)) return undefined;
  const definition = { ...doc.definition, schedule };
  // what is due right now is due all the same, unless it is just that what has changed
  const same = sameLately(doc.definition, definition, doc.since, now);
  return { ...doc, definition, since: same ? doc.since : beginsAnew(doc, now), updatedAt: now };
}

/** So far back ticks may still run late. */
const LATELY_MS = 86_400_000;
const MOST_COMPARED = 10_000;

function sameLately(a: TaskDefinition, b: TaskDefinition, since: EpochMs, now: EpochMs): boolean {
  const [left, right] = [ticksOf(a), ticksOf(b)];
  let after: EpochMs | undefined = Math.max(since, now - LATELY_MS);
  for (let i = 0; i < MOST_COMPARED; i++) {
    const tick: EpochMs | undefined = left.next(after);
    if ((tick ?? Infinity) > now && (right.next(after) ?? Infinity) > now) return true;
    if (tick === undefined || right.next(after) !== tick) return false;
    after = tick;
  }
  return false;
}

/** Whether they fall due at the same instants. */
export function hasSameTicks(a: TaskDefinition, b: TaskDefinition): boolean {
  const bounds = ({ policies = {} }: TaskDefinition): string => `${policies.startAt} ${policies.endAt}`;
  return sameSchedule(a.schedule, b.schedule) && bounds(a) === bounds(b);
}

/**
 * When a task begins anew. Never before it last did, whatever the clock of this node says: what is counted from then on
 * would be held for what was counted before.
 */
export function beginsAnew({ since }: TaskDocument, now: EpochMs): EpochMs {
  return Math.max(now, since + 1);
}

/** What fell due while the task was halted is not made up for, also where the change was asked for before the halt. */
export function afterHalt(doc: TaskDocument, { since, definition }: TaskDocument): EpochMs {
  if ('at' in definition.schedule) return since;
  const anew = beginsAnew(doc, since);
  return doc.state === 'active' ? anew : Math.max(anew, doc.updatedAt);
}

/** Whether no tick of the task lies after `since`. */
export function isOver({ definition, since }: Pick<TaskDocument, 'definition' | 'since'>): boolean {
  return ticksOf(definition).next(since) === undefined;
}

function ticksOf({ schedule, policies = {} }: TaskDefinition) {
  return bounded(compileSchedule(schedule), policies);
}
