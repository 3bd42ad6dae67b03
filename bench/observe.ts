/**
 * npm run bench -- observe [--rounds 3] [--tasks 5000] [--seconds 6] [--kinds history,traces,everything] [--json] [--write]
 *
 * So many tasks, each due every second, all on the same second, in one process on Redis: what does it cost to look at
 * them? Every kind of observation is measured beside a process with all of it off, which does the same at the same time, so that
 * both meet the same machine; kinds are interleaved over the rounds, each time in fresh processes.
 */
import { parseArgs } from 'node:util';
import { BenchProcess } from './common/bench-process.js';
import { publish, type Goal, type Row } from './common/report.js';
import { spreadOf } from './common/statistics.js';
import type { ObserveFigures, ObserveJob, ObserveOrder, ObserveReport } from './observe-worker.js';
import { KINDS } from './observe/kinds.js';
import { STORES, withServer } from './registries/stores.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    rounds: { type: 'string', default: '3' },
    tasks: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '6' },
    kinds: { type: 'string', default: Object.keys(KINDS).join(',') },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const MORE_CPU_PERCENT = 15;
const SETTLING_MS = 3_000;
const tasks = Number(values.tasks);
const seconds = Number(values.seconds);
const kinds = values.kinds.split(',');
for (const kind of kinds) if (!Object.hasOwn(KINDS, kind)) throw new Error(`There is no kind "${kind}".`);

interface Pair {
  readonly on: ObserveFigures;
  readonly off: ObserveFigures;
}

/** The two processes of a pair, measured in the same seconds. */
async function pair(kind: string, url: string, round: number): Promise<Pair> {
  const worker = new URL('observe-worker.ts', import.meta.url);
  const job = (of: string | undefined): ObserveJob => ({
    kind: of,
    url,
    namespace: `${kind}-${round}-${of ? 'on' : 'off'}`,
    tasks,
  });
  const order = round % 2 === 0 ? [kind, undefined] : [undefined, kind]; // neither is always the first
  const processes = order.map((of) => new BenchProcess<ObserveReport>(worker, job(of)));
  try {
    await Promise.all(processes.map((process) => process.report()));
    const from = Math.ceil((Date.now() + SETTLING_MS) / 1_000) * 1_000 + 500; // between two ticks
    const window: ObserveOrder = { from, until: from + seconds * 1_000 };
    for (const process of processes) process.tell(window);
    const figures = (await Promise.all(processes.map((process) => process.report()))) as ObserveFigures[];
    await Promise.all(processes.map((process) => process.leave()));
    for (const { ticks } of figures) if (ticks === 0) throw new Error(`${kind}: no tick was run`);
    return { on: figures[order.indexOf(kind)]!, off: figures[order.indexOf(undefined)]! };
  } finally {
    for (const process of processes) process.kill();
  }
}

const pairs = new Map<string, Pair[]>(kinds.map((kind) => [kind, []]));
await withServer(STORES['redis']!, async ({ host, port }) => {
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const kind of kinds) {
      pairs.get(kind)!.push(await pair(kind, `redis://${host}:${port}`, round));
      console.error(`round ${round}, ${kind}: done`);
    }
  }
});

const moreCpu = (kind: string) =>
  spreadOf(pairs.get(kind)!.map(({ on, off }) => 100 * (on.cpuUsPerTick / off.cpuUsPerTick - 1)));

function rowOf(kind: string): Row {
  const spread = (figure: (pair: Pair) => number) => spreadOf(pairs.get(kind)!.map(figure));
  return {
    'what is on': KINDS[kind]!.title,
    'CPU µs per tick': spread(({ on }) => on.cpuUsPerTick),
    'all off, at the same time': spread(({ off }) => off.cpuUsPerTick),
    'more CPU %': moreCpu(kind),
    'p99 ms late': spread(({ on }) => on.p99Ms),
    'all off, ms late': spread(({ off }) => off.p99Ms),
    'heard per tick': spread(({ on }) => on.heard / on.ticks),
    'ticks run %': spread(({ on, off }) => (100 * Math.min(on.ticks, off.ticks)) / (tasks * seconds)),
  };
}

/** Fixed costs weigh more on those who run less: a pair says something only where both have run what they had to. */
const isFair = (one: Pair): boolean => [one.on, one.off].every(({ ticks }) => ticks >= 0.99 * tasks * seconds);
const everything = pairs.get('everything') ?? [];
const unfair = everything.filter((one) => !isFair(one)).length;
const percent = everything.length > 0 ? Math.round(moreCpu('everything').median) : 0;
const goal: Goal = {
  goal: `everything on: ≤ ${MORE_CPU_PERCENT} % more CPU per tick`,
  reached: `${percent} %${unfair > 0 ? `, but ticks were left out in ${unfair} of ${everything.length} pairs` : ''}`,
  met: percent <= MORE_CPU_PERCENT && unfair === 0,
};

await publish(
  {
    scenario: 'observe',
    tables: [
      {
        title: `${tasks.toLocaleString('en')} tasks due on the same second, every second, in one process on Redis`,
        rows: kinds.map(rowOf),
        chart: {
          label: ['what is on'],
          value: 'CPU µs per tick',
          isOurs: (row) => row['what is on'] === KINDS['everything']!.title,
        },
      },
    ],
    goals: everything.length > 0 ? [goal] : [],
    notes: [
      `${values.rounds} pairs of fresh processes for each row, ${seconds} s each, interleaved.`,
      'Spans are recorded by the SDK of OpenTelemetry and handed in batches to an exporter that drops them.',
    ],
  },
  values,
);
