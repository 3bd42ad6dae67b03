import { decodeNode } from '../../../core/cluster/node-record.js';
import { keys } from '../../../core/registry/keyspace.js';
import type { RunEntry, UnitState } from '../../../core/scheduler/unit-state.js';
import type { TaskDocument } from '../../../core/task/task-definition.js';
import { unitsOf } from '../../../core/task/unit.js';
import type { WriteEntry } from '../log.js';
import type { Rule } from '../rule.js';
import { newRuns } from '../unit-change.js';
import { isSpent, type Life, type TaskVersion, type World } from '../world.js';

/**
 * A run for a start has no tick. A unit has one at most in a life of the cluster, or for a version of the application, as its
 * task asks for, and in the end it has had it; no life begins while a node is at work.
 */
export function startRun(world: World): Rule {
  /** What is known of each incarnation that ever showed itself. */
  const nodes = new Map<string, { version: string | undefined; startedAt: number }>();
  /** When nodes of a version came up. */
  const startedAt = new Map<string, number[]>();
  const lives = new Map<string, Life>();
  /** Units with the starts they have run for, and when. */
  const had = new Map<string, number>();
  return {
    name: 'start-run',
    *entry(entry) {
      if (entry.type !== 'write') return;
      if (entry.key.startsWith(keys.nodes) && entry.value !== undefined) {
        const { boot, version, startedAt: at } = decodeNode(entry.value)!;
        if (version !== undefined && !nodes.has(boot)) startedAt.set(version, [...(startedAt.get(version) ?? []), at]);
        nodes.set(boot, { version, startedAt: at });
      }
      if (entry.key === keys.life && entry.value !== undefined) yield* lifeProblems(entry, entry.value);
    },
    *start({ tick, trigger, runId, unit }) {
      if (trigger === 'recovery' || world.origins.get(runId)?.again !== undefined) return; // as the run before it
      if ((trigger === 'start' || trigger === 'manual') !== (tick === undefined))
        yield `run ${runId} of "${unit}", which is a ${trigger}, was started ${tick === undefined ? 'without a tick' : `for tick ${tick}`}`;
    },
    *unit({ key, task, before, after, entry }) {
      if (!after) return;
      const version = world.versionOf(task, after.task);
      const added = (after.started ?? []).filter((start) => !before?.started?.includes(start));
      const runs = newRuns(before, after).filter(({ attempt, trigger }) => attempt === 1 && trigger === 'start');
      if (runs.length === 0 && before)
        for (const start of added) {
          const versions = world.versionsFrom(task, before.task);
          const isLost = versions.some(({ doc }) => doc.createdAt <= world.lostUpTo);
          if (versions.length > 0 && !isLost && !versions.some(({ doc }) => isUsedUp(doc, before, start)))
            yield `${key} says it has run for ${start}, and has not`;
        }
      for (const run of version ? runs : []) {
        const problem = claimProblem(version!, run, added, before);
        if (problem) yield `run ${run.id} of ${key} was claimed for a start, but ${problem}`;
        const start = `${key} ${added.join()}`;
        const first = had.get(start);
        const isExcused = first !== undefined && first <= world.lossAt && !world.couldKnowOfLoss(entry.process ?? '');
        if (first !== undefined && !isExcused)
          yield `run ${run.id} of ${key} is the second one for ${added.join()}, ${entry.at - first} ms after the first`;
        had.set(start, first ?? entry.at);
      }
    },
    *finish({ now }) {
      const late = now - world.options.settleMs - world.options.resyncMs;
      for (const task of world.tasks.values()) {
        if (task.doc.state !== 'active' || task.doc.updatedAt > late) continue;
        const start = startToCome(task, late);
        for (const { key } of start ? unitsOf(task.name, task.doc) : []) {
          const unit = world.units.get(key);
          if (unit && !isSpent(unit, task) && !unit.started?.includes(start!))
            yield `"${task.name}" has not run for ${start}`;
        }
      }
    },
  };

  /** A start of a time in which the task was halted or deleted, or of which the registry has lost who has run for it. */
  function isUsedUp(doc: TaskDocument, before: UnitState | undefined, start: string): boolean {
    if (doc.state !== 'active' || (before?.rebuilt && !before.started)) return true;
    const [kind, name] = split(start);
    const life = lives.get(name);
    const at = kind === 'life' ? life?.at : Math.min(...(startedAt.get(name) ?? []));
    return at !== undefined && (doc.restoredAt ?? -Infinity) > at;
  }

  function claimProblem(
    { doc, policies }: TaskVersion,
    run: RunEntry,
    added: string[],
    before: UnitState | undefined,
  ): string | undefined {
    const [start] = added;
    if (run.tick !== undefined) return `for tick ${run.tick}`;
    if (start === undefined || added.length > 1) return 'the unit does not say for which';
    const [kind, name] = split(start);
    if (policies.runOnStart !== (kind === 'life' ? 'cluster' : kind)) return `its task asks for none of a ${kind}`;
    if (kind === 'life' && !lives.has(name)) return `there is no life ${name} of the cluster`;
    if (kind === 'life' && isUsedUp(doc, before, start)) return 'it was none of its';
    const node = nodes.get(run.boot);
    if (kind === 'life' || !node) return undefined;
    if (node.version !== name) return `its node is of version ${node.version}, not ${name}`;
    return (doc.restoredAt ?? 0) > node.startedAt ? 'the task was brought back since' : undefined;
  }

  /** The start that every node which could own the task would run it for. */
  function startToCome(task: TaskVersion, late: number): string | undefined {
    const { policies, name } = task;
    const able = world.candidatesOf(name);
    if (able.length === 0 || able.some(({ since }) => since > late)) return undefined;
    if (policies.runOnStart === 'cluster') return world.life && `life ${world.life.id}`;
    if (policies.runOnStart !== 'version') return undefined;
    const [version, ...others] = new Set(able.map(({ record }) => record.version));
    return version !== undefined && others.length === 0 ? `version ${version}` : undefined;
  }

  function* lifeProblems({ process, at }: WriteEntry, value: string): Iterable<string> {
    const life = JSON.parse(value) as Life;
    const isNew = !lives.has(life.id);
    lives.set(life.id, life);
    if (!isNew || process === undefined) return;
    if (world.suffers(process, 'freeze', world.options.writeDelayMs)) return; // it may have looked long ago
    const since = at - 2 * world.options.writeDelayMs;
    const atWork = [...world.nodes.values()].find(
      ({ record, since: began }) => record.status === 'working' && record.boot !== life.boot && began < since,
    );
    if (atWork && world.lossAt < since)
      yield `${process} began life ${life.id} of the cluster, while ${atWork.record.id} was at work since ${atWork.since}`;
  }
}

function split(start: string): [kind: string, name: string] {
  const [kind = '', ...name] = start.split(' ');
  return [kind, name.join(' ')];
}
