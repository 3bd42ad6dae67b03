/**
 * npm run bench -- register [--tasks 10000] [--singly 300] [--parallel 100] [--rounds 3] [--only "ours, redis;BullMQ"] [--json] [--write]
 *
 * Dynamic tasks are registered at run time: one by one, so many calls at a time, and all at once; then listed, given
 * another schedule, and removed. Each contestant is a process of its own on an empty store of its own, in every round.
 */
import { parseArgs } from 'node:util';
import { BenchProcess } from './common/bench-process.js';
import { publish, type Goal, type Row } from './common/report.js';
import { short, spreadOf, type Spread } from './common/statistics.js';
import type { RegisterJob, RegisterReport } from './register-worker.js';
import type { Contestant } from './register/contestant.js';
import { contestantsNamed } from './register/contestants.js';
import { SERVERS } from './register/servers.js';
import { withServer } from './registries/stores.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    tasks: { type: 'string', default: '10000' },
    singly: { type: 'string', default: '300' },
    parallel: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'all' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const tasks = Number(values.tasks);
const singly = Number(values.singly);
const parallel = Number(values.parallel);
const rounds = Number(values.rounds);
const contestants = contestantsNamed(values.only);

type Figures = RegisterReport & { bytesEach?: number };

function measure({ name: contestant, server: kind }: Contestant): Promise<Figures> {
  const server = SERVERS[kind]!;
  return withServer(server, async ({ host, port }) => {
    const address = { host, port };
    const job: RegisterJob = { contestant, address, tasks, singly, parallel };
    const worker = new BenchProcess<unknown>(new URL('register-worker.ts', import.meta.url), job);
    try {
      await worker.report(); // it is open
      const empty = await server.heldBytes?.(address);
      worker.tell('go on');
      await worker.report(); // all are there
      const full = await server.heldBytes?.(address);
      worker.tell('go on');
      const report = (await worker.report()) as RegisterReport;
      await worker.leave();
      return { ...report, ...(empty !== undefined && { bytesEach: (full! - empty) / tasks }) };
    } finally {
      worker.kill();
    }
  });
}

const measured = contestants.map((contestant) => ({ contestant, figures: [] as Figures[] }));
for (let round = 1; round <= rounds; round++) {
  for (const { contestant, figures } of measured) {
    figures.push(await measure(contestant));
    console.error(`round ${round} of ${rounds}: ${contestant.name}`);
  }
}

const spread = (figures: readonly Figures[], name: keyof Figures): Spread | undefined => {
  const known = figures.flatMap((one) => one[name] ?? []);
  return known.length > 0 ? spreadOf(known) : undefined;
};

const rows = measured.map(({ contestant, figures }): Row => ({
  'registered with': contestant.name,
  'add one by one, /s': spread(figures, 'addSingly'),
  [`add ${parallel} at a time, /s`]: spread(figures, 'addMany'),
  'add all at once, /s': spread(figures, 'addAll'),
  'list all, ms': spread(figures, 'listMs'),
  'change one by one, /s': spread(figures, 'changeSingly'),
  [`change ${parallel} at a time, /s`]: spread(figures, 'changeMany'),
  'remove one by one, /s': spread(figures, 'removeSingly'),
  [`remove ${parallel} at a time, /s`]: spread(figures, 'removeMany'),
  'bytes each': spread(figures, 'bytesEach'),
}));

function goals(): Goal[] {
  const of = (start: string): readonly Figures[] | undefined =>
    measured.find(({ contestant }) => contestant.name.startsWith(start))?.figures;
  const [redis, bull] = [of('ours, redis'), of('BullMQ')];
  if (!redis || !bull) return [];
  /** Each in the way that suits it better. */
  const best = (figures: readonly Figures[]): number =>
    Math.max(spread(figures, 'addMany')!.median, spread(figures, 'addAll')!.median);
  const times = best(redis) / best(bull);
  const bytes = spread(redis, 'bytesEach')!.median;
  return [
    {
      goal: 'adding ≥ 5 × as fast as BullMQ, each as fast as it can',
      reached: `${short(times)} ×: ${short(best(redis)).toLocaleString('en')} and ${short(best(bull)).toLocaleString('en')} per second`,
      met: times >= 5,
    },
    {
      goal: 'a task takes ≤ 400 bytes in Redis',
      reached: `${short(bytes)} bytes; BullMQ ${short(spread(bull, 'bytesEach')!.median)}`,
      met: bytes <= 400,
    },
  ];
}

const settings = [...new Set(contestants.map(({ server }) => server))].map(
  (kind) => `${kind}: ${SERVERS[kind]!.settings}`,
);
await publish(
  {
    scenario: 'register',
    tables: [
      {
        title: `${tasks.toLocaleString('en')} dynamic tasks`,
        rows,
        chart: {
          label: ['registered with'],
          value: 'add all at once, /s',
          isOurs: ({ 'registered with': name }) => typeof name === 'string' && name.startsWith('ours'),
        },
      },
    ],
    goals: goals(),
    notes: [`One by one are ${singly} tasks.`, `Servers: ${settings.join('; ')}.`],
  },
  values,
);
