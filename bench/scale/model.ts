/**
 * The formulas of docs/capacity.md: what a cluster asks of its registry and of its nodes. Pure arithmetic; whatever
 * depends on a machine comes in as `NodeCosts` or `RegistryCosts` (measured).
 */
import { DEFAULT_HISTORY, PAGE, WRITES_PER_COMMIT } from './protocol-constants.js';

export interface Cluster {
  readonly nodes: number;
  readonly tasks: number;
  /** Mean time between two ticks of a task; absent where nothing is due. */
  readonly periodMs?: number;
  /** Ticks fall on instants so far apart: whole seconds, as cron has them, or single milliseconds. @default 1000 */
  readonly alignMs?: number;
  /** Retries per tick. @default 0 */
  readonly retries?: number;
  readonly heartbeatMs?: number;
  readonly resyncMs?: number;
  /** What a node asks at each heartbeat: it renews, and asks for the time. An adapter may ask for more. @default 2 */
  readonly callsPerBeat?: number;
  /** The share of the tasks that each node holds. Today it is 1: others are what partial replicas would give. */
  readonly replica?: number;
}

/** Per second, of the whole cluster. */
export interface Load {
  /** Single reads, renewals and questions for the time: a round trip each. */
  readonly reads: number;
  /** Round trips with writes. */
  readonly commits: number;
  readonly writes: number;
  /** Pages of lists, and the documents in them. */
  readonly pages: number;
  readonly listed: number;
  /** Changes, each as often as there are nodes that watch. */
  readonly told: number;
}

const HEARTBEAT_MS = 10_000 / 3;
const RESYNC_MS = 30_000;
/** Ticks further apart than this have a standby, which reads the unit of each. */
const STANDBY_FROM_MS = 30_000;
/** Units that are read at a check of the epoch, beside its document and a task: has the registry gone back in time? */
const WITNESSES = 4;

const pagesOf = (documents: number): number => Math.max(1, Math.ceil(documents / PAGE));

/** What goes on though nothing is due. */
export function idle(cluster: Cluster): Load {
  const { nodes, tasks, heartbeatMs = HEARTBEAT_MS, resyncMs = RESYNC_MS, replica = 1, callsPerBeat = 2 } = cluster;
  const beats = (nodes * 1_000) / heartbeatMs;
  const resyncs = (nodes * 1_000) / resyncMs;
  const checks = 2 * resyncs; // of the epoch, after each of the two lists
  return {
    reads: beats * callsPerBeat + checks * (2 + Math.min(WITNESSES, tasks / nodes)),
    commits: resyncs,
    writes: resyncs,
    pages: resyncs * (pagesOf(nodes) + pagesOf(tasks * replica)), // of nodes, and of tasks
    listed: resyncs * (nodes + tasks * replica),
    told: resyncs * nodes,
  };
}

/** What the ticks add. */
export function ticking(cluster: Cluster): Load {
  const { nodes, tasks, periodMs, alignMs = 1_000, retries = 0 } = cluster;
  if (periodMs === undefined) return { reads: 0, commits: 0, writes: 0, pages: 0, listed: 0, told: 0 };
  const ticks = (tasks * 1_000) / periodMs;
  const perInstant = (ticks * alignMs) / 1_000 / nodes;
  const { some, several } = crowd(perInstant);
  const instants = (nodes * 1_000) / alignMs;
  const together = perInstant / some;
  const feed = Math.min(DEFAULT_HISTORY + 1, together); // the first record at once, of those behind it the latest
  const commits = (writes: number): number => Math.max(1, writes / WRITES_PER_COMMIT);
  const hasStandby = nodes > 1 && periodMs >= STANDBY_FROM_MS;
  return {
    reads: hasStandby ? ticks : 0,
    commits: instants * (some * (commits(together) + commits(2 * together + 1)) + several) + 2 * retries * ticks,
    writes: instants * some * (3 * together + feed) + 2 * retries * ticks,
    pages: 0,
    listed: 0,
    told: 0,
  };
}

/** Chances that an instant has a tick of a node, and that it has several, where so many are to be expected. */
function crowd(mean: number): { some: number; several: number } {
  const none = Math.exp(-mean);
  return { some: -Math.expm1(-mean), several: 1 - none - mean * none };
}

export function busy(cluster: Cluster): Load {
  const [a, b] = [idle(cluster), ticking(cluster)];
  const names = Object.keys(a) as (keyof Load)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as Load;
}

/** Round trips per second, whatever they are for. */
export const callsOf = ({ reads, commits, pages }: Load): number => reads + commits + pages;

/** One node more, or one less. */
export interface Change {
  /** Units that get another owner. */
  readonly moved: number;
  /** Of these all but a handful are single reads of units. */
  readonly calls: number;
  readonly listed: number;
  readonly told: number;
  /** Of all units, by each node. */
  readonly placements: number;
}

/** What it takes to join besides tasks and units: session, time, watches, three versions of its record, epoch and life. */
const CALLS_TO_JOIN = 20;
const CALLS_TO_LEAVE = 10;

/** Tasks once, nodes twice; and it reads the units it is given. @param moved at least one share */
export function joins({ nodes, tasks, replica = 1 }: Cluster, moved = tasks / (nodes + 1)): Change {
  const all = nodes + 1;
  const calls = moved + CALLS_TO_JOIN + pagesOf(tasks * replica) + 2 * pagesOf(all);
  return { moved, calls, listed: tasks * replica + 2 * all, told: 3 * all, placements: 2 };
}

/** In good order: new owners read what was its own, and once it is gone every owner reads all its units again. */
export function leaves({ nodes, tasks }: Cluster, moved = tasks / nodes): Change {
  return { moved, calls: tasks + moved + CALLS_TO_LEAVE, listed: 0, told: 2 * (nodes - 1), placements: 2 };
}

/** By a kill: the same at the end of its session, in one go. */
export function dies({ nodes, tasks }: Cluster, moved = tasks / nodes): Change {
  return { moved, calls: tasks, listed: 0, told: nodes - 1, placements: 1 };
}
