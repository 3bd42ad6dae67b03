/** A node that may own units: it is working, has the handler and matches the selector. */
export interface Candidate {
  nodeId: string;
  /** Its share, relative to the others'. 0: it gets nothing unless all have 0. */
  weight: number;
}

/**
 * WHO: names one node for every unit. Pure: the same units and candidates give the same answer on every node, in
 * whatever order they come. Total: with at least one candidate every unit gets a node; without one the map is empty.
 */
export interface AssignmentStrategy {
  /** Stands in each node's record: all follow the one that most of them name. */
  readonly name: string;
  /** Each unit's node does not depend on which other units are given. */
  readonly independent: boolean;
  assign(units: readonly string[], candidates: readonly Candidate[]): Map<string, string>;
  /**
   * One node's part of what `assign` says, where that is cheaper by itself. Without this, units are assigned once more for
   * each other owner to find out who stands by: all of them, unless the strategy is independent.
   */
  share?(nodeId: string, units: readonly string[], candidates: readonly Candidate[]): Share;
}

/** What a node looks after, in any order. */
export interface Share {
  readonly owned: readonly string[];
  /**
   * Units of others that it takes when their owner is gone: best those that `assign` would then give it. Each unit has one
   * such node wherever there is another candidate.
   */
  readonly standby: readonly string[];
}

/** The candidates that count, each once, in the order of their ids: all with weight, or, where none has, all alike. */
export function effectiveCandidates(candidates: readonly Candidate[]): Candidate[] {
  const weights = new Map<string, number>();
  for (const { nodeId, weight } of candidates) weights.set(nodeId, Math.max(weights.get(nodeId) ?? 0, shareOf(weight)));
  const all = [...weights]
    .map(([nodeId, weight]) => ({ nodeId, weight }))
    .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const weighty = all.filter(({ weight }) => weight > 0);
  return weighty.length > 0 ? weighty : all.map(({ nodeId }) => ({ nodeId, weight: 1 }));
}

/** What a broken node record says must not keep the others from agreeing. */
function shareOf(weight: number): number {
  return Number.isFinite(weight) && weight > 0 ? weight : 0;
}
