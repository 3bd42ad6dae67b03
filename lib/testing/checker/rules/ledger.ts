import { keys } from '../../../core/registry/keyspace.js';
import { MOST_GAPS, type SuccessLedger } from '../../../core/scheduler/success-ledger.js';
import type { RunEntry, UnitState } from '../../../core/scheduler/unit-state.js';
import { decodeTask } from '../../../core/task/task-definition.js';
import { unitsOf } from '../../../core/task/unit.js';
import type { Rule } from '../rule.js';
import { newRuns } from '../unit-change.js';
import { ticksText, type TaskVersion, type World } from '../world.js';

/**
 * What a unit notes about the success of its ticks is so: every tick it takes for a success was one, and every success is
 * taken for one. It forgets ticks only when its schedule changes or its gaps become too many.
 */
export function ledger(world: World): Rule {
  /** By unit: of which schedule its notes are, where something was claimed under it since it became the task's. */
  const notesOf = new Map<string, string>();
  return {
    name: 'ledger',
    entry(entry) {
      if (entry.type === 'data-loss') notesOf.clear();
      if (entry.type !== 'write' || !entry.key.startsWith(keys.tasks)) return;
      const name = entry.key.slice(keys.tasks.length);
      const doc = entry.value === undefined ? undefined : decodeTask(entry.value);
      for (const { key } of doc ? unitsOf(name, doc) : [])
        if (notesOf.get(key) !== ticksText(doc!)) notesOf.delete(key);
    },
    *unit({ key, task, before, after }) {
      const [was, is] = [before?.ledger, after?.ledger];
      const version = after && world.versionOf(task, after.task);
      const takesNotes = ({ tick, attempt, again }: RunEntry): boolean =>
        tick !== undefined && attempt === 1 && again === undefined;
      if (version && world.watched && newRuns(before, after).some(takesNotes)) notesOf.set(key, ticksText(version.doc));
      if (!was || !after) return;
      if (!is) yield `${key} has lost its notes of what succeeded`;
      else if (version && is.schedule === was.schedule && is.since > was.since && !isOfLoss(before!, after)) {
        const gaps = was.gaps.filter((gap) => holdsTick(version, gap)).length;
        if (gaps < MOST_GAPS - 1)
          yield `${key} has forgotten what succeeded from ${was.since} to ${is.since}, with ${gaps} gaps`;
      }
      const unordered = is?.gaps.findIndex(([from, to], i) => from > to || (i > 0 && from <= is.gaps[i - 1]![1])) ?? -1;
      if (unordered >= 0) yield `gap ${is!.gaps[unordered]!.join()} of ${key} is out of order`;
    },
    *finish() {
      for (const task of world.tasks.values()) {
        for (const { key } of unitsOf(task.name, task.doc)) {
          const unit = world.units.get(key);
          if (unit?.ledger && notesOf.get(key) === ticksText(task.doc)) yield* problems(task, key, unit, unit.ledger);
        }
      }
    },
  };

  function* problems({ schedule }: TaskVersion, key: string, unit: UnitState, notes: SuccessLedger): Iterable<string> {
    const goingOn = new Set([unit.queued?.tick, ...unit.runs.map(({ tick }) => tick)]);
    for (let tick = schedule.next(notes.since); tick !== undefined && tick <= unit.cursor; tick = schedule.next(tick)) {
      const at = tick;
      const isGap = notes.gaps.some(([from, to]) => from <= at && at <= to);
      const succeeded = world.successes.has(key, tick);
      if (isGap && succeeded) yield `${key} says that tick ${tick} has had no success, which it has`;
      if (!isGap && !succeeded && !goingOn.has(tick))
        yield `${key} says that tick ${tick} has succeeded, which it has not`;
    }
  }
}

/** Of ticks whose record the registry has lost nobody knows whether they have succeeded. */
function isOfLoss({ counters: before }: UnitState, { counters: after }: UnitState): boolean {
  return (after['data-lost'] ?? 0) > (before['data-lost'] ?? 0);
}

function holdsTick({ schedule }: TaskVersion, [from, to]: readonly [number, number]): boolean {
  return (schedule.next(from - 1) ?? Infinity) <= to;
}
