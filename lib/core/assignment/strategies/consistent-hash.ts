import { hash32 } from '../../common/hash.js';
import { type AssignmentStrategy, type Candidate, effectiveCandidates } from '../assignment-strategy.js';
import { shareByAssigning } from '../share.js';
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
    const owners = new Map<string, string>();
    const nodes = effectiveCandidates(candidates);
    if (nodes.length === 0) return owners;
    const placed = place(units, nodes);
    for (let i = 0; i < units.length; i++) owners.set(units[i]!, nodes[placed.owners[i]!]!.nodeId);
    return owners;
  },

  /** A unit's standby is the first node on the ring that is not its owner, full or not. */
  share(nodeId, units, candidates) {
    const nodes = effectiveCandidates(candidates);
    if (nodes.length < 2) return shareByAssigning(nodeId, units, candidates, consistentHash);
    const share = { owned: [] as string[], standby: [] as string[] };
    const own = nodes.findIndex((node) => node.nodeId === nodeId);
    const { ring, points, owners } = place(units, nodes);
    for (let i = 0; i < units.length; i++) {
      const owner = owners[i]!;
      let point = points[i]!;
      while (ring.owners[point] === owner) point = following(ring, point);
      if (owner === own) share.owned.push(units[i]!);
      else if (ring.owners[point] === own) share.standby.push(units[i]!);
    }
    return share;
  },
};

interface Placed {
  readonly ring: Ring;
  /** Of each unit: the next point after its hash. */
  readonly points: Uint32Array;
  /** Of each unit: the index of its node. */
  readonly owners: Uint32Array;
}

function place(units: readonly string[], nodes: readonly Candidate[]): Placed {
  const ring = ringOf(nodes);
  const hashes = new Uint32Array(units.length);
  const points = new Uint32Array(units.length);
  const owners = new Uint32Array(units.length);
  for (let i = 0; i < units.length; i++) {
    const hash = (hashes[i] = hash32(units[i]!));
    const point = (points[i] = pointAfter(ring, hash));
    owners[i] = ring.owners[point]!;
  }
  relieve(units, hashes, points, owners, ring, limitsOf(units.length, nodes));
  return { ring, points, owners };
}

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
  points: Uint32Array,
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
    let point = points[i]!;
    while (loads[ring.owners[point]!]! >= limits[ring.owners[point]!]!) point = following(ring, point);
    owners[i] = ring.owners[point]!;
    loads[owners[i]!]!++;
  }
}

function following({ owners }: Ring, point: number): number {
  return point + 1 === owners.length ? 0 : point + 1;
}
