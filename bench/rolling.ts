/**
 * npm run bench -- rolling [--rounds 3] [--contestants redis,bullmq,lock] [--tasks 1000] [--json] [--write]
 *
 * Three processes share tasks that tick every second. Each in turn is told to end by SIGTERM, leaves, and a new one takes its
 * place, as in a rolling deploy: which ticks are missed, run twice or late, and which runs are cut off? Other contestants
 * are etcd, zookeeper and consul.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { publish, type Goal, type Row } from './common/report.js';
import { quantile, spreadOf } from './common/statistics.js';
import { STORES, withServers, type Address } from './registries/stores.js';
import { judge, type Outcome } from './rolling/judge.js';
import { contestantsNamed, isOurs, peerVersions } from './takeover/contestants.js';
import type { BenchTask, Contestant } from './takeover/contestant.js';
import { Crew } from './takeover/crew.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    rounds: { type: 'string', default: '3' },
    contestants: { type: 'string', default: 'redis,bullmq,lock' },
    tasks: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const PROCESSES = 3;
const P99_LIMIT_MS = 100;
/** So long nothing is looked at after the tasks have been declared, and a process is left alone once it has come. */
const SETTLING_MS = 2_500;
/** A tick that has not started so long after its instant is missed. */
const GIVEN_UP_MS = 4_000;
const RUN_MS = 100;

const tasks: BenchTask[] = Array.from({ length: Number(values.tasks) }, (_, i) => ({
  name: `task-${i}`,
  cron: '* * * * * *',
  runMs: RUN_MS,
}));

const secondBefore = (at: number): number => Math.floor(at / 1_000) * 1_000;

function round(name: string, address: Address): Promise<Outcome> {
  return Crew.with(PROCESSES, name, address, async (crew) => {
    await crew.declare(tasks);
    await sleep(SETTLING_MS);
    const from = secondBefore(Date.now()) + 1_000;
    for (const mate of [...crew.mates]) {
      await sleep(Math.random() * 1_000); // at any moment around the ticks
      await crew.dismiss(mate);
      const successor = await crew.enlist();
      await crew.declareIn(successor);
      await sleep(SETTLING_MS);
    }
    const until = secondBefore(Date.now());
    await sleep(GIVEN_UP_MS);
    return judge(tasks, crew.diaries(), { from, until });
  });
}

const contestants = contestantsNamed(values.contestants);
const stores = [...new Set(contestants.map(([, { store }]) => store))];
const outcomes = new Map<string, Outcome[]>(contestants.map(([name]) => [name, []]));

await withServers(
  stores.map((name) => STORES[name]!),
  async (addresses) => {
    for (let n = 1; n <= Number(values.rounds); n++) {
      for (const [name, { label, store }] of contestants) {
        outcomes.get(name)!.push(await round(name, addresses[stores.indexOf(store)]!));
        console.error(`round ${n}, ${label}: done`);
      }
    }
  },
);

function rowOf({ label }: Contestant, rounds: readonly Outcome[]): Row {
  const late = (p: number) => spreadOf(rounds.map(({ lateMs }) => quantile(lateMs, p)));
  const count = (key: 'missed' | 'doubled' | 'cutOff') => spreadOf(rounds.map((round) => round[key]));
  return {
    contestant: label,
    'ticks started': spreadOf(rounds.map(({ lateMs }) => lateMs.length)),
    'p50 ms': late(0.5),
    'p99 ms': late(0.99),
    'max ms': late(1),
    missed: count('missed'),
    doubled: count('doubled'),
    'runs cut off': count('cutOff'),
  };
}

const goals: Goal[] = contestants
  .filter(([, contestant]) => contestant.isOurs)
  .map(([name, { label }]) => {
    const rounds = outcomes.get(name)!;
    const sum = (key: 'missed' | 'doubled'): number => rounds.reduce((total, round) => total + round[key], 0);
    const p99 = spreadOf(rounds.map(({ lateMs }) => quantile(lateMs, 0.99))).median;
    return {
      goal: `${label}: 0 missed, 0 doubled, p99 ≤ ${P99_LIMIT_MS} ms late`,
      reached: `${sum('missed')}, ${sum('doubled')}, ${Math.round(p99)} ms`,
      met: sum('missed') === 0 && sum('doubled') === 0 && p99 <= P99_LIMIT_MS,
    };
  });

await publish(
  {
    scenario: 'rolling',
    tables: [
      {
        title: `${tasks.length.toLocaleString('en')} tasks, each second, while ${PROCESSES} processes are replaced one by one`,
        rows: contestants.map(([name, contestant]) => rowOf(contestant, outcomes.get(name)!)),
        chart: {
          label: ['contestant'],
          value: 'p99 ms',
          isOurs,
        },
      },
    ],
    goals,
    notes: [
      `Each run takes ${RUN_MS} ms; a process ends before the next one is started, so two of ${PROCESSES} do all the work meanwhile.`,
      'Every contestant leaves as its documentation says: ours by the shutdown hooks of Nest, BullMQ by `worker.close()`, `@nestjs/schedule` by those hooks, and it is given the time in which its runs end, for which it does not wait by itself.',
      `Peers: ${peerVersions()}.`,
    ],
  },
  values,
);
