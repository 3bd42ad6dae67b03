import type { AssignmentStrategy, Candidate, Share } from './assignment-strategy.js';

/** What the node owns of the units, and for which of the others it stands by. Pure. */
export function shareOf(
  nodeId: string,
  units: readonly string[],
  candidates: readonly Candidate[],
  strategy: AssignmentStrategy,
): Share {
  return strategy.share?.(nodeId, units, candidates) ?? shareByAssigning(nodeId, units, candidates, strategy);
}

/** It stands by for what the strategy gives it without the owner. Where other units have a say, all of them are assigned. */
export function shareByAssigning(
  nodeId: string,
  units: readonly string[],
  candidates: readonly Candidate[],
  strategy: AssignmentStrategy,
): Share {
  const unitsOf = new Map<string, string[]>(candidates.map((candidate) => [candidate.nodeId, []]));
  for (const [unit, owner] of strategy.assign(units, candidates)) unitsOf.get(owner)?.push(unit);
  const owned = unitsOf.get(nodeId) ?? [];
  unitsOf.delete(nodeId);
  const standby = [...unitsOf].flatMap(([owner, theirs]) => {
    if (theirs.length === 0) return [];
    const others = candidates.filter((candidate) => candidate.nodeId !== owner);
    const without = strategy.assign(strategy.independent ? theirs : units, others);
    return theirs.filter((unit) => without.get(unit) === nodeId);
  });
  return { owned, standby };
}
