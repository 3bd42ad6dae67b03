import { hash32, mix32 } from '../../common/hash.js';
import { type AssignmentStrategy, effectiveCandidates } from '../assignment-strategy.js';

const HASHES = 2 ** 32;

/**
 * Every node draws a number for the unit, the better the more weight it has, and the best one gets it (rendezvous
 * hashing). Shares follow the weights as closely as chance allows, also fractions of them; when a node comes, goes or
 * changes its weight, only units move that it gains or loses. It asks every node about every unit: for tens of nodes.
 */
export const weighted: AssignmentStrategy = {
  name: 'weighted',
  independent: true,

  assign(units, candidates) {
    const nodes = effectiveCandidates(candidates).map(({ nodeId, weight }) => ({
      nodeId,
      weight,
      salt: hash32(nodeId),
      other: hash32(`${nodeId}#`),
    }));
    const owners = new Map<string, string>();
    if (nodes.length === 0) return owners;
    for (const unit of units) {
      const hash = hash32(unit);
      let best = nodes[0]!;
      let least = Infinity;
      for (const node of nodes) {
        const draw = -Math.log((mix32(mix32(hash ^ node.salt) ^ node.other) + 0.5) / HASHES) / node.weight;
        if (draw < least) [least, best] = [draw, node];
      }
      owners.set(unit, best.nodeId);
    }
    return owners;
  },
};
