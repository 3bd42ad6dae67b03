import type { AssignmentStrategy, Candidate } from '../assignment/assignment-strategy.js';
import { placeUnits } from '../assignment/standby.js';
import type { ClusterView } from '../cluster/cluster-view.js';
import { isCandidate } from '../cluster/node-record.js';
import type { Catalog, KnownTask } from '../task/catalog.js';
import { isLive } from '../task/task-definition.js';
import type { Unit } from '../task/unit.js';

export type Role = 'owner' | 'standby';

/**
 * Which units this node looks after, from the catalog and the view alone: every node computes the same answer from the
 * same view, and while views differ the claim keeps ticks single.
 */
export function placementOf(
  nodeId: string,
  catalog: Catalog,
  view: ClusterView,
  strategy: AssignmentStrategy,
): Map<string, { unit: Unit; role: Role }> {
  const placed = new Map<string, { unit: Unit; role: Role }>();
  for (const { tasks, candidates } of groups(catalog, view)) {
    if (!candidates.some((candidate) => candidate.nodeId === nodeId)) continue;
    const units = new Map(tasks.flatMap((task) => task.units).map((unit) => [unit.name, unit]));
    const placement = placeUnits(strategy, [...units.keys()], candidates);
    for (const name of placement.standby(nodeId)) {
      const unit = units.get(name)!;
      placed.set(unit.key, { unit, role: 'standby' });
    }
    for (const [name, owner] of placement.owner) {
      const unit = units.get(name)!;
      if (owner === nodeId) placed.set(unit.key, { unit, role: 'owner' });
    }
  }
  return placed;
}

/** The node that owns the unit, as far as this view tells. */
export function ownerOf(task: KnownTask, view: ClusterView, strategy: AssignmentStrategy): string | undefined {
  const unit = task.units[0]?.name;
  return unit === undefined ? undefined : strategy.assign([unit], candidatesFor(task, view)).get(unit);
}

/** Tasks with the same candidates are assigned together. */
function groups(catalog: Catalog, view: ClusterView): { tasks: KnownTask[]; candidates: Candidate[] }[] {
  const found = new Map<string, { tasks: KnownTask[]; candidates: Candidate[] }>();
  const byNeed = new Map<string, { tasks: KnownTask[] }>();
  for (const task of catalog.values()) {
    if (!isLive(task.doc)) continue;
    const need = JSON.stringify([task.doc.definition.handler, task.policies.nodeSelector]);
    let group = byNeed.get(need);
    if (!group) {
      const candidates = candidatesFor(task, view);
      const same = candidates
        .map(({ nodeId }) => nodeId)
        .sort()
        .join('\n');
      group = found.get(same) ?? { tasks: [], candidates };
      found.set(same, group as { tasks: KnownTask[]; candidates: Candidate[] });
      byNeed.set(need, group);
    }
    group.tasks.push(task);
  }
  return [...found.values()];
}

function candidatesFor(task: KnownTask, view: ClusterView): Candidate[] {
  const { handler } = task.doc.definition;
  return view
    .list()
    .filter((node) => isCandidate(node, handler, task.policies.nodeSelector))
    .map(({ id, weight }) => ({ nodeId: id, weight }));
}
