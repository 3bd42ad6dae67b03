/**
 * npm run bench -- scale [--clusters 10x10000,30x10000] [--nodes 10,100,1000] [--tasks 10000,100000,1000000]
 *   [--registry all|redis] [--ms 1000] [--rounds 3] [--json] [--write]
 *
 * How far a cluster goes, up to a thousand nodes with a million tasks: the model of docs/capacity.md. Three things are
 * measured: what a registry has to do for one of each kind of request, how long one node places so many units, and what
 * real nodes on a virtual clock ask for, which the formulas of the model are held against. The rest is arithmetic.
 */
import { parseArgs } from 'node:util';
import { Page } from './common/page.js';
import { publish } from './common/report.js';
import { comparisonsOf } from './scale/comparison.js';
import { placed, simulated } from './scale/measure.js';
import { capacityOf, DEFAULT_STORES, partsOf, reportOf } from './scale/report.js';
import { registryCosts, type RegistryCosts } from './scale/registry-costs.js';
import type { Size } from './scale/virtual-cluster.js';
import { storesNamed } from './registries/stores.js';
import type { OneNode } from './scale-worker.js';
import type { Simulation } from './scale/simulate.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    clusters: { type: 'string', default: '10x10000,30x10000,100x10000,10x100000,1000x1000' },
    nodes: { type: 'string', default: '10,100,1000' },
    tasks: { type: 'string', default: '10000,100000,1000000' },
    registry: { type: 'string', default: DEFAULT_STORES },
    ms: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const numbers = (list: string): number[] => list.split(',').map(Number);

/** Idle clusters of all sizes, and the smallest one with ticks as well. */
function sizesOf(list: string): Size[] {
  const idle = list.split(',').map((text): Size => {
    const [nodes, tasks] = text.split('x').map(Number);
    return { nodes: nodes!, tasks: tasks!, due: 'none' };
  });
  return [...idle, { ...idle[0]!, due: 'second' }, { ...idle[0]!, due: 'apart' }];
}

const registries = new Map<string, RegistryCosts>();
for (const [name, store] of storesNamed(values.registry)) {
  registries.set(name, await registryCosts(name, store, Number(values.ms)));
  console.error(`${name}: measured`);
}
const nodes = numbers(values.nodes);
const placements: OneNode[] = [];
for (const tasks of numbers(values.tasks)) placements.push(await placed(tasks, nodes, Number(values.rounds)));
const simulations: Simulation[] = [];
for (const size of sizesOf(values.clusters)) simulations.push(await simulated(size));

const measured = { registries, placements, simulations, comparisons: simulations.flatMap(comparisonsOf) };
const capacity = capacityOf(measured);
await publish(reportOf(measured, capacity), values);
if (values.write) new Page('capacity.md').write(partsOf(capacity));
