/**
 * npm run bench -- cold [--tasks 0,10000,100000] [--rounds 3] [--only "ours, redis;bare Nest"] [--json] [--write]
 *
 * So many tasks are in the store; then a process starts, again and again: how long until it works and knows all of them,
 * and how late is the first tick that was due from then on? Everybody runs compiled JavaScript; time begins when the process
 * is spawned. With 0 tasks there is only the one that ticks.
 */
import { parseArgs } from 'node:util';
import type { RunningServer } from '../test/support/servers/server.js';
import { FILLS } from './cold/fill.js';
import { epochNow, type ColdJob } from './cold/started.js';
import type { ColdReport } from './cold-worker.js';
import { BenchProcess } from './common/bench-process.js';
import { compiled } from './common/compiled.js';
import { versionOf } from './common/peer.js';
import { publish, type Goal, type Row } from './common/report.js';
import { median, short, spreadOf } from './common/statistics.js';
import { SERVERS } from './register/servers.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    tasks: { type: 'string', default: '0,10000,100000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: Object.keys(FILLS).join(';') },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const rounds = Number(values.rounds);
const steps = values.tasks.split(',').map(Number);
const MB = 1_048_576;
/** Looks into no store: the tasks make no difference to it. */
const BARE = 'bare Nest';
/** More of them only the limit and all on Redis hold: the other registries would take most of the time to be filled. */
const MANY = 10_000;

interface Contestant {
  readonly name: string;
  readonly server: RunningServer | undefined;
}

interface Figures {
  readonly readyMs: number;
  readonly firstMs: number;
  readonly lateMs: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
}

interface Measured {
  readonly name: string;
  readonly tasks: number;
  readonly figures: Figures[];
}

const worker = await compiled(new URL('cold-worker.ts', import.meta.url));

async function startOf({ name, server }: Contestant, tasks: number): Promise<Figures> {
  const job: ColdJob = { contestant: name, host: server?.host ?? '', port: server?.port ?? 0, tasks };
  const spawnedAt = epochNow();
  const started = new BenchProcess<ColdReport>(worker, job, []);
  try {
    const { readyAt, firstAt, tick, heapBytes, residentBytes } = await started.report();
    await started.leave();
    return {
      readyMs: readyAt - spawnedAt,
      firstMs: firstAt - spawnedAt,
      lateMs: tick.startedAt - tick.plannedAt,
      heapBytes,
      residentBytes,
    };
  } finally {
    started.kill();
  }
}

/** Everybody in turn, round after round, at each number of tasks. */
async function measure(contestants: readonly Contestant[]): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const [i, tasks] of steps.entries()) {
    const taking = contestants.filter(({ name }) => tasks <= MANY || !/etcd|zookeeper|consul/.test(name));
    for (const { name, server } of taking) {
      if (server) await FILLS[name]!(server, steps[i - 1], tasks);
    }
    console.error(`${tasks} tasks are there`);
    const measured = taking.map(({ name }): Measured => ({ name, tasks, figures: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const [k, contestant] of taking.entries()) measured[k]!.figures.push(await startOf(contestant, tasks));
      console.error(`${tasks} tasks: round ${round + 1} of ${rounds}`);
    }
    all.push(...measured);
  }
  return all;
}

const kindOf = (name: string): string => /etcd|zookeeper|consul/.exec(name)?.[0] ?? 'redis';

const contestants: Contestant[] = [];
let measured: Measured[];
try {
  for (const name of values.only.split(';')) {
    contestants.push({ name, server: name === BARE ? undefined : await SERVERS[kindOf(name)]!.start!() });
  }
  measured = await measure(contestants);
} finally {
  for (const { server } of contestants) await server?.stop();
}

const middle = ({ figures }: Measured, name: keyof Figures): number => median(figures.map((one) => one[name]));
const spread = ({ figures }: Measured, name: keyof Figures, unit = 1) =>
  spreadOf(figures.map((one) => one[name] / unit));

function heapPerTask(own: Measured): number | undefined {
  const empty = measured.find(({ name, tasks }) => name === own.name && tasks === 0);
  if (!empty || own.tasks === 0 || own.name === BARE) return undefined;
  return (middle(own, 'heapBytes') - middle(empty, 'heapBytes')) / own.tasks;
}

const versions: Readonly<Record<string, string>> = {
  BullMQ: 'bullmq',
  'Agenda, Redis': 'agenda',
  '@nestjs/schedule, read from Redis': '@nestjs/schedule',
};
const titleOf = (name: string): string => {
  const version = versions[name] && versionOf(versions[name]);
  return version ? name.replace(/^[^,]+/, (start) => `${start} ${version}`) : name;
};

const rows = measured.map((own): Row => ({
  'tasks in the store': own.tasks,
  started: titleOf(own.name),
  'ready, ms': spread(own, 'readyMs'),
  'first tick of all, ms': spread(own, 'firstMs'),
  'first due once ready: late, ms': spread(own, 'lateMs'),
  'heap, bytes per task': heapPerTask(own),
  'resident, MB': spread(own, 'residentBytes', MB),
}));

function goals(): Goal[] {
  const of = (name: string, tasks: number): Measured | undefined =>
    measured.find((own) => own.name === name && own.tasks === tasks);
  const [own, bare] = [of('ours, redis', 10_000), of(BARE, 10_000)];
  if (!own || !bare) return [];
  const times = middle(own, 'readyMs') / middle(bare, 'readyMs');
  const bytes = heapPerTask(own);
  return [
    {
      goal: 'ready with 10,000 tasks within 2 × a bare Nest application',
      reached: `${short(times)} ×: ${short(middle(own, 'readyMs'))} and ${short(middle(bare, 'readyMs'))} ms`,
      met: times <= 2,
    },
    ...(bytes === undefined
      ? []
      : [
          {
            goal: 'a task takes ≤ 1.5 kB of the heap',
            reached: `${short(bytes).toLocaleString('en')} bytes at 10,000`,
            met: bytes <= 1_500,
          },
        ]),
  ];
}

await publish(
  {
    scenario: 'cold',
    tables: [
      {
        title: 'A process starts with its tasks in the store',
        rows,
        chart: {
          label: ['started', 'tasks in the store'],
          value: 'ready, ms',
          isOurs: ({ started }) => typeof started === 'string' && started.startsWith('ours'),
        },
      },
    ],
    goals: goals(),
    notes: [
      'Times are from spawning the process. BullMQ keeps no schedules in its processes. Agenda and @nestjs/schedule do not tell which tick they run: their lateness is from the second that has begun.',
    ],
  },
  values,
);
