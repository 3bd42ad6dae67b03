/** One measurement of the `scale` scenario, in a process of its own: its heap is nobody else's. */
import { once } from 'node:events';
import { fillCatalog, type CatalogFigures } from './scale/catalog.js';
import { measurePlacement, type PlacementFigures } from './scale/place.js';
import { simulate, type Simulation } from './scale/simulate.js';
import type { Size } from './scale/virtual-cluster.js';

export type ScaleJob =
  | { readonly what: 'simulate'; readonly size: Size }
  | { readonly what: 'place'; readonly tasks: number; readonly nodes: readonly number[]; readonly rounds: number };

export interface OneNode {
  readonly tasks: number;
  readonly catalog: CatalogFigures;
  readonly placements: readonly PlacementFigures[];
}

function place({ tasks, nodes, rounds }: ScaleJob & { what: 'place' }): OneNode {
  const { catalog, figures } = fillCatalog(tasks);
  return { tasks, catalog: figures, placements: nodes.map((count) => measurePlacement(catalog, count, rounds)) };
}

process.once('disconnect', () => process.exit(1)); // the bench has died
const [job] = (await once(process, 'message')) as [ScaleJob];
const report: Simulation | OneNode = job.what === 'simulate' ? await simulate(job.size) : place(job);
process.send!(report, () => process.exit(0)); // what is left of a virtual cluster is of no interest
