import { keys } from '../../../core/registry/keyspace.js';
import type { UnitState } from '../../../core/scheduler/unit-state.js';
import type { TaskDocument } from '../../../core/task/task-definition.js';
import { unitsOf } from '../../../core/task/unit.js';
import type { WriteEntry } from '../log.js';
import type { Rule } from '../rule.js';
import { regularClaims, type UnitChange } from '../unit-change.js';
import { isSpent, type World } from '../world.js';

/**
 * A task has at most `maxRuns` runs of its ticks, counted over all nodes; when it has had them, or has no tick left, it is
 * completed, and never before.
 */
export function maxRuns(world: World): Rule {
  /** By unit, as far as the registry keeps its data. */
  const claims = new Map<string, number>();
  return {
    name: 'max-runs',
    *entry(entry) {
      if (entry.type === 'data-loss') claims.clear();
      if (entry.type !== 'write') return;
      if (entry.restored) noteRestored(world.unitChange(entry));
      else if (entry.key.startsWith(keys.tasks)) yield* completionProblems(entry);
    },
    *unit({ key, task, before, after }) {
      if (!after) return;
      for (const { id } of regularClaims(before, after)) {
        const count = (claims.get(key) ?? 0) + 1;
        claims.set(key, count);
        const limit = world.versionOf(task, after.task)?.policies.maxRuns;
        if (limit !== undefined && count > limit)
          yield `run ${id} of ${key} is the ${count}th of a tick, of at most ${limit}`;
      }
    },
    *finish({ now }) {
      for (const task of world.tasks.values()) {
        const { doc, name, policies, schedule } = task;
        if (doc.state !== 'active' || world.candidateSince(name) === undefined) continue;
        for (const { key } of unitsOf(name, doc)) {
          const unit = world.units.get(key);
          if (!unit || unit.runs.length > 0 || world.writtenAt(key) > now - patience()) continue;
          const had = claims.get(key) ?? 0;
          if (isBackfilled(doc, unit, world.lostUpTo)) continue;
          if (had >= (policies.maxRuns ?? Infinity)) yield `"${name}" has had its ${had} runs, and is not completed`;
          const next = schedule.next(Math.max(unit.cursor, doc.since));
          if (next === undefined && doc.updatedAt < now - patience())
            yield `"${name}" has no tick left, and is not completed`;
        }
      }
    },
  };

  function patience(): number {
    return world.options.settleMs + world.options.resyncMs;
  }

  /** After the registry was restored the unit's own count is all there is. */
  function noteRestored(change: UnitChange | undefined): void {
    if (change?.after) claims.set(change.key, change.after.counters.claimed ?? 0);
  }

  function* completionProblems({ key, value, process }: WriteEntry): Iterable<string> {
    const name = key.slice(keys.tasks.length);
    const before = world.tasks.get(name);
    const state = value === undefined ? undefined : (JSON.parse(value) as { state: string }).state;
    if (state !== 'completed' || before?.doc.state !== 'active') return;
    if (world.lossAt > -Infinity) return; // it may be what a node writes back
    for (const { key: unitKey } of unitsOf(name, before.doc)) {
      const unit = world.units.get(unitKey);
      if (!unit) continue;
      const settled = Math.max(unit.cursor, before.doc.since);
      const next = isSpent(unit, before) ? undefined : before.schedule.next(settled);
      if (next !== undefined) yield `"${name}" was completed by ${process}, with tick ${next} still to come`;
      else if (unit.queued) yield `"${name}" was completed by ${process}, while tick ${unit.queued.tick} waited`;
      else if (isBackfilled(before.doc, unit, world.lostUpTo))
        yield `"${name}" was completed by ${process}, with its backfill still under way`;
    }
  }
}

function isBackfilled({ backfill }: TaskDocument, unit: UnitState, lostUpTo: number): boolean {
  if (!backfill || backfill.requestedAt <= lostUpTo) return false;
  return unit.backfill?.id !== backfill.id || unit.backfill.endedAt === undefined;
}
