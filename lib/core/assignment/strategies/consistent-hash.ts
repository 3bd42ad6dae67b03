import { type AssignmentStrategy, type Candidate, effectiveCandidates } from '../assignment-strategy.js';
import { hash32 } from '../../common/hash.js';
import { pointAfter, type Ring, ringOf, scaleOf } from './ring.js';

/**
 * Nodes stand at many points of a ring, more for more weight; a unit belongs to the next point after its own hash. When
 * a node comes or goes, only the units move that it gains or loses.
 */
export const consistentHash: AssignmentStrategy = {
  name: 'consistent-hash',
  independent: true,

  assign(units, candidates) {
    const owners = new Map<string, string>();
    if (candidates.length === 0) return owners;
    const ring = ringOf(effectiveCandidates(candidates));
    for (const unit of units) owners.set(unit, ring.nodes[ring.owners[pointAfter(ring, hash32(unit))]!]!);
    return owners;
  },

  /** Without its owner a unit belongs to the next point of another node. */
  assignStandbys(units, candidates) {
    const standbys = new Map<string, string>();
    if (candidates.length === 0) return standbys;
    const effective = effectiveCandidates(candidates);
    const ring = ringOf(effective);
    const redrawn = ring.nodes.map((nodeId) => ringWithout(nodeId, effective, candidates));
    for (const unit of units) {
      const hash = hash32(unit);
      const point = pointAfter(ring, hash);
      const other = redrawn[ring.owners[point]!];
      if (other === 'same points') standbys.set(unit, ring.nodes[ring.owners[otherPoint(ring, point)]!]!);
      else if (other) standbys.set(unit, other.nodes[other.owners[pointAfter(other, hash)]!]!);
    }
    return standbys;
  },
};

/** The ring as it would be without one node: mostly the same points without its own; `undefined` where nobody is left. */
function ringWithout(
  nodeId: string,
  effective: Candidate[],
  all: readonly Candidate[],
): Ring | 'same points' | undefined {
  const rest = effective.filter((candidate) => candidate.nodeId !== nodeId);
  if (rest.length > 0 && scaleOf(rest) === scaleOf(effective)) return 'same points';
  const left = effectiveCandidates(all.filter((candidate) => candidate.nodeId !== nodeId));
  return left.length > 0 ? ringOf(left) : undefined;
}

function otherPoint({ owners }: Ring, point: number): number {
  let other = point;
  do other = other + 1 === owners.length ? 0 : other + 1;
  while (owners[other] === owners[point]);
  return other;
}
