import { markdownOf, type Report, type Row } from '../common/report.js';
import { short } from '../common/statistics.js';
import type { OneNode } from '../scale-worker.js';
import { comparisonRow, worstOf, type Comparison } from './comparison.js';
import type { PlacementFigures } from './place.js';
import { LIMITS, type Costs } from './pressure.js';
import type { RegistryCosts } from './registry-costs.js';
import type { Simulation } from './simulate.js';
import { capacityRow, placementRow, registryCostRow, registryRow, remedyRows, SHARE } from './tables.js';

/** The first of them is the one that the model is told for; the memory of one process is no registry for many. */
export const DEFAULT_STORES = 'redis,etcd,zookeeper,consul';

const PERIOD_MS = 60_000;
/** Ratios of what was simulated to what the model says. */
const AGREES_WITHIN = 1.2;

export interface Measured {
  readonly registries: ReadonlyMap<string, RegistryCosts>;
  readonly placements: readonly OneNode[];
  readonly simulations: readonly Simulation[];
  readonly comparisons: readonly Comparison[];
}

/** What the model says, for docs/capacity.md. */
export interface Capacity {
  readonly capacity: readonly Row[];
  readonly registries: readonly Row[];
  readonly remedies: readonly Row[];
}

export function capacityOf({ registries, placements, simulations }: Measured): Capacity {
  const [registry] = registries.values();
  const costs = costsOf(registry!, placements, simulations);
  const clusters = placements.flatMap(({ placements: figures }) =>
    figures.map(({ nodes, tasks }) => ({ nodes, tasks, periodMs: PERIOD_MS, callsPerBeat: 3 })),
  );
  return {
    capacity: clusters.map((cluster) => capacityRow(cluster, costs)),
    registries: clusters.map((cluster) => registryRow(cluster, costs, registries)),
    remedies: remedyRows(costs),
  };
}

/** The parts of the page by their names. */
export const partsOf = (capacity: Capacity): Record<string, string> =>
  Object.fromEntries(Object.entries(capacity).map(([name, rows]) => [name, markdownOf(rows as readonly Row[])]));

export function reportOf({ registries, placements, comparisons }: Measured, capacity: Capacity): Report {
  const [first] = registries.keys();
  const worst = worstOf(comparisons);
  return {
    scenario: 'scale',
    tables: [
      {
        title: `What ${first} and the nodes have to do by the model, where each task is due once a minute`,
        rows: capacity.capacity,
        chart: { label: ['nodes', 'tasks'], value: SHARE, isOurs: () => true },
      },
      { title: 'A thousand nodes with a million tasks: what then', rows: capacity.remedies },
      { title: 'Per cent of the time of a registry, idle · with ticks', rows: capacity.registries },
      {
        title: 'What one of each takes of a registry',
        rows: [...registries].map(([name, own]) => registryCostRow(name, own)),
      },
      {
        title: 'One node: its replica of the tasks, and their placement after a change',
        rows: placements.flatMap(({ catalog, placements: figures }) =>
          figures.map((figure) => placementRow(catalog, figure)),
        ),
      },
      {
        title: 'Real nodes on a virtual clock, in brackets the ratio to the model; per second, or per change',
        rows: comparisons.map(comparisonRow),
      },
    ],
    goals: [
      {
        goal: 'model and simulation agree within 20 %',
        reached: `worst × ${short(worst.ratio)}: ${worst.where}`,
        met: Math.abs(Math.log(worst.ratio)) <= Math.log(AGREES_WITHIN),
      },
    ],
    notes: [
      'Redis: time of its process, which works on one core. The other registries: time that passes with one client beside them on the same cores, hence an upper bound.',
      `Limits: all of the registry's time, ${LIMITS.bytesPerSecond / 1e6} MB/s, a pause of ${LIMITS.pauseMs} ms, a wait of ${LIMITS.queueMs} ms, ${LIMITS.heapBytes / 2 ** 30} GiB of heap, ${LIMITS.heldBytes / 2 ** 30} GiB held.`,
    ],
  };
}

function costsOf(registry: RegistryCosts, placements: readonly OneNode[], simulations: readonly Simulation[]): Costs {
  const ticking = simulations.find(({ size }) => size.due === 'second')!;
  const heapPerTask = placements.at(-1)!.catalog.heapBytesPerTask;
  const { nodes, tasks } = ticking.size;
  return {
    registry,
    heapPerTask,
    heapPerUnit: Math.max(0, ticking.heapPerNode / tasks - heapPerTask) / (2 / nodes),
    placeMs: (count, units) => placeMs(placements, count, units),
    documents: ticking.documents,
  };
}

/** As measured at that size; where it was not, from the nearest one, in proportion to the tasks. */
function placeMs(placements: readonly OneNode[], nodes: number, tasks: number): number {
  const figures = placements.flatMap(({ placements: own }) => own);
  const away = (a: number, b: number): number => Math.abs(Math.log(a / b));
  const distance = (figure: PlacementFigures): number => away(figure.nodes, nodes) + away(figure.tasks, tasks);
  const [nearest] = figures.sort((a, b) => distance(a) - distance(b));
  return (nearest!.placeMs.median * tasks) / nearest!.tasks;
}
