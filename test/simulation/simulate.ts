import type { Violation } from '../../lib/testing/checker/checker.js';
import type { LogEntry } from '../../lib/testing/checker/log.js';
import { pick } from '../../lib/testing/seeded-random.js';
import { act, ask, cancelSomeRun, runSomeTask } from './admin.js';
import { judgeCalm, judgeLeftovers } from './judge.js';
import { faultOf, OF_REGISTRY, type FaultName } from './faults.js';
import type { SimNode } from './node.js';
import { Simulation } from './simulation.js';

export interface Outcome {
  seed: number;
  violations: Violation[];
  /** Of the whole log. */
  digest: string;
  counts: Map<string, number>;
  starts: number;
  log: LogEntry[];
}

const SLICE_MS = 250;
const HEAL_MS = 40_000;
const CALM_MS = 40_000;
/** How often a run is cancelled, or asked for, in each slice of time while the cluster recovers. */
const CANCELS_HEALED = 0.1;
const RUNS_HEALED = 0.15;

/**
 * One seed from beginning to end: a cluster comes up, is troubled, is healed and left in peace, and stops. The rules of
 * the checker hold throughout; in peace everything has to come about that should.
 */
export async function simulate(seed: number): Promise<Outcome> {
  const sim = await Simulation.create(seed);
  const { cluster, scene, random } = sim;
  try {
    for (let i = 0; i < scene.nodes; i++) sim.join();
    await cluster.clock.advanceUntil(() => sim.able().length > 0);
    for (let i = 0; i < scene.tasks; i++) {
      const node = pick(random, sim.able());
      await ask(sim, node, 'addTask', `t${i}`, cluster.during(node.service.addTask(sim.redraw(`t${i}`))));
    }
    await trouble(sim);
    sim.heal();
    await convalesce(sim);
    await revive(sim);
    sim.calm = true;
    await cluster.advance(HEAL_MS / 2);
    const calmSince = sim.now();
    await cluster.advance(CALM_MS / 2);
    if (sim.deploysInPeace) await sim.replaceOne();
    await cluster.advance(CALM_MS / 2);
    sim.finish(calmSince);
    judgeCalm(sim);
    await cluster.stop();
    await cluster.advance(scene.cluster.ttlMs);
    judgeLeftovers(sim);
  } catch (error) {
    sim.complain('simulation', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const starts = sim.log.filter(({ type }) => type === 'start').length;
  return { seed, violations: sim.violations, digest: sim.digest(), counts: sim.counts, starts, log: sim.log };
}

/** Faults and changes at random, each slice of time anew. */
async function trouble(sim: Simulation): Promise<void> {
  const { cluster, scene, random } = sim;
  const going = new Set<string>();
  const chance = (perSecond: number): boolean => random() < (perSecond * SLICE_MS) / 1_000;
  for (let elapsed = 0; elapsed < scene.troubleMs; elapsed += SLICE_MS) {
    if (chance(0.05)) sim.makeBackup();
    for (const [name, rate] of scene.faults) if (chance(rate)) befall(sim, name, going);
    const able = sim.able();
    if (able.length > 0 && chance(scene.adminRate)) act(sim, pick(random, able));
    if (able.length > 0 && chance(scene.adminRate / 4)) cancelSomeRun(sim, pick(random, able));
    await cluster.advance(SLICE_MS);
  }
}

/** Nothing befalls anybody any more, and handlers are still as they were: what is told to end, ends. */
async function convalesce(sim: Simulation): Promise<void> {
  const { cluster, random } = sim;
  for (let elapsed = 0; elapsed < HEAL_MS / 2; elapsed += SLICE_MS) {
    const able = sim.able();
    if (able.length > 0 && random() < CANCELS_HEALED) cancelSomeRun(sim, pick(random, able));
    if (able.length > 0 && random() < RUNS_HEALED) runSomeTask(sim, pick(random, able));
    await cluster.advance(SLICE_MS);
  }
}

/** One fault begins, unless its like goes on already, and ends by itself. */
function befall(sim: Simulation, name: FaultName, going: Set<string>): void {
  const fault = faultOf(name);
  const { lastsMs, told = name } = fault;
  const alive = sim.alive();
  if (alive.length === 0) return;
  const node: SimNode = pick(sim.random, alive);
  const process = OF_REGISTRY.has(name) ? undefined : node.process;
  const like = `${told} ${process}`;
  if (going.has(like)) return;
  const entry = { what: told, ...(process !== undefined && { process }) };
  const over = fault.begin(sim, node);
  if (over === false) return;
  sim.count(`fault ${name}`);
  if (name !== 'kill') sim.tell({ type: 'fault', at: sim.now(), ...entry });
  if (!lastsMs) return;
  going.add(like);
  sim.after(pick(sim.random, lastsMs), () => {
    going.delete(like);
    if (typeof over === 'function') over();
    sim.tell({ type: 'heal', at: sim.now(), ...entry });
  });
}

/** Every task that was halted goes on, so that all of them have to tick in peace. */
async function revive(sim: Simulation): Promise<void> {
  const { cluster } = sim;
  const [node] = sim.able();
  if (!node) return sim.complain('converged', `no node is working after ${HEAL_MS / 2} ms of peace`);
  const { service } = node;
  for (const { name, state } of service.listTasks({
    state: ['paused', 'cancelled', 'deleted', 'active', 'completed'],
  })) {
    if (state === 'deleted') await ask(sim, node, 'restoreTask', name, cluster.during(service.restoreTask(name)));
    const now = service.getTask(name)?.state;
    if (now === 'paused' || now === 'cancelled')
      await ask(sim, node, 'resumeTask', name, cluster.during(service.resumeTask(name)));
  }
}
