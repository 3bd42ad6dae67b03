import { type AssignmentStrategy, effectiveCandidates, withoutNode } from '../assignment-strategy.js';
import { deal } from '../deal.js';

/**
 * The units in the order of their names, dealt to the nodes in turn, to a heavier node more often. Loads differ by one
 * unit at most; when a task or a node comes or goes, most units move.
 */
export const roundRobin: AssignmentStrategy = {
  name: 'round-robin',
  independent: false,

  assign(units, candidates) {
    const nodes = effectiveCandidates(candidates);
    if (nodes.length === 0) return new Map();
    const dealt = deal(units.length, nodes);
    return new Map([...units].sort().map((unit, place) => [unit, nodes[dealt[place]!]!.nodeId]));
  },

  /** Each owner's units, dealt to the others: without it nearly all units would move, and hardly one to where it is needed. */
  standby(nodeId, owners, candidates) {
    const nodes = effectiveCandidates(candidates);
    const hands = new Map(nodes.map((owner) => [owner.nodeId, [] as string[]]));
    for (const [unit, owner] of owners) hands.get(owner)!.push(unit);
    return [...hands].flatMap(([owner, hand]) => {
      const others = withoutNode(owner, nodes, candidates);
      const own = others.findIndex((other) => other.nodeId === nodeId);
      if (own < 0 || owner === nodeId) return [];
      const dealt = deal(hand.length, others);
      return hand.filter((_, place) => dealt[place] === own);
    });
  },
};
