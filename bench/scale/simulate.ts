import { cpuMs } from './cpu.js';
import { changesBetween } from './moved.js';
import type { Counts } from './traffic.js';
import { VirtualCluster, type Size } from './virtual-cluster.js';

/** What happened while a cluster did one thing. */
export interface Phase extends Counts {
  readonly virtualMs: number;
  readonly cpuMs: number;
  readonly ticks: number;
  readonly placements: number;
  /** Units that have another owner than before. */
  readonly moved: number;
}

export interface Simulation {
  readonly size: Size;
  /** What one more node with its replica takes of the heap. */
  readonly heapPerNode: number;
  /** A minute in which no node comes or goes. */
  readonly steady: Phase;
  /** Only where nothing is due, so that nothing else is counted. */
  readonly join?: Phase;
  readonly leave?: Phase;
  readonly death?: Phase;
  /** Mean length of documents by their kind. */
  readonly documents: Readonly<Record<string, number>>;
}

/** A whole number of heartbeats, and two resyncs of each node. */
const STEADY_MS = 60_000;
/** The three changes fit between the resyncs of two groups, so that nothing else is counted with them. */
const CHANGE_MS = 800;

export async function simulate(size: Size): Promise<Simulation> {
  const virtual = await VirtualCluster.fill(size);
  const { cluster } = virtual;
  const before = heapUsed();
  await virtual.complete();
  const heapPerNode = (heapUsed() - before) / (size.nodes - 1);
  if (size.due !== 'none') await cluster.advance(STEADY_MS); // each task has had a tick
  const steady = await phase(virtual, STEADY_MS);
  const documents = meanLengths(virtual);
  if (size.due !== 'none') return { size, heapPerNode, steady, documents };

  let added = cluster.node(0);
  const join = await phase(virtual, CHANGE_MS, async () => void (added = await virtual.joinSlowly()));
  const leave = await phase(virtual, CHANGE_MS, () => virtual.leave(added));
  const death = await phase(virtual, CHANGE_MS, async () => virtual.kill(cluster.node(1)));
  return { size, heapPerNode, steady, join, leave, death, documents };
}

/** Does something, if anything, and lets it take effect. */
async function phase(virtual: VirtualCluster, forMs: number, work?: () => Promise<void>): Promise<Phase> {
  const { cluster, traffic, tally } = virtual;
  const owners = virtual.owners();
  const [counts, { ticks, placements }, since] = [traffic.now(), { ...tally }, cluster.clock.monotonic()];
  const cpu = cpuMs();
  await work?.();
  await cluster.advance(since + forMs - cluster.clock.monotonic());
  const spentMs = cpuMs() - cpu;
  return {
    ...traffic.since(counts),
    virtualMs: forMs,
    cpuMs: spentMs,
    ticks: tally.ticks - ticks,
    placements: tally.placements - placements,
    moved: changesBetween(owners, virtual.owners()),
  };
}

function meanLengths({ cluster }: VirtualCluster): Record<string, number> {
  const kinds = ['nodes', 'tasks', 'units', 'history', 'feed'];
  return Object.fromEntries(
    kinds.map((kind) => {
      const { entries } = cluster.store.list(`test/${kind}/`, {});
      const length = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
      return [kind, length / Math.max(1, entries.length)];
    }),
  );
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
