import type { AssignmentStrategy, Candidate } from './assignment-strategy.js';

/** Who runs what, and who steps in. */
export interface Placement {
  /** Each unit's owner; empty without candidates. */
  readonly owner: ReadonlyMap<string, string>;
  /** The units of other owners that the node steps in for if their owner is gone. */
  standby(nodeId: string): readonly string[];
}

/** Places the units on the candidates. Pure; who stands by is worked out when it is asked for. */
export function placeUnits(
  strategy: AssignmentStrategy,
  units: readonly string[],
  candidates: readonly Candidate[],
): Placement {
  const owner = strategy.assign(units, candidates);
  return {
    owner,
    standby: (nodeId) =>
      strategy.standby?.(nodeId, owner, candidates) ?? assignAgain(strategy, units, owner, candidates, nodeId),
  };
}

/** The strategy once more for each owner, without it. Where other units have a say, all units are placed. */
function assignAgain(
  strategy: AssignmentStrategy,
  units: readonly string[],
  owners: ReadonlyMap<string, string>,
  candidates: readonly Candidate[],
  nodeId: string,
): string[] {
  const standing: string[] = [];
  for (const [owner, own] of unitsByOwner(owners)) {
    if (owner === nodeId) continue;
    const others = candidates.filter((candidate) => candidate.nodeId !== owner);
    const placed = strategy.assign(strategy.independent ? own : units, others);
    for (const unit of own) if (placed.get(unit) === nodeId) standing.push(unit);
  }
  return standing;
}

function unitsByOwner(owners: ReadonlyMap<string, string>): Map<string, string[]> {
  const units = new Map<string, string[]>();
  for (const [unit, owner] of owners) {
    const list = units.get(owner);
    if (list) list.push(unit);
    else units.set(owner, [unit]);
  }
  return units;
}
