import { type AssignmentStrategy, effectiveCandidates } from '../assignment-strategy.js';
import { deal } from '../deal.js';
import { shareByAssigning } from '../share.js';

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

  /** Each owner's units are dealt to the others: without it nearly all units would move anyhow. */
  share(nodeId, units, candidates) {
    const nodes = effectiveCandidates(candidates);
    const own = nodes.findIndex((node) => node.nodeId === nodeId);
    if (own < 0 || nodes.length < 2) return shareByAssigning(nodeId, units, candidates, roundRobin);
    const hands = nodes.map((): string[] => []);
    const dealt = deal(units.length, nodes);
    [...units].sort().forEach((unit, place) => hands[dealt[place]!]!.push(unit));
    const standby = hands.flatMap((hand, owner) => {
      if (owner === own) return [];
      const others = nodes.filter((_, node) => node !== owner);
      const again = deal(hand.length, others);
      return hand.filter((_, place) => others[again[place]!]!.nodeId === nodeId);
    });
    return { owned: hands[own]!, standby };
  },
};
