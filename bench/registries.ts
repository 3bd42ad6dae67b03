/**
 * npm run bench -- registries [--only redis,etcd] [--seconds 2.5] [--rounds 5] [--documents 1000] [--json]
 *
 * Every registry on one machine in one run: what a claim costs, how many a process makes, how soon others see a change;
 * and beside each figure what a bare client needs for the same write. `--seconds` is the time of each side of each
 * measure, over all rounds; so many documents stand under the watched prefix. Servers keep their data on disk. Figures are medians of the rounds: read the ratios.
 */
import { inspect, parseArgs } from 'node:util';
import { compare, type Comparison } from './registries/compare.js';
import { clientVersions, machineFacts } from './common/machine.js';
import { short, type Spread } from './common/statistics.js';
import { storesNamed, withServer } from './registries/stores.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    only: { type: 'string', default: 'all' },
    seconds: { type: 'string', default: '2.5' },
    rounds: { type: 'string', default: '5' },
    documents: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
});

const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const effort = {
  rounds,
  roundMs: (seconds * 1_000) / rounds,
  changesPerRound: Math.ceil(Math.min(500, seconds * 200) / rounds),
  documents: Number(values.documents),
};

const machine = machineFacts();
const servers: Record<string, { version: string; settings: string; warnings: readonly string[] }> = {};
const comparisons: Comparison[] = [];
for (const [name, store] of storesNamed(values.only)) {
  await withServer(store, async (address) => {
    const { version, warnings, comparisons: own } = await compare(name, store, address, effort);
    servers[name] = { version, settings: store.settings, warnings };
    comparisons.push(...own);
  });
}

const conditions = { machine, clients: clientVersions(), servers, effort };
if (values.json) console.log(JSON.stringify({ ...conditions, comparisons }, undefined, 2));
else {
  console.log(inspect(conditions, { depth: null, breakLength: 200 }));
  console.table(comparisons.map(rowOf));
  console.log('ours: one commit() per claim. batched: the same through the batcher of the core. Ratios are to raw.');
}

function rowOf({ registry, measure, sides }: Comparison): Record<string, string | number> {
  const { raw, ours, batched } = sides;
  const shown = (side: Spread | undefined): string | number => (side ? short(side.median) : '–');
  const ratio = (side: Spread | undefined): string | number => (side && raw ? short(side.median / raw.median) : '–');
  return {
    registry,
    measure,
    raw: shown(raw),
    ours: shown(ours),
    'ours/raw': ratio(ours),
    'range of ours': ours ? `${short(ours.min)}–${short(ours.max)}` : '–',
    batched: shown(batched),
    'batched/raw': ratio(batched),
  };
}
