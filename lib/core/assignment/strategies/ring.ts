import { BoundedCache } from '../../common/bounded-cache.js';
import { hash32 } from '../../common/hash.js';
import type { Candidate } from '../assignment-strategy.js';

/** Points of a node of weight 1. Twice as many: balance better by a third, and twice the work when a node comes or goes. */
const POINTS = 500;

/** The points of all nodes, in order. */
export interface Ring {
  readonly hashes: Uint32Array;
  /** Of each point: the index of its node. */
  readonly owners: Uint32Array;
  readonly nodes: readonly string[];
  /** The ring in equal stretches, about as many as points: of each the first point at or after its beginning. */
  readonly marks: Uint32Array;
  /** By so many bits to the right, and a hash is the number of its stretch. */
  readonly shift: number;
}

const rings = new BoundedCache<Ring>(16);

/** The ring of these candidates; they are ordered by id and have weight. */
export function ringOf(candidates: readonly Candidate[]): Ring {
  return rings.get(JSON.stringify(candidates.map(({ nodeId, weight }) => [nodeId, weight])) + POINTS, () =>
    drawRing(candidates),
  );
}

/**
 * By how much weights are multiplied so that the largest is in [1, 2). In powers of two, so that the points of a node
 * stay where they are as others come and go, whether people weigh nodes 1 and 2 or 4096 and 8192.
 */
export function scaleOf(candidates: readonly Candidate[]): number {
  const largest = candidates.reduce((most, { weight }) => Math.max(most, weight), 0);
  return 2 ** -Math.floor(Math.log2(largest));
}

/** The index of the first point at or after `hash`, round the ring. */
export function pointAfter({ hashes, marks, shift }: Ring, hash: number): number {
  let point = marks[hash >>> shift]!;
  while (point < hashes.length && hashes[point]! < hash) point++;
  return point === hashes.length ? 0 : point;
}

/** A point and the index of its node are sorted as one number of 52 bits. */
const MOST_NODES = 2 ** 20;

function drawRing(candidates: readonly Candidate[]): Ring {
  const scale = scaleOf(candidates);
  const counts = candidates.map(({ weight }) => Math.max(1, Math.round(POINTS * weight * scale)));
  const points = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
  let filled = 0;
  for (const [index, { nodeId }] of candidates.entries()) {
    for (let i = 0; i < counts[index]!; i++) points[filled++] = hash32(`${nodeId}#${i}`) * MOST_NODES + index;
  }
  points.sort();
  const hashes = new Uint32Array(points.length);
  const owners = new Uint32Array(points.length);
  points.forEach((point, i) => {
    hashes[i] = Math.floor(point / MOST_NODES);
    owners[i] = point % MOST_NODES;
  });
  return { hashes, owners, nodes: candidates.map(({ nodeId }) => nodeId), ...marksOf(hashes) };
}

function marksOf(hashes: Uint32Array): Pick<Ring, 'marks' | 'shift'> {
  const bits = Math.max(1, Math.ceil(Math.log2(hashes.length)));
  const shift = 32 - bits;
  const marks = new Uint32Array(2 ** bits);
  let point = 0;
  for (let stretch = 0; stretch < marks.length; stretch++) {
    while (point < hashes.length && hashes[point]! >>> shift < stretch) point++;
    marks[stretch] = point;
  }
  return { marks, shift };
}
