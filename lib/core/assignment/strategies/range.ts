import { type AssignmentStrategy, effectiveCandidates, withoutNode } from '../assignment-strategy.js';
import { cutByWeight } from '../deal.js';

/**
 * The units in the order of their names, cut into one stretch for each node: tasks with the same beginning of their name
 * stay together. Loads differ by one unit at most; when a node comes or goes, all stretches shift.
 */
export const range: AssignmentStrategy = {
  name: 'range',
  independent: false,

  assign(units, candidates) {
    const nodes = effectiveCandidates(candidates);
    if (nodes.length === 0) return new Map();
    const ends = cutByWeight(units.length, nodes);
    let node = 0;
    return new Map(
      [...units].sort().map((unit, place) => {
        while (place >= ends[node]!) node++;
        return [unit, nodes[node]!.nodeId];
      }),
    );
  },

  /** What the stretch that the node would have without an owner shares with that owner's. */
  standby(nodeId, owners, candidates) {
    const units = [...owners.keys()]; // in the order of their names
    const nodes = effectiveCandidates(candidates);
    const ends = cutByWeight(units.length, nodes);
    return nodes.flatMap((owner, i) => {
      const others = withoutNode(owner.nodeId, nodes, candidates);
      const own = others.findIndex((other) => other.nodeId === nodeId);
      if (own < 0 || owner.nodeId === nodeId) return [];
      const ownEnds = cutByWeight(units.length, others);
      return units.slice(Math.max(ends[i - 1] ?? 0, ownEnds[own - 1] ?? 0), Math.min(ends[i]!, ownEnds[own]!));
    });
  },
};
