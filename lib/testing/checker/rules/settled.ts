import { keys } from '../../../core/registry/keyspace.js';
import { isLive } from '../../../core/task/task-definition.js';
import { startOf } from '../../../core/schedule/schedule.js';
import { unitsOf } from '../../../core/task/unit.js';
import type { Rule } from '../rule.js';
import { isSpent, type TaskVersion, type World } from '../world.js';

/** Once healed: every due tick of a live task is settled, no run is left over, no unit is missing and none too many. */
export function settled(world: World): Rule {
  /** Tasks of which a change was given up half-way, or its node died over it: a unit may be left over. */
  const unfinished = new Map<number, string>();
  const removed = new Set<string>();
  /** Units that a request brought back that had been under way, or was sent again, when they were removed. */
  const revenants = new Set<string>();
  return {
    name: 'settled',
    unit({ key, before, after }) {
      if (!after) removed.add(key);
      else if (!before && removed.has(key)) revenants.add(key);
    },
    entry(entry) {
      if (entry.type === 'ask') unfinished.set(entry.id, entry.task);
      if (entry.type === 'answer' && entry.how !== 'unknown') unfinished.delete(entry.id);
    },
    *finish({ now }) {
      const expected = new Set<string>();
      for (const task of world.tasks.values()) {
        if (!isLive(task.doc)) continue;
        for (const { key } of unitsOf(task.name, task.doc)) {
          expected.add(key);
          yield* unitProblems(task, key, now);
        }
      }
      for (const key of world.units.keys()) {
        const [task] = key.slice(keys.units.length).split(/[#@]/, 1);
        if (revenants.has(key) || [...unfinished.values()].includes(task!)) continue;
        const halted = world.tasks.get(task!);
        if (expected.has(key) || (halted && unitsOf(task!, halted.doc).some((unit) => unit.key === key))) continue;
        yield `${key} is of no task any more`;
      }
    },
  };

  function* unitProblems(task: TaskVersion, key: string, now: number): Iterable<string> {
    const unit = world.units.get(key);
    const { doc, schedule, name } = task;
    if (world.candidateSince(name) === undefined) return;
    if (!unit) {
      if (doc.state === 'active') yield `task "${name}" has no unit`;
      return;
    }
    const isOver = doc.state !== 'active' || isSpent(unit, task);
    const due = isOver ? undefined : schedule.next(Math.max(unit.cursor, doc.since));
    if (due !== undefined && startOf(schedule, due) < now - world.options.settleMs)
      yield `the tick ${due} of "${name}" is not settled ${now - due} ms later`;
    for (const run of unit.runs) {
      if (doc.state !== 'active' && run.session === 'released') continue; // it waits for the task to go on
      if (run.retry?.at !== undefined) continue; // `retry` says whether it has waited for too long
      const going = world.calls.ofRun(run.id).some(({ how, aborted }) => how === undefined && !aborted);
      const fresh = run.claimedAt > now - world.options.settleMs;
      const holder = world.nodes.get(run.node)?.record;
      if ((!going && !fresh) || holder?.boot !== run.boot)
        yield `run ${run.id} of "${name}", held by ${run.node} since ${run.claimedAt}, is left over`;
    }
  }
}
