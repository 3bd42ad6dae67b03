import { setTimeout as pass } from 'node:timers/promises';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import type { ChaosCluster } from './cluster.js';
import { FAULTS, strike, type FaultName } from './faults.js';
import type { NodeProcess } from './node-process.js';

/** While all who could be struck suffer already. */
const LOOK_AGAIN_MS = 100;

export interface NemesisOptions {
  seed: number;
  /** From one fault to the next, at least and at most, in milliseconds. */
  every: readonly [number, number];
  /** Nodes that suffer much and are never ended: what grows with time shows in them. */
  keep?: readonly string[];
}

/** What is drawn for one step: as many numbers at each, so that the plan of a seed does not depend on how nodes fare. */
interface Step {
  pauseMs: number;
  name: FaultName;
  /** Which of the nodes that could be struck, from 0 to 1. */
  whom: number;
  lastsMs: number;
}

/**
 * Begins one fault after the other, on nodes drawn at random, and ends each after a while. Several go on at once, but one
 * node at least is always well. The same seed draws the same faults at the same intervals.
 */
export class Nemesis {
  private readonly suffering = new Set<string>();
  private readonly going = new Set<Promise<void>>();
  private readonly failures: unknown[] = [];
  private serverIsWell = true;
  private readonly plan: Iterator<Step, never>;

  constructor(
    private readonly cluster: ChaosCluster,
    private readonly options: NemesisOptions,
  ) {
    this.plan = planOf(options);
  }

  /** Resolves when all is healed again. */
  async run(forMs: number, signal?: AbortSignal): Promise<void> {
    const until = performance.now() + forMs;
    while (this.failures.length === 0) {
      const step = this.plan.next().value;
      if (performance.now() + step.pauseMs > until) break;
      await pass(step.pauseMs, undefined, { signal }).catch(() => undefined);
      while (!signal?.aborted && performance.now() < until && !this.begin(step)) await pass(LOOK_AGAIN_MS);
      if (signal?.aborted) break;
    }
    await Promise.all(this.going);
    if (this.failures.length > 0) throw this.failures[0];
  }

  /** @returns whether there was anybody to be struck */
  private begin({ name, whom, lastsMs }: Step): boolean {
    const node = this.victim(name, whom);
    if (node === 'none') return false;
    const suffered = this.suffer(name, node, lastsMs).catch((error: unknown) => void this.failures.push(error));
    this.going.add(suffered);
    void suffered.finally(() => this.going.delete(suffered));
    return true;
  }

  /** `undefined`: the registry. `'none'`: all who could be struck suffer already. */
  private victim(name: FaultName, whom: number): NodeProcess | undefined | 'none' {
    if (FAULTS[name].strikes === 'registry') return this.serverIsWell ? undefined : 'none';
    const joined = [...this.cluster.nodes.values()].filter(({ hasJoined }) => hasJoined);
    const well = joined.filter(({ id }) => !this.suffering.has(id));
    const kept = 'endsProcess' in FAULTS[name] ? (this.options.keep ?? []) : [];
    const open = well.filter(({ id }) => !kept.includes(id)).sort((a, b) => (a.name < b.name ? -1 : 1));
    return well.length > 1 && open.length > 0 ? open[Math.floor(whom * open.length)]! : 'none';
  }

  private async suffer(name: FaultName, node: NodeProcess | undefined, lastsMs: number): Promise<void> {
    if (node) this.suffering.add(node.id);
    else this.serverIsWell = false;
    const heal = await strike(this.cluster, name, node);
    await pass(lastsMs);
    await heal();
    if (node) this.suffering.delete(node.id);
    else this.serverIsWell = true;
  }
}

/** Every fault of the table comes up as often as its weight says before any comes up again. */
function* planOf({ seed, every: [least, most] }: NemesisOptions): Generator<Step, never> {
  const random = seededRandom(seed);
  const names = Object.keys(FAULTS) as FaultName[];
  for (let bag: FaultName[] = []; ;) {
    if (bag.length === 0) bag = names.flatMap((name) => Array<FaultName>(FAULTS[name].weight).fill(name));
    const [name] = bag.splice(Math.floor(random() * bag.length), 1);
    const [shortest, longest] = FAULTS[name!].lasts;
    yield {
      name: name!,
      pauseMs: least + random() * (most - least),
      whom: random(),
      lastsMs: shortest + random() * (longest - shortest),
    };
  }
}

/** The seed to go by: the one in CHAOS_SEED, to see a run once more, or any. */
export function chooseSeed(): number {
  const given = process.env['CHAOS_SEED'];
  return given ? Number(given) : Date.now() % 1_000_000_000;
}
