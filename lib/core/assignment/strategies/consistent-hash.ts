import { hash32 } from '../../common/hash.js';
import { type AssignmentStrategy, type Candidate, effectiveCandidates, withoutNode } from '../assignment-strategy.js';
import { pointAfter, type Ring, ringOf } from './ring.js';

/** No node has more than so many times its share, but for the rounding to whole units. */
const MOST_LOAD = 1.05;

/**
 * Nodes stand at many points of a ring, more for more weight; a unit belongs to the next point after its own hash, and
 * where that node is full to the next one that is not. So loads are even, ten tasks on three nodes as well as a million,
 * and when a node comes or goes, hardly more units move than it gains or loses.
 */
export const consistentHash: AssignmentStrategy = {
  name: 'consistent-hash',
  independent: false,

  assign(units, candidates) {
    const nodes = effectiveCandidates(candidates);
    if (nodes.length === 0) return new Map();
    const ring = ringOf(nodes);
    const hashes = new Uint32Array(units.length);
    const owners = new Uint32Array(units.length);
    for (let i = 0; i < units.length; i++) {
      hashes[i] = hash32(units[i]!);
      owners[i] = ring.owners[pointAfter(ring, hashes[i]!)]!;
    }
    relieve(units, hashes, owners, ring, limitsOf(units.length, nodes));
    const named = new Map<string, string>();
    for (let i = 0; i < units.length; i++) named.set(units[i]!, ring.nodes[owners[i]!]!);
    return named;
  },

  /** A unit's standby is the first node on the ring that is not its owner, full or not. */
  standby(nodeId, owners, candidates) {
    const nodes = effectiveCandidates(candidates);
    const others = nodes.length === 1 ? withoutNode(nodes[0]!.nodeId, nodes, candidates) : nodes;
    if (others.length === 0) return [];
    const ring = ringOf(others);
    const standing: string[] = [];
    for (const [unit, owner] of owners) {
      if (owner === nodeId) continue;
      let point = pointAfter(ring, hash32(unit));
      while (ring.nodes[ring.owners[point]!] === owner) point = following(ring, point);
      if (ring.nodes[ring.owners[point]!] === nodeId) standing.push(unit);
    }
    return standing;
  },
};

function limitsOf(units: number, nodes: readonly Candidate[]): number[] {
  const sum = nodes.reduce((all, { weight }) => all + weight, 0);
  return nodes.map(({ weight }) => {
    const share = (units * weight) / sum;
    return Math.max(Math.ceil(share), Math.floor(share * MOST_LOAD));
  });
}

/** Of the units of a node that has too many the last ones, by their place on the ring, go on to nodes that have room. */
function relieve(
  units: readonly string[],
  hashes: Uint32Array,
  owners: Uint32Array,
  ring: Ring,
  limits: readonly number[],
): void {
  const loads = new Uint32Array(limits.length);
  for (const owner of owners) loads[owner]!++;
  const inOrder = (a: number, b: number): number => hashes[a]! - hashes[b]! || (units[a]! < units[b]! ? -1 : 1);
  const crowds = new Map<number, number[]>();
  owners.forEach((owner, i) => {
    if (loads[owner]! <= limits[owner]!) return;
    const crowd = crowds.get(owner);
    if (crowd) crowd.push(i);
    else crowds.set(owner, [i]);
  });
  const moving = [...crowds].flatMap(([owner, crowd]) => crowd.sort(inOrder).slice(limits[owner]!));
  for (const owner of crowds.keys()) loads[owner] = limits[owner]!;
  for (const i of moving.sort(inOrder)) {
    let point = pointAfter(ring, hashes[i]!);
    while (loads[ring.owners[point]!]! >= limits[ring.owners[point]!]!) point = following(ring, point);
    owners[i] = ring.owners[point]!;
    loads[owners[i]!]!++;
  }
}

function following({ owners }: Ring, point: number): number {
  return point + 1 === owners.length ? 0 : point + 1;
}
