import { keys } from '../../../core/registry/keyspace.js';
import { startOf } from '../../../core/schedule/schedule.js';
import type { UnitState } from '../../../core/scheduler/unit-state.js';
import { decodeTask } from '../../../core/task/task-definition.js';
import { unitsOf } from '../../../core/task/unit.js';
import type { WriteEntry } from '../log.js';
import type { Rule } from '../rule.js';
import { regularClaims } from '../unit-change.js';
import type { TaskVersion, World } from '../world.js';

/** A pause goes on being tried for so long; what gave rise to it may have passed by then. */
const PATIENCE_MS = 12_000;
/** In quiet the task is paused so soon after its next tick has come. */
const PAUSED_MS = 5_000;
const NOTE = /^paused after (\d+) failed runs/;

/** After `pauseAfter` failed runs in a row no tick is run, and the task is paused when the next one is due; never before. */
export function pauseAfter(world: World): Rule {
  /** By unit: how many failures it told of lately. */
  const lastSeen = new Map<string, { count: number; at: number }[]>();
  return {
    name: 'pause-after',
    *entry(entry) {
      if (entry.type === 'write' && !entry.restored && entry.key.startsWith(keys.tasks)) yield* pauseProblems(entry);
    },
    *unit({ key, task, before, after, entry }) {
      note(key, before, entry.at);
      if (!before || !after) return;
      const version = world.versionOf(task, after.task);
      for (const { tick } of version ? regularClaims(before, after) : []) {
        const failures = failuresOf(version!, before);
        if (failures >= (version!.policies.pauseAfter ?? Infinity))
          yield `tick ${tick} of ${key} was claimed after ${failures} failed runs, when the task was to be paused`;
      }
    },
    *finish({ now }) {
      for (const task of world.tasks.values()) {
        const due = exhaustedAt(task);
        if (due !== undefined && now - due > PAUSED_MS)
          yield `"${task.name}" has failed ${task.policies.pauseAfter} times or more, and is not paused ${now - due} ms after the next tick`;
      }
    },
  };

  function note(key: string, before: UnitState | undefined, at: number): void {
    const lately = at - PATIENCE_MS - 2 * world.options.writeDelayMs;
    const seen = (lastSeen.get(key) ?? []).filter((other) => other.at > lately);
    lastSeen.set(key, [...seen, { count: before?.failures?.count ?? 0, at }]);
  }

  function* pauseProblems({ key, value, process, at }: WriteEntry): Iterable<string> {
    const name = key.slice(keys.tasks.length);
    const before = world.tasks.get(name);
    const doc = value === undefined ? undefined : decodeTask(value);
    const noted = doc?.state === 'paused' && before?.doc.state === 'active' ? NOTE.exec(doc.note ?? '') : null;
    if (!before || !noted || world.lossAt > -Infinity) return; // it may be what a node writes back
    const counts = unitsOf(name, before.doc).flatMap((unit) => [
      world.units.get(unit.key)?.failures?.count ?? 0,
      ...(lastSeen.get(unit.key) ?? []).map(({ count }) => count),
    ]);
    const most = Math.max(...counts);
    const limits = world.versionsFrom(name, '0').map(({ policies }) => policies.pauseAfter ?? Infinity);
    if (most < Number(noted[1]) || most < Math.min(...limits))
      yield `"${name}" was paused by ${process} after ${noted[1]} failed runs, of which there were ${most}`;
    const due = exhaustedAt(before);
    if (due !== undefined && world.isQuiet() && at - Math.max(due, world.quietSince) > PAUSED_MS)
      yield `"${name}" was paused by ${process} ${at - due} ms after it was to be`;
  }

  /** When the task was to be paused: with its next tick; `undefined` where it was not. */
  function exhaustedAt(task: TaskVersion): number | undefined {
    const { name, doc, schedule, policies } = task;
    const able = world.candidateSince(name);
    if (doc.state !== 'active' || policies.pauseAfter === undefined || able === undefined) return undefined;
    for (const { key } of unitsOf(name, doc)) {
      const unit = world.units.get(key);
      if (!unit || failuresOf(task, unit) < policies.pauseAfter) continue;
      const next = schedule.next(Math.max(unit.cursor, doc.since));
      if (next !== undefined) return Math.max(startOf(schedule, next), world.writtenAt(key), able);
    }
    return undefined;
  }
}

function failuresOf({ doc }: TaskVersion, { failures }: UnitState): number {
  return failures?.since === doc.since ? failures.count : 0;
}
