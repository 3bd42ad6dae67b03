import { BoundedCache } from '../../common/bounded-cache.js';
import { hash32 } from '../../common/hash.js';
import { type AssignmentStrategy, type Candidate, effectiveCandidates } from '../assignment-strategy.js';
import { deal } from '../deal.js';

/** Shards of the lightest node. With equal weights the remainder by the shards is that by the nodes. */
const SHARDS = 16;
const MOST_SHARDS = 65_536;

const tables = new BoundedCache<Uint32Array>(16);

/**
 * The hash of a unit modulo the number of nodes, in the order of their ids: what every reader can work out by hand. When
 * a node comes or goes, nearly all units move.
 */
export const hashSharding: AssignmentStrategy = {
  name: 'hash-sharding',
  independent: true,

  assign(units, candidates) {
    const nodes = effectiveCandidates(candidates);
    if (nodes.length === 0) return new Map();
    const table = shardsOf(nodes);
    return new Map(units.map((unit) => [unit, nodes[table[hash32(unit) % table.length]!]!.nodeId]));
  },
};

function shardsOf(nodes: readonly Candidate[]): Uint32Array {
  return tables.get(JSON.stringify(nodes.map(({ weight }) => weight)), () => {
    const lightest = nodes.reduce((least, { weight }) => Math.min(least, weight), Infinity);
    const sum = nodes.reduce((all, { weight }) => all + weight, 0);
    const count = Math.min(Math.round((SHARDS * sum) / lightest), Math.max(MOST_SHARDS, nodes.length));
    return deal(count, nodes);
  });
}
