/** Who shares out units among nodes: our strategies, and what else one would take. All nodes have the same weight. */
import { STRATEGIES } from '../../lib/core/assignment/strategy-table.js';
import { hash32, mix32 } from '../../lib/core/common/hash.js';
import { load, versionOf } from '../common/peer.js';

export interface Contestant {
  readonly name: string;
  readonly ours: boolean;
  /** For each unit its node, from nothing but the names: what a node has to do when the nodes have changed. */
  readonly assign: (units: readonly string[], nodes: readonly string[]) => Map<string, string>;
}

interface HashRing {
  get(unit: string): string;
}

export async function contestants(): Promise<Contestant[]> {
  const own = Object.values(STRATEGIES).map((strategy): Contestant => ({
    name: strategy.name,
    ours: true,
    assign: (units, nodes) =>
      strategy.assign(
        units,
        nodes.map((nodeId) => ({ nodeId, weight: 1 })),
      ),
  }));
  return [...own, await ketama(), rendezvous, jump];
}

/** The ring that most applications use, with MD5 and 160 points for each server, as memcached's clients have it. */
async function ketama(): Promise<Contestant> {
  const { default: Ring } = await load<{
    default: new (servers: string[], algorithm: string, options: object) => HashRing;
  }>('hashring');
  return {
    name: `hashring ${versionOf('hashring')}, 160 points`,
    ours: false,
    assign(units, nodes) {
      const ring = new Ring([...nodes], 'md5', { 'max cache size': units.length });
      return new Map(units.map((unit) => [unit, ring.get(unit)]));
    },
  };
}

/** Each node draws for each unit, and the highest draw wins: as in the textbook, without weights. */
const rendezvous: Contestant = {
  name: 'rendezvous, textbook',
  ours: false,
  assign(units, nodes) {
    const salts = Uint32Array.from(nodes, hash32);
    const owners = new Map<string, string>();
    for (const unit of units) {
      const hash = hash32(unit);
      let [best, most] = [0, -1];
      for (let i = 0; i < salts.length; i++) {
        const draw = mix32(hash ^ salts[i]!);
        if (draw > most) [best, most] = [i, draw];
      }
      owners.set(unit, nodes[best]!);
    }
    return owners;
  },
};

/** Lamping and Veach's: a unit jumps forward to the last number of nodes at which it would have moved. */
const jump: Contestant = {
  name: 'jump hash, textbook',
  ours: false,
  assign(units, nodes) {
    return new Map(
      units.map((unit) => {
        let random = hash32(unit);
        let [bucket, next] = [0, 0];
        while (next < nodes.length) {
          bucket = next;
          random = mix32(random + 0x9e37_79b9);
          next = Math.floor((bucket + 1) * (2 ** 32 / (random + 1)));
        }
        return [unit, nodes[bucket]!];
      }),
    );
  },
};
