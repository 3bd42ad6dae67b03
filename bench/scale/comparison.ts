import type { Row } from '../common/report.js';
import { short } from '../common/statistics.js';
import { busy, callsOf, dies, joins, leaves, type Cluster } from './model.js';
import type { Phase, Simulation } from './simulate.js';

type Quantity = 'calls' | 'commits' | 'writes' | 'listed' | 'told' | 'moved' | 'placements';

/** One thing that a simulated cluster did, and what the model says of it. */
export interface Comparison {
  readonly cluster: Cluster;
  readonly phase: string;
  readonly cpuMsPerNode: number;
  readonly figures: Partial<Record<Quantity, { readonly simulated: number; readonly model: number }>>;
}

const PERIOD_MS = 60_000;

export function comparisonsOf({ size, steady, join, leave, death }: Simulation): Comparison[] {
  const { nodes, tasks, due } = size;
  const ticking = due !== 'none' && { periodMs: PERIOD_MS, alignMs: due === 'second' ? 1_000 : 1 };
  const cluster: Cluster = { nodes, tasks, ...ticking };
  const phases = { none: 'idle', second: 'each once a minute, on a second', apart: 'each once a minute, all apart' };
  const more: Cluster = { ...cluster, nodes: nodes + 1 };
  return [
    ofSteady(cluster, phases[due], steady),
    ...(join ? [ofChange(cluster, 'one joins', join, joins)] : []),
    ...(leave ? [ofChange(more, 'one leaves', leave, leaves)] : []),
    ...(death ? [ofChange(cluster, 'one is killed', death, dies)] : []),
  ];
}

/** Per second. */
function ofSteady(cluster: Cluster, phase: string, measured: Phase): Comparison {
  const load = { ...busy(cluster), calls: callsOf(busy(cluster)) };
  const seconds = measured.virtualMs / 1_000;
  const pair = (name: 'calls' | 'commits' | 'writes' | 'listed' | 'told') => ({
    simulated: measured[name] / seconds,
    model: load[name],
  });
  const figures = {
    calls: pair('calls'),
    commits: pair('commits'),
    writes: pair('writes'),
    listed: pair('listed'),
    told: pair('told'),
  };
  return { cluster, phase, cpuMsPerNode: measured.cpuMs / seconds / cluster.nodes, figures };
}

/** What moves is the strategy's doing; all else is held against what the model says where so many move. */
function ofChange(cluster: Cluster, phase: string, measured: Phase, model: typeof joins): Comparison {
  const { calls, beats, told, moved, placements } = measured;
  const expected = model(cluster, moved);
  const figures = {
    calls: { simulated: calls - beats, model: expected.calls },
    told: { simulated: told, model: expected.told },
    moved: { simulated: moved, model: model(cluster).moved },
    placements: { simulated: placements / cluster.nodes, model: expected.placements },
  };
  return { cluster, phase, cpuMsPerNode: measured.cpuMs / cluster.nodes, figures };
}

export function comparisonRow({ cluster, phase, cpuMsPerNode, figures }: Comparison): Row {
  const cell = (name: Quantity): string | undefined => {
    const figure = figures[name];
    return figure && `${short(figure.simulated).toLocaleString('en')} (× ${short(figure.simulated / figure.model)})`;
  };
  return {
    nodes: cluster.nodes,
    tasks: cluster.tasks,
    what: phase,
    calls: cell('calls'),
    commits: cell('commits'),
    writes: cell('writes'),
    'documents listed': cell('listed'),
    'changes told': cell('told'),
    'units moved': cell('moved'),
    'placements per node': cell('placements'),
    'CPU ms per node': cpuMsPerNode,
  };
}

/** How far the model is off where it is worst. What moves is left out: it is at least one share, and often somewhat more. */
export function worstOf(comparisons: readonly Comparison[]): { ratio: number; where: string } {
  const all = comparisons.flatMap(({ cluster, phase, figures }) =>
    Object.entries(figures)
      .filter(([name]) => name !== 'moved')
      .map(([name, { simulated, model }]) => ({
        ratio: simulated / model,
        where: `${name}, ${cluster.nodes} × ${cluster.tasks.toLocaleString('en')}, ${phase}`,
      })),
  );
  const off = (ratio: number): number => Math.abs(Math.log(ratio));
  return all.sort((a, b) => off(b.ratio) - off(a.ratio))[0]!;
}
