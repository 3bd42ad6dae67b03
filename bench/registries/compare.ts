import type { BenchClient } from './client.js';
import { LibraryClient } from './library-client.js';
import { Side, type Figures } from './measure.js';
import { spreadOf, type Spread } from '../common/statistics.js';
import type { Address, Store } from './stores.js';
import { WatchPair } from './watch-pair.js';

/** One figure of one registry: the library's beside the bare client's. */
export interface Comparison {
  readonly registry: string;
  readonly measure: string;
  readonly sides: Readonly<Record<string, Spread>>;
}

export interface Effort {
  readonly rounds: number;
  /** Of each side of each measure. */
  readonly roundMs: number;
  readonly changesPerRound: number;
  /** How many documents stand under the watched prefix. */
  readonly documents: number;
}

interface Measure {
  readonly name: string;
  readonly sides: readonly { name: string; run(effort: Effort): Promise<Figures> }[];
}

/**
 * Measures in rounds, and in each round the sides one right after the other, so that whatever else the machine does
 * meets all of them. A first round is thrown away.
 */
export async function compare(
  name: string,
  store: Store,
  address: Address,
  effort: Effort,
): Promise<{ version: string; warnings: readonly string[]; comparisons: Comparison[] }> {
  const clients: BenchClient[] = [];
  const opened = async <C extends BenchClient>(client: Promise<C>): Promise<C> => {
    clients.push(await client);
    return client;
  };
  try {
    const library = (): Promise<LibraryClient> => opened(store.registry(address).then((r) => LibraryClient.open(r)));
    const ours = await library();
    const raw = store.raw && (await opened(store.raw(address)));
    const rawWatcher = store.raw && (await opened(store.raw(address)));
    const measures = await prepare(effort, ours, await library(), raw, rawWatcher);
    const rounds: Map<string, Figures>[] = [];
    for (let round = 0; round <= effort.rounds; round++) {
      const figures = await runRound(measures, round, round === 0 ? warmUpOf(effort) : effort);
      if (round > 0) rounds.push(figures);
      process.stderr.write(`${name}: ${round === 0 ? 'warm' : `round ${round} of ${effort.rounds}`}\n`);
    }
    const { version = '', warnings } = await ours.describe();
    return { version, warnings, comparisons: comparisonsOf(name, measures, rounds) };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function prepare(
  { documents }: Effort,
  ours: LibraryClient,
  watcher: LibraryClient,
  raw: BenchClient | undefined,
  rawWatcher: BenchClient | undefined,
): Promise<Measure[]> {
  const plain = new Side('ours', ours);
  const batched = new Side('batched', ours.batched(), plain);
  const rawSides = raw ? [new Side('raw', raw)] : [];
  const pairs = [...(raw ? [new WatchPair('raw', raw, rawWatcher!)] : []), new WatchPair('ours', ours, watcher)];
  for (const side of [...rawSides, plain]) await side.prepare();
  for (const pair of pairs) await pair.prepare(documents);
  const single = [...rawSides, plain, batched];
  const claims = [1, 16, 256].map((inFlight) => ({
    name: `${inFlight} in flight`,
    sides: single.map((side) => ({
      name: side.name,
      run: ({ roundMs }: Effort) => side.claims(inFlight, roundMs),
    })),
  }));
  const batches = {
    name: '500 per commit',
    sides: [...rawSides, plain].map((side) => ({
      name: side.name,
      run: ({ roundMs }: Effort) => side.batches(roundMs),
    })),
  };
  const watches = [
    { name: 'watch, change upon change', pauseMs: 2, share: 1 },
    { name: 'watch, now and then', pauseMs: 60, share: 0.2 },
  ].map(({ name, pauseMs, share }) => ({
    name,
    sides: pairs.map((pair) => ({
      name: pair.name,
      run: ({ changesPerRound }: Effort) => pair.changes(Math.ceil(changesPerRound * share), pauseMs),
    })),
  }));
  return [...claims, batches, ...watches];
}

async function runRound(measures: readonly Measure[], round: number, effort: Effort): Promise<Map<string, Figures>> {
  const figures = new Map<string, Figures>();
  for (const { name, sides } of measures) {
    // each side goes first as often as the others
    for (let i = 0; i < sides.length; i++) {
      const side = sides[(i + round) % sides.length]!;
      figures.set(keyOf(name, side.name), await side.run(effort));
    }
  }
  return figures;
}

function comparisonsOf(registry: string, measures: readonly Measure[], rounds: Map<string, Figures>[]): Comparison[] {
  return measures.flatMap(({ name, sides }) => {
    const units = Object.keys(rounds[0]!.get(keyOf(name, sides[0]!.name))!);
    return units.map((unit) => ({
      registry,
      measure: `${name}, ${unit}`,
      sides: Object.fromEntries(
        sides.map((side) => [side.name, spreadOf(rounds.map((round) => round.get(keyOf(name, side.name))![unit]!))]),
      ),
    }));
  });
}

const keyOf = (measure: string, side: string): string => `${measure}/${side}`;
const warmUpOf = ({ roundMs, changesPerRound, ...effort }: Effort): Effort => ({
  ...effort,
  roundMs: roundMs / 2,
  changesPerRound: Math.ceil(changesPerRound / 5),
});
