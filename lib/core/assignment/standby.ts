import type { AssignmentStrategy, Candidate } from './assignment-strategy.js';

/** Who runs what, and who steps in. */
export interface Placement {
  /** Each unit's owner; empty without candidates. */
  readonly owner: ReadonlyMap<string, string>;
  /** The units a node owns. */
  owned(nodeId: string): readonly string[];
  /** The units of other owners that the node steps in for if their owner is gone. */
  standby(nodeId: string): readonly string[];
  /** Who steps in if the unit's owner is gone; `undefined` where nobody is left. */
  standbyOf(unit: string): string | undefined;
}

/** Places the units on the candidates. Pure; the standbys are worked out when first asked for. */
export function placeUnits(
  strategy: AssignmentStrategy,
  units: readonly string[],
  candidates: readonly Candidate[],
): Placement {
  const owner = strategy.assign(units, candidates);
  let owned: Map<string, string[]> | undefined;
  let standbys: Map<string, string> | undefined;
  let standing: Map<string, string[]> | undefined;
  const unitsByOwner = (): Map<string, string[]> => (owned ??= byNode(owner));
  const standbyByUnit = (): Map<string, string> => {
    return (standbys ??=
      strategy.assignStandbys?.(owner, candidates) ?? assignAgain(strategy, units, candidates, unitsByOwner()));
  };
  return {
    owner,
    owned: (nodeId) => unitsByOwner().get(nodeId) ?? [],
    standby: (nodeId) => (standing ??= byNode(standbyByUnit())).get(nodeId) ?? [],
    standbyOf: (unit) => standbyByUnit().get(unit),
  };
}

/** The strategy once more for each owner, without it. Where other units have a say, all units are placed. */
function assignAgain(
  strategy: AssignmentStrategy,
  units: readonly string[],
  candidates: readonly Candidate[],
  unitsByOwner: ReadonlyMap<string, string[]>,
): Map<string, string> {
  const standbys = new Map<string, string>();
  for (const [nodeId, own] of unitsByOwner) {
    const others = candidates.filter((candidate) => candidate.nodeId !== nodeId);
    const placed = strategy.assign(strategy.independent ? own : units, others);
    for (const unit of own) {
      const standby = placed.get(unit);
      if (standby !== undefined) standbys.set(unit, standby);
    }
  }
  return standbys;
}

function byNode(nodeOf: ReadonlyMap<string, string>): Map<string, string[]> {
  const units = new Map<string, string[]>();
  for (const [unit, nodeId] of nodeOf) {
    const list = units.get(nodeId);
    if (list) list.push(unit);
    else units.set(nodeId, [unit]);
  }
  return units;
}
