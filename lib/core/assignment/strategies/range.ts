import { type AssignmentStrategy, effectiveCandidates } from '../assignment-strategy.js';
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
};
