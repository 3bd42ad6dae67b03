import { hash32 } from '../../common/hash.js';
import { type AssignmentStrategy, effectiveCandidates } from '../assignment-strategy.js';
import { cutByWeight } from '../deal.js';

/** As many as a Redis Cluster has. */
export const SLOTS = 16_384;

/**
 * A unit has one of 16,384 slots for ever, and each node a stretch of slots, in the order of their ids. When a node comes
 * or goes, the borders of all stretches shift.
 */
export const hashSlot: AssignmentStrategy = {
  name: 'hash-slot',
  independent: true,

  assign(units, candidates) {
    const nodes = effectiveCandidates(candidates);
    if (nodes.length === 0) return new Map();
    const ownerOf = ownersOfSlots(cutByWeight(SLOTS, nodes));
    return new Map(units.map((unit) => [unit, nodes[ownerOf[hash32(unit) % SLOTS]!]!.nodeId]));
  },
};

function ownersOfSlots(ends: readonly number[]): Uint32Array {
  const owners = new Uint32Array(SLOTS);
  ends.forEach((end, index) => owners.fill(index, ends[index - 1] ?? 0, end));
  return owners;
}
