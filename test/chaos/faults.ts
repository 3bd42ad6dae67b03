import type { ChaosCluster } from './cluster.js';
import type { NodeProcess } from './node-process.js';

/** Something bad that can befall a node, or the registry and with it all. */
interface Fault {
  /** What the log calls it; the checker knows `kill` and `freeze`. Default: its name here. */
  readonly what?: string;
  readonly strikes: 'node' | 'registry';
  /** How long it lasts at least and at most, in milliseconds. */
  readonly lasts: readonly [number, number];
  /** How often the nemesis draws it, relative to the others. */
  readonly weight: number;
  /** The process is over: it is not healed, another one comes in its place. */
  readonly endsProcess?: true;
  begin(cluster: ChaosCluster, node: NodeProcess): unknown;
  end(cluster: ChaosCluster, node: NodeProcess): unknown;
}

/** Longer than a session lives, so that others take over. */
const BEYOND_SESSION = [11_000, 15_000] as const;
const CLOCK_STEP_MS = 300_000;
const BLOCK_MS = 2_500;

const pass = (_: ChaosCluster, { proxy }: NodeProcess): Promise<void> => proxy.pass();
const freeze = {
  what: 'freeze',
  strikes: 'node',
  begin: (_: ChaosCluster, node: NodeProcess) => node.signal('SIGSTOP'),
  end: (_: ChaosCluster, node: NodeProcess) => node.signal('SIGCONT'),
} as const;
const kill = {
  what: 'kill',
  strikes: 'node',
  endsProcess: true,
  begin: (cluster: ChaosCluster, node: NodeProcess) => cluster.killNode(node),
} as const;
const blackhole = {
  what: 'blackhole',
  strikes: 'node',
  begin: (_: ChaosCluster, { proxy }: NodeProcess) => proxy.blackhole(),
  end: pass,
} as const;

/** Every fault there is. To add one: its entry here; the nemesis draws from the same table. */
export const FAULTS = {
  kill: { ...kill, lasts: [0, 2_000], weight: 3, end: (cluster) => cluster.startNode(cluster.newId()) },
  'kill, same id': { ...kill, lasts: [0, 2_000], weight: 1, end: (cluster, { id }) => cluster.startNode(id) },
  sigterm: {
    strikes: 'node',
    lasts: [0, 1_000],
    weight: 1,
    endsProcess: true,
    begin: (cluster, node) => cluster.stopNode(node),
    end: (cluster) => cluster.startNode(cluster.newId()),
  },
  freeze: { ...freeze, lasts: [300, 4_000], weight: 2 },
  'long freeze': { ...freeze, lasts: BEYOND_SESSION, weight: 1 },
  block: {
    strikes: 'node',
    lasts: [BLOCK_MS, BLOCK_MS],
    weight: 1,
    begin: (_, node) => node.order({ type: 'block', forMs: BLOCK_MS }),
    end: () => undefined,
  },
  'clock-forward': {
    strikes: 'node',
    lasts: [3_000, 9_000],
    weight: 1,
    begin: (_, node) => node.order({ type: 'step-clock', offMs: CLOCK_STEP_MS }),
    end: (_, node) => node.order({ type: 'step-clock', offMs: 0 }),
  },
  'clock-back': {
    strikes: 'node',
    lasts: [3_000, 9_000],
    weight: 1,
    begin: (_, node) => node.order({ type: 'step-clock', offMs: -CLOCK_STEP_MS }),
    end: (_, node) => node.order({ type: 'step-clock', offMs: 0 }),
  },
  cut: { strikes: 'node', lasts: [0, 0], weight: 1, begin: (_, { proxy }) => proxy.cut(), end: pass },
  refuse: { strikes: 'node', lasts: [500, 5_000], weight: 1, begin: (_, { proxy }) => proxy.refuse(), end: pass },
  delay: { strikes: 'node', lasts: [2_000, 6_000], weight: 1, begin: (_, { proxy }) => proxy.delay(300), end: pass },
  blackhole: { ...blackhole, lasts: [1_000, 6_000], weight: 1 },
  'long blackhole': { ...blackhole, lasts: BEYOND_SESSION, weight: 1 },
  'blackhole-requests': {
    strikes: 'node',
    lasts: [1_000, 9_000],
    weight: 1,
    begin: (_, { proxy }) => proxy.blackhole('requests'),
    end: pass,
  },
  'blackhole-replies': {
    strikes: 'node',
    lasts: [1_000, 9_000],
    weight: 1,
    begin: (_, { proxy }) => proxy.blackhole('replies'),
    end: pass,
  },
  'drop-replies': {
    strikes: 'node',
    lasts: [500, 4_000],
    weight: 1,
    begin: (_, { proxy }) => proxy.dropReplies(),
    end: pass,
  },
  'deliver-then-cut': {
    strikes: 'node',
    lasts: [1_500, 1_500],
    weight: 2,
    // A request that names a unit: the claim or the end of a run. Should none come, the trap is taken away at the end.
    begin: (_, { proxy }) => void proxy.deliverThenCut((request) => request.includes('units')),
    end: pass,
  },
  'server-kill': {
    strikes: 'registry',
    lasts: [0, 4_000],
    weight: 1,
    begin: ({ server }) => server.kill(),
    end: ({ server }) => server.restart({ keepData: true }),
  },
  'server-freeze': {
    strikes: 'registry',
    lasts: [500, 4_000],
    weight: 1,
    begin: ({ server }) => server.pause(),
    end: ({ server }) => server.resume(),
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** Begins a fault. @returns what ends it: for a process that is over, the start of another one */
export async function strike(cluster: ChaosCluster, name: FaultName, node?: NodeProcess): Promise<() => Promise<void>> {
  const fault: Fault = FAULTS[name];
  const told = { what: fault.what ?? name, ...(node && { process: node.name }) };
  const victim = node as NodeProcess; // a fault that strikes the registry does not look at it
  if (told.what !== 'kill') cluster.recorder.tell({ type: 'fault', ...told });
  await fault.begin(cluster, victim);
  return async () => {
    await fault.end(cluster, victim);
    if (!fault.endsProcess) cluster.recorder.tell({ type: 'heal', ...told });
  };
}
