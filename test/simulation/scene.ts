import type { SchedulerOptions } from '../../lib/core/scheduler/scheduler-options.js';
import { pick } from '../../lib/testing/seeded-random.js';
import { FAULTS, type FaultName } from './faults.js';
import { BEGINNINGS } from './workload.js';

/** What one seed draws before anything happens: how large a cluster, on what kind of network, and what befalls it. */
export interface Scene {
  /** What is special about its time. */
  beginning: keyof typeof BEGINNINGS;
  nodes: number;
  tasks: number;
  /** How long it is troubled. */
  troubleMs: number;
  cluster: SchedulerOptions['cluster'];
  concurrency: number;
  network: {
    /** One way, in quiet. */
    latencyMs: number;
    /** The longest that a late message takes, while messages are made late. */
    longestMs: number;
  };
  /** The faults of this seed, each with how often it begins, in times per second of the cluster. */
  faults: Map<FaultName, number>;
  /** Admin actions per second. */
  adminRate: number;
}

/** Not every fault in every seed: what hides behind a flood of faults shows where only two or three meet. */
export function drawScene(random: () => number): Scene {
  const chance = (p: number): boolean => random() < p;
  const ttlMs = pick(random, [3_000, 5_000, 10_000]);
  const eagerness = pick(random, [0.3, 1, 2]);
  const names = Object.keys(FAULTS) as FaultName[];
  const share = pick(random, [0.1, 0.25, 0.5]);
  return {
    beginning: pick(random, Object.keys(BEGINNINGS) as Scene['beginning'][]),
    nodes: 1 + Math.floor(random() * 5),
    tasks: 3 + Math.floor(random() * 6),
    troubleMs: pick(random, [40_000, 70_000, 110_000]),
    cluster: {
      ttlMs,
      heartbeatMs: ttlMs / 3,
      resyncMs: pick(random, [5_000, 15_000, 30_000]),
      claimAheadMs: pick(random, [0, 100, 100, 400]),
      standbyDelayMs: chance(0.15) ? undefined : pick(random, [500, 2_000, 2_000]),
    },
    concurrency: chance(0.2) ? 1 + Math.floor(random() * 3) : 1_000,
    network: { latencyMs: pick(random, [0.2, 2, 20]), longestMs: pick(random, [150, 900, 2_500]) },
    faults: new Map(names.filter(() => chance(share)).map((name) => [name, FAULTS[name].rate * eagerness])),
    adminRate: chance(0.3) ? 0 : pick(random, [0.1, 0.4, 1]),
  };
}
