import type { Row } from '../common/report.js';
import type { CatalogFigures } from './catalog.js';
import type { Cluster } from './model.js';
import type { PlacementFigures } from './place.js';
import { pressureOn, type Costs, type Pressure } from './pressure.js';
import type { RegistryCosts } from './registry-costs.js';

/** The column that tells how much of a registry's time a cluster takes. */
export const SHARE = '% of the registry';

const MB = 1e6;
const GB = 1e9;
const MINUTE_MS = 60_000;

/** So many nodes with so many tasks, each of which is due once a minute. */
export function capacityRow(cluster: Cluster, costs: Costs): Row {
  const pressure = pressureOn(cluster, costs);
  return {
    nodes: cluster.nodes,
    tasks: cluster.tasks,
    'calls/s idle': pressure.calls.idle,
    'calls/s': pressure.calls.busy,
    'documents listed/s': pressure.listed,
    ...needs(pressure),
  };
}

function needs({ registry, bytesPerSecond, heldBytes, heapBytes, pauseMs, queueMs, first }: Pressure): Row {
  return {
    [`${SHARE} idle`]: registry.idle * 100,
    [SHARE]: registry.busy * 100,
    'MB/s out': bytesPerSecond / MB,
    'GB held': heldBytes / GB,
    'heap MB per node': heapBytes / MB,
    'pause ms': pauseMs,
    'wait ms when a node goes': queueMs,
    'breaks first': firstOf(first),
  };
}

function firstOf({ what, ofLimit }: Pressure['first']): string {
  return ofLimit > 1 ? `${what}: × ${rounded(ofLimit)}` : `nothing; next ${what}, at ${percent(ofLimit)}`;
}

/** Redis polls once more between two heartbeats. */
const ALL: Cluster = { nodes: 1_000, tasks: 1e6, periodMs: MINUTE_MS, callsPerBeat: 3 };

/** What may be done about a thousand nodes with a million tasks. */
const REMEDIES: readonly { what: string; today: boolean; cluster: Cluster; times?: number }[] = [
  { what: 'as it is', today: true, cluster: ALL },
  { what: "cluster.resyncInterval: '1h'", today: true, cluster: { ...ALL, resyncMs: 60 * MINUTE_MS } },
  {
    what: '… and each task every 10 minutes',
    today: true,
    cluster: { ...ALL, resyncMs: 60 * MINUTE_MS, periodMs: 10 * MINUTE_MS },
  },
  {
    what: "10 namespaces of 100 nodes, resyncInterval: '10m', each with a Redis of its own: one of them",
    today: true,
    cluster: { ...ALL, nodes: 100, tasks: 1e5, resyncMs: 10 * MINUTE_MS },
  },
  {
    what: "100 namespaces of 10 nodes, resyncInterval: '5m', each with a prefix of its own, all in one Redis",
    today: true,
    cluster: { ...ALL, nodes: 10, tasks: 1e4, resyncMs: 5 * MINUTE_MS },
    times: 100,
  },
  { what: 'each node holds a hundredth of the tasks', today: false, cluster: { ...ALL, replica: 0.01 } },
  {
    what: "… and resyncInterval: '5m'",
    today: false,
    cluster: { ...ALL, replica: 0.01, resyncMs: 5 * MINUTE_MS },
  },
];

export function remedyRows(costs: Costs): Row[] {
  return REMEDIES.map(({ what, today, cluster, times = 1 }) => {
    const pressure = timesOver(pressureOn(cluster, costs), times);
    return { 'one thousand nodes, a million tasks': what, 'exists today': today ? 'yes' : 'no', ...needs(pressure) };
  });
}

/** So many clusters that share nothing but their registry. */
function timesOver(pressure: Pressure, times: number): Pressure {
  const { registry, bytesPerSecond, heldBytes, first } = pressure;
  const shared = { what: 'time of the registry', ofLimit: registry.busy * times };
  return {
    ...pressure,
    registry: { idle: registry.idle * times, busy: registry.busy * times },
    bytesPerSecond: bytesPerSecond * times,
    heldBytes: heldBytes * times,
    first: shared.ofLimit > first.ofLimit ? shared : first,
  };
}

/** How much of each registry's time the same clusters take. */
export function registryRow(cluster: Cluster, costs: Costs, registries: ReadonlyMap<string, RegistryCosts>): Row {
  const cells = [...registries].map(([name, registry]) => {
    const { idle, busy } = pressureOn(cluster, { ...costs, registry }).registry;
    return [name, `${percent(idle)} · ${percent(busy)}`] as const;
  });
  return { nodes: cluster.nodes, tasks: cluster.tasks, ...Object.fromEntries(cells) };
}

export function registryCostRow(name: string, costs: RegistryCosts): Row {
  return {
    registry: name,
    'a read µs': costs.readUs,
    'a commit µs': costs.commitUs,
    '… and each write in it µs': costs.writeUs,
    'a document in a list µs': costs.listedUs,
    'a change told to a node µs': costs.toldUs,
    'bytes per task and unit': costs.bytesPerTask,
  };
}

export function placementRow(catalog: CatalogFigures, figures: PlacementFigures): Row {
  return {
    tasks: figures.tasks,
    nodes: figures.nodes,
    'all units placed, CPU ms': figures.placeMs,
    'busiest node, of the mean': figures.maxToMean,
    'moved by a join, in shares of a node': figures.moved,
    'heap bytes per task': catalog.heapBytesPerTask,
    'a task taken in µs': catalog.loadUs,
    '… looked at again µs': catalog.resyncUs,
  };
}

const percent = (share: number): string => `${rounded(share * 100)} %`;
const rounded = (n: number): string => Number(n.toPrecision(2)).toLocaleString('en');
