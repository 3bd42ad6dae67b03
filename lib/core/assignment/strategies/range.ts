import { type AssignmentStrategy, type Candidate, effectiveCandidates } from '../assignment-strategy.js';
import { cutByWeight } from '../deal.js';
import { shareByAssigning } from '../share.js';

/**
 * The units in the order of their names, cut into one stretch for each node: tasks with the same beginning of their name
 * stay together. Loads differ by one unit at most; when a node comes or goes, all stretches shift.
 */
export const range: AssignmentStrategy = {
  name: 'range',
  independent: false,

  assign(units, candidates) {
    const owners = new Map<string, string>();
    const nodes = effectiveCandidates(candidates);
    const inOrder = [...units].sort();
    stretchesOf(units.length, nodes).forEach(([from, to], node) => {
      for (const unit of inOrder.slice(from, to)) owners.set(unit, nodes[node]!.nodeId);
    });
    return owners;
  },

  /** It stands by for what an owner's stretch shares with the one that the node would have without that owner. */
  share(nodeId, units, candidates) {
    const nodes = effectiveCandidates(candidates);
    const own = nodes.findIndex((node) => node.nodeId === nodeId);
    if (own < 0 || nodes.length < 2) return shareByAssigning(nodeId, units, candidates, range);
    const inOrder = [...units].sort();
    const stretches = stretchesOf(units.length, nodes);
    const standby = stretches.flatMap(([from, to], owner) => {
      if (owner === own) return [];
      const others = nodes.filter((_, node) => node !== owner);
      const [start, end] = stretchesOf(units.length, others)[owner < own ? own - 1 : own]!;
      return inOrder.slice(Math.max(from, start), Math.min(to, end));
    });
    return { owned: inOrder.slice(...stretches[own]!), standby };
  },
};

/** From where to where each candidate's stretch goes, the end not included. */
function stretchesOf(total: number, candidates: readonly Candidate[]): [from: number, to: number][] {
  const ends = cutByWeight(total, candidates);
  return ends.map((end, i) => [ends[i - 1] ?? 0, end]);
}
