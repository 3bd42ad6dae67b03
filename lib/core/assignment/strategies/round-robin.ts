import { type AssignmentStrategy, effectiveCandidates } from '../assignment-strategy.js';
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
};
