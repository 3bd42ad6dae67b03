import type { Candidate } from '../assignment/assignment-strategy.js';
import { shareOf } from '../assignment/share.js';
import type { ClusterView } from '../cluster/cluster-view.js';
import { isCandidate, type NodeRecord } from '../cluster/node-record.js';
import type { KnownTask } from '../task/catalog.js';
import { isLive } from '../task/task-definition.js';
import type { Unit } from '../task/unit.js';
import type { StrategyInForce } from './strategy-in-force.js';

export type Role = 'owner' | 'standby';

export interface Placement {
  /** By key of the unit. */
  placed: Map<string, { unit: Unit; role: Role }>;
  /** Active tasks that no node can run. */
  homeless: KnownTask[];
}

/**
 * Which units this node looks after, from the tasks and the view alone: every node computes the same answer from the
 * same view, and while views differ the claim keeps ticks single.
 */
export function placementOf(
  nodeId: string,
  tasks: Iterable<KnownTask>,
  view: ClusterView,
  { strategy, has }: StrategyInForce,
): Placement {
  const placed: Placement['placed'] = new Map();
  const homeless: KnownTask[] = [];
  for (const { tasks: group, candidates } of groups(tasks, view, has)) {
    if (candidates.length === 0) {
      for (const task of group) if (task.doc.state === 'active') homeless.push(task);
    }
    if (!strategy || !candidates.some((candidate) => candidate.nodeId === nodeId)) continue;
    const units = group.flatMap((task) => task.units);
    const names = units.map(({ name }) => name);
    const { owned, standby } = shareOf(nodeId, names, candidates, strategy);
    const roles = new Map<string, Role>();
    for (const name of owned) roles.set(name, 'owner');
    for (const name of standby) roles.set(name, 'standby');
    for (const unit of units) {
      const role = roles.get(unit.name);
      if (role) placed.set(unit.key, { unit, role });
    }
  }
  return { placed, homeless };
}

/** Whether nothing has changed between two versions of a task that assignment looks at. */
export function samePlacement(a: KnownTask, b: KnownTask): boolean {
  return a.doc.generation === b.doc.generation && isLive(a.doc) === isLive(b.doc) && a.need === b.need;
}

/** Tasks with the same candidates are assigned together. */
function groups(
  tasks: Iterable<KnownTask>,
  view: ClusterView,
  has: StrategyInForce['has'],
): { tasks: KnownTask[]; candidates: Candidate[] }[] {
  const found = new Map<string, { tasks: KnownTask[]; candidates: Candidate[] }>();
  const byNeed = new Map<string, { tasks: KnownTask[] }>();
  for (const task of tasks) {
    if (!isLive(task.doc)) continue;
    let group = byNeed.get(task.need);
    if (!group) {
      const candidates = candidatesFor(task, view)
        .filter(has)
        .map(({ id, weight }) => ({ nodeId: id, weight }));
      const same = candidates
        .map(({ nodeId }) => nodeId)
        .sort()
        .join('\n');
      group = found.get(same) ?? { tasks: [], candidates };
      found.set(same, group as { tasks: KnownTask[]; candidates: Candidate[] });
      byNeed.set(task.need, group);
    }
    group.tasks.push(task);
  }
  return [...found.values()];
}

function candidatesFor(task: KnownTask, view: ClusterView): NodeRecord[] {
  return view.list().filter((node) => isCandidate(node, task.doc.definition, task.policies));
}
