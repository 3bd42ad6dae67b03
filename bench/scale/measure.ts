import { BenchProcess } from '../common/bench-process.js';
import type { OneNode, ScaleJob } from '../scale-worker.js';
import type { Simulation } from './simulate.js';
import type { Size } from './virtual-cluster.js';

export const simulated = (size: Size): Promise<Simulation> => inFreshProcess({ what: 'simulate', size });

export const placed = (tasks: number, nodes: readonly number[], rounds: number): Promise<OneNode> =>
  inFreshProcess({ what: 'place', tasks, nodes, rounds });

async function inFreshProcess<Report>(job: ScaleJob): Promise<Report> {
  const since = performance.now();
  const process = new BenchProcess<Report>(new URL('../scale-worker.ts', import.meta.url), job);
  try {
    const report = await process.report();
    console.error(`${JSON.stringify(job)}: ${Math.round((performance.now() - since) / 1_000)} s`);
    return report;
  } finally {
    process.kill();
  }
}
