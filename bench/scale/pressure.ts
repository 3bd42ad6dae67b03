import { busy, callsOf, dies, idle, type Cluster, type Load } from './model.js';
import { DEFAULT_HISTORY, READS_IN_FLIGHT } from './protocol-constants.js';
import type { RegistryCosts } from './registry-costs.js';

/** What a machine does with it: measured. */
export interface Costs {
  readonly registry: RegistryCosts;
  /** Bytes of a node's heap for each task it knows, and for each unit that it owns or stands by for. */
  readonly heapPerTask: number;
  readonly heapPerUnit: number;
  /** How long one node works out who owns what. */
  readonly placeMs: (nodes: number, tasks: number) => number;
  /** Mean length of documents by their kind. */
  readonly documents: Readonly<Record<string, number>>;
}

/** Where something stops working as promised. */
export const LIMITS = {
  /** Of one core, for Redis; of the time, for others. */
  registry: 1,
  /** What leaves the registry: one gigabit per second. */
  bytesPerSecond: 125e6,
  /** From then on a tick counts as late. */
  pauseMs: 1_000,
  /** How long a call may take by default. */
  queueMs: 2_000,
  /** The heap that Node takes by itself on a small machine. */
  heapBytes: 2 * 2 ** 30,
  heldBytes: 16 * 2 ** 30,
} as const;

export interface Pressure {
  readonly calls: { readonly idle: number; readonly busy: number };
  readonly listed: number;
  /** Shares of the registry's time. */
  readonly registry: { readonly idle: number; readonly busy: number };
  readonly bytesPerSecond: number;
  readonly heldBytes: number;
  readonly heapBytes: number;
  readonly pauseMs: number;
  /** How long the last read waits when all owners read their units again. */
  readonly queueMs: number;
  /** What comes nearest to its limit, and how near. */
  readonly first: { readonly what: string; readonly ofLimit: number };
}

export function pressureOn(cluster: Cluster, costs: Costs): Pressure {
  const { nodes, tasks, replica = 1 } = cluster;
  const [still, load] = [idle(cluster), busy(cluster)];
  const parts = sharesOf(load, costs.registry);
  const { documents } = costs;
  const known = tasks * replica;
  const inList = (nodes * documents['nodes']! + known * documents['tasks']!) / (nodes + known);
  const bytesPerSecond = load.reads * documents['units']! + load.listed * inList + load.told * documents['nodes']!;
  const history = DEFAULT_HISTORY * (documents['history']! + HISTORY_OVERHEAD);
  const heldBytes = tasks * ((costs.registry.bytesPerTask ?? 0) + (cluster.periodMs === undefined ? 0 : history));
  const heapBytes = known * costs.heapPerTask + ((2 * tasks) / nodes) * costs.heapPerUnit;
  const pauseMs = costs.placeMs(nodes, known);
  const inFlight = Math.min(dies(cluster).calls, READS_IN_FLIGHT * nodes);
  const queueMs = (inFlight * costs.registry.readUs) / 1_000;
  const [part] = Object.entries(parts).sort(([, a], [, b]) => b - a);
  const limited = {
    [`time of the registry: ${part![0]}`]: sumOf(parts) / LIMITS.registry,
    'bytes out of the registry': bytesPerSecond / LIMITS.bytesPerSecond,
    'pause of each node that places all units': pauseMs / LIMITS.pauseMs,
    'all units read again when a node goes': queueMs / LIMITS.queueMs,
    'heap of each node': heapBytes / LIMITS.heapBytes,
    'memory of the registry': heldBytes / LIMITS.heldBytes,
  };
  const [[what, ofLimit]] = Object.entries(limited).sort(([, a], [, b]) => b - a) as [[string, number]];
  return {
    calls: { idle: callsOf(still), busy: callsOf(load) },
    listed: load.listed,
    registry: { idle: sumOf(sharesOf(still, costs.registry)), busy: sumOf(parts) },
    bytesPerSecond,
    heldBytes,
    heapBytes,
    pauseMs,
    queueMs,
    first: { what, ofLimit },
  };
}

/** A record's key, and what the store keeps beside it: as for a task or a unit. */
const HISTORY_OVERHEAD = 100;

/** Of the registry's time, by what it is spent on. */
export function sharesOf(load: Load, costs: RegistryCosts): Record<string, number> {
  return {
    'lists at resyncs': (load.listed * costs.listedUs + load.pages * costs.readUs) / 1e6,
    'single reads': (load.reads * costs.readUs) / 1e6,
    'claims and finishes': (load.commits * costs.commitUs + load.writes * costs.writeUs) / 1e6,
    'news of nodes': (load.told * costs.toldUs) / 1e6,
  };
}

export const sumOf = (shares: Readonly<Record<string, number>>): number =>
  Object.values(shares).reduce((sum, share) => sum + share, 0);
