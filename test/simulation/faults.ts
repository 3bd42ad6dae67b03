import { pick } from '../../lib/testing/seeded-random.js';
import type { SimNode } from './node.js';
import type { Network } from './network.js';
import type { Simulation } from './simulation.js';

/** Something that befalls one node, or all. `begin` answers with how it ends, or whether it could begin. */
interface Fault {
  /** How often it begins, in times per second of the whole cluster. */
  rate: number;
  /** How long it lasts, one of these. Absent: it is over at once. */
  lastsMs?: readonly number[];
  /** As it is told in the log, where the checker has to know of it. @default its name */
  told?: string;
  begin(sim: Simulation, node: SimNode): (() => void) | boolean | void;
}

/** Shares of one node's messages that are lost, late or repeated, until it ends and they are none again. */
function weather(change: Partial<Network>, rate = 0.02, lastsMs: readonly number[] = [800, 4_000, 12_000]): Fault {
  return {
    rate,
    lastsMs,
    begin(_sim, { network }) {
      Object.assign(network, change);
      return () => {
        for (const key of Object.keys(change) as (keyof Network)[]) network[key] = 0;
      };
    },
  };
}

function cut(what: 'requests' | 'replies' | 'watches'): Fault {
  return {
    rate: 0.025,
    lastsMs: [300, 1_500, 7_000, 15_000],
    told: 'cut',
    begin(_sim, { host }) {
      if (host.cut !== 'none') return false;
      host.cutLink(what);
      return () => host.cutLink('none');
    },
  };
}

/** Soon, at the very moment when the host is about to go on: between two steps, whatever is under way there. */
function atStep({ random }: Simulation, { host }: SimNode, fn: () => void): void {
  const step = host.steps + 1 + Math.floor(random() * 30);
  host.onStep = (now) => {
    if (now < step) return;
    delete host.onStep;
    fn();
  };
}

/** Some time after a loss of data somebody comes who has never seen what was lost. */
function thenJoin(sim: Simulation, lost: boolean): boolean {
  if (lost && sim.random() < 0.5) sim.after(sim.random() * 10_000, () => sim.join());
  return lost;
}

const SESSION_DOUBT_MS = 11_000;

export const FAULTS = {
  freeze: {
    rate: 0.03,
    lastsMs: [2_000, 6_000, 9_000, 20_000],
    begin(_sim, { host }) {
      host.freeze();
      return () => host.unfreeze();
    },
  },
  'event-loop stall': {
    rate: 0.08,
    lastsMs: [20, 90, 400, 1_100],
    told: 'freeze',
    begin(_sim, { host }) {
      host.freeze();
      return () => host.unfreeze();
    },
  },
  'freeze at a step': {
    rate: 0.03,
    begin(sim, node) {
      const lastsMs = pick(sim.random, [2_000, 9_000, 14_000]);
      atStep(sim, node, () => sim.freeze(node, lastsMs));
    },
  },
  kill: {
    rate: 0.015,
    begin: (sim, node) => sim.kill(node),
  },
  'kill at a step': {
    rate: 0.01,
    begin(sim, node) {
      if (sim.alive().length < 2) return false;
      atStep(sim, node, () => void sim.kill(node));
      return true;
    },
  },
  'kill and restart under the same id': {
    rate: 0.015,
    begin(sim, node) {
      if (!sim.kill(node)) return false;
      sim.after(pick(sim.random, [50, 1_000, 6_000]), () => sim.join({ id: node.id, version: node.version }));
      return true;
    },
  },
  join: { rate: 0.015, begin: (sim) => void sim.join() },
  'join through a lagging member': {
    rate: 0.01,
    begin(sim) {
      const node = sim.join();
      if (!node) return false;
      node.host.staleMs = pick(sim.random, [1_000, 10_000, 60_000]);
      sim.after(pick(sim.random, [300, 3_000]), () => (node.host.staleMs = 0));
      return true;
    },
  },
  leave: { rate: 0.015, begin: (sim, node) => sim.leave(node) },
  'rolling deploy': { rate: 0.008, begin: (sim) => sim.deploy() },
  'requests cut': cut('requests'),
  'replies cut': cut('replies'),
  'watches cut': cut('watches'),
  'requests lost': weather({ loseRequests: 0.3 }),
  'replies lost': weather({ loseReplies: 0.3 }),
  'replies to writes lost': weather({ loseCommits: 0.4 }),
  'time unheard': weather({ loseTime: 1 }, 0.03),
  'messages late': weather({ late: 0.3 }),
  'everything late': weather({ late: 1 }, 0.01),
  'requests sent twice': weather({ twice: 0.4 }),
  'watches late': weather({ lateWatches: 0.5 }),
  'watches lost': weather({ loseWatches: 0.5 }),
  'stale reads': {
    rate: 0.02,
    lastsMs: [1_000, 6_000, 15_000],
    begin(sim, { host }) {
      host.staleMs = pick(sim.random, [100, 1_000, 10_000]);
      return () => (host.staleMs = 0);
    },
  },
  'session expired early': {
    rate: 0.02,
    lastsMs: [SESSION_DOUBT_MS],
    told: 'expire',
    begin: (sim, node) => sim.expireSession(node),
  },
  'registry away': {
    rate: 0.01,
    lastsMs: [500, 3_000, 12_000],
    begin(sim) {
      const nodes = sim.alive().filter(({ host }) => host.cut === 'none');
      for (const { host } of nodes) host.cutLink('requests');
      return () => nodes.forEach(({ host }) => host.cutLink('none'));
    },
  },
  'registry wiped': { rate: 0.004, begin: (sim) => thenJoin(sim, sim.loseData([])) },
  'registry restored': { rate: 0.004, begin: (sim) => thenJoin(sim, sim.restoreBackup()) },
  'clock step': {
    rate: 0.02,
    lastsMs: [10_000],
    told: 'clock',
    begin: (sim, { host }) => void (host.skewMs += pick(sim.random, [-60_000, -3_000, -200, 200, 3_000, 60_000])),
  },
  'clock drift': {
    rate: 0.02,
    begin: (sim, { host }) => host.drift((sim.random() - 0.5) * 0.04),
  },
  'registry clock step': {
    rate: 0.006,
    lastsMs: [10_000],
    told: 'server-clock',
    begin: (sim) => void (sim.cluster.serverSkewMs += pick(sim.random, [-2_000, -400, 400, 2_000])),
  },
  saturation: {
    rate: 0.02,
    lastsMs: [2_000, 10_000],
    begin(sim, { service }) {
      service.setConcurrency(1);
      return () => service.setConcurrency(sim.concurrency);
    },
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** Those that befall the registry, not a node. */
export const OF_REGISTRY: ReadonlySet<FaultName> = new Set<FaultName>([
  'registry away',
  'registry wiped',
  'registry restored',
  'registry clock step',
  'join',
  'join through a lagging member',
  'rolling deploy',
]);

export function faultOf(name: FaultName): Fault {
  return FAULTS[name];
}
