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
   * The units of others for which the node stands by: those that `assign` would give it were their owner gone, or others,
   * as long as each unit has one standby wherever there is another candidate. `owners` is what `assign` named. Without
   * this, units are assigned once more for each owner: all of them, unless each is placed by itself.
   */
  standby?(nodeId: string, owners: ReadonlyMap<string, string>, candidates: readonly Candidate[]): string[];
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

/** The candidates that count once one of `nodes` is gone, which are those that count while it is there. */
export function withoutNode(gone: string, nodes: readonly Candidate[], candidates: readonly Candidate[]): Candidate[] {
  const others = ({ nodeId }: Candidate): boolean => nodeId !== gone;
  // alone: then those without weight stand by
  return nodes.length > 1 ? nodes.filter(others) : effectiveCandidates(candidates.filter(others));
}

/** What a broken node record says must not keep the others from agreeing. */
function shareOf(weight: number): number {
  return Number.isFinite(weight) && weight > 0 ? weight : 0;
}
