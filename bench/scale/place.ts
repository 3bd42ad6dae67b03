import { consistentHash } from '../../lib/core/assignment/strategies/consistent-hash.js';
import { ClusterView } from '../../lib/core/cluster/cluster-view.js';
import type { NodeRecord } from '../../lib/core/cluster/node-record.js';
import { keys } from '../../lib/core/registry/keyspace.js';
import { placementOf } from '../../lib/core/scheduler/placement.js';
import { strategyInForce } from '../../lib/core/scheduler/strategy-in-force.js';
import type { Catalog } from '../../lib/core/task/catalog.js';
import { spreadOf, type Spread } from '../common/statistics.js';
import { cpuMs } from './cpu.js';
import { changesBetween } from './moved.js';

const JOINS = 5;

export interface PlacementFigures {
  readonly nodes: number;
  readonly tasks: number;
  /** What one node does once it has heard that another one has come, in time of its processor. */
  readonly placeMs: Spread;
  /** Load of the busiest node, in parts of the mean. */
  readonly maxToMean: number;
  /** Units that move when a node comes, in parts of the least that must: one share. Over some joins, one after the other. */
  readonly moved: Spread;
}

/** Where the tasks of the catalog go, and how long a node takes to work that out. */
export function measurePlacement(catalog: Catalog, nodes: number, rounds: number): PlacementFigures {
  const tasks = [...catalog.values()];
  const units = tasks.flatMap((task) => task.units.map(({ name }) => name));
  const took = Array.from({ length: rounds + 1 }, (_, round) => placeMs(catalog, nodes, round)).slice(1); // one to warm up
  const before = ownersAmong(units, nodes);
  return {
    nodes,
    tasks: tasks.length,
    placeMs: spreadOf(took),
    maxToMean: busiest(before) / (units.length / nodes),
    moved: spreadOf(sharesMoved(units, nodes, before)),
  };
}

/** Nobody has placed anything on these nodes before: after a change the ring is always a new one. */
function placeMs(catalog: Catalog, nodes: number, round: number): number {
  const view = new ClusterView(() => undefined);
  for (let i = 0; i < nodes; i++) {
    const value = JSON.stringify(nodeRecord(`${round}-node-${i}`));
    view.apply({ key: keys.node(`node-${i}`), value, revision: '1', token: 1n });
  }
  const since = cpuMs();
  placementOf(`${round}-node-0`, catalog.values(), view, strategyInForce(view, consistentHash));
  return cpuMs() - since;
}

/** A limit of whole units lies between two numbers of nodes now and then, and moves more: hence several joins. */
function sharesMoved(units: readonly string[], nodes: number, first: ReadonlyMap<string, string>): number[] {
  let before = first;
  return Array.from({ length: JOINS }, (_, i) => {
    const count = nodes + i + 1;
    const after = ownersAmong(units, count);
    const moved = changesBetween(before, after);
    before = after;
    return moved / (units.length / count);
  });
}

function ownersAmong(units: readonly string[], nodes: number): ReadonlyMap<string, string> {
  return consistentHash.assign(
    units,
    Array.from({ length: nodes }, (_, i) => ({ nodeId: `node-${i}`, weight: 1 })),
  );
}

function busiest(owners: ReadonlyMap<string, string>): number {
  const loads = new Map<string, number>();
  for (const node of owners.values()) loads.set(node, (loads.get(node) ?? 0) + 1);
  return Math.max(...loads.values());
}

function nodeRecord(id: string): NodeRecord {
  const at = Date.UTC(2030, 0, 1);
  return {
    id,
    boot: id,
    session: id,
    status: 'working',
    hostname: id,
    pid: 1,
    weight: 1,
    labels: {},
    handlers: ['job'],
    running: 0,
    startedAt: at,
    lastAliveAt: at,
  };
}
