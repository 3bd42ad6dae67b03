/**
 * npm run bench -- takeover [--rounds 3] [--contestants redis,etcd,zookeeper,consul,bullmq,lock] [--sparse 360]
 *   [--secondly 150] [--under-way 90] [--json] [--write]
 *
 * Three processes share some hundred tasks; one is ended by `kill -9`: how late do the next ticks of its tasks start, and
 * what becomes of the runs it had under way? Each round kills one process of a fresh cluster of each contestant. What
 * a process did stands in its diary, which survives it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { publish, type Goal, type Row } from './common/report.js';
import { quantile, spreadOf } from './common/statistics.js';
import { STORES, withServers, type Address } from './registries/stores.js';
import { contestantsNamed, isOurs, peerVersions } from './takeover/contestants.js';
import type { Contestant } from './takeover/contestant.js';
import { Crew } from './takeover/crew.js';
import { ACCOUNTED_MS, judge, type Verdict } from './takeover/judge.js';
import { NOTICED_WITHIN_MS } from './takeover/ours.js';
import { workload, type Kind, type Kinds } from './takeover/workload.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    rounds: { type: 'string', default: '3' },
    contestants: { type: 'string', default: 'redis,etcd,zookeeper,consul,bullmq,lock' },
    sparse: { type: 'string', default: '360' },
    secondly: { type: 'string', default: '150' },
    'under-way': { type: 'string', default: '90' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const PROCESSES = 3;
const STANDBY_DELAY_MS = 2_000;
/** For all tasks to be declared, before the second of the kill. */
const DECLARED_WITHIN_S = 5;
const GRACE_MS = 1_000;

const kinds: Kinds = {
  sparse: Number(values.sparse),
  secondly: Number(values.secondly),
  underWay: Number(values['under-way']),
};
type Verdicts = Record<Kind, Verdict>;

/** One kill: within the second that follows half a second after the long runs have begun, at any moment around a tick. */
async function round(name: string, contestant: Contestant, address: Address): Promise<Verdicts> {
  return Crew.with(PROCESSES, name, address, async (crew) => {
    const second = Math.floor(Date.now() / 1_000) + DECLARED_WITHIN_S;
    const tasks = workload(kinds, second);
    await crew.declare(tasks);
    const moment = second * 1_000 + 500 + Math.random() * 1_000;
    if (Date.now() > second * 1_000 - GRACE_MS) throw new Error(`${name} has declared its tasks too late`);
    await sleep(moment - Date.now());
    const [victim] = crew.mates;
    const owned = await crew.ownedBy(victim!);
    const at = crew.kill(victim!);
    await sleep(Math.max(contestant.backWithinMs, ACCOUNTED_MS) + GRACE_MS);
    return judge(tasks, crew.diaries(), { process: victim!.name, at, owned });
  });
}

const contestants = contestantsNamed(values.contestants);
const stores = [...new Set(contestants.map(([, { store }]) => store))];
const verdicts = new Map<string, Verdicts[]>(contestants.map(([name]) => [name, []]));

await withServers(
  stores.map((name) => STORES[name]!),
  async (addresses) => {
    for (let n = 1; n <= Number(values.rounds); n++) {
      for (const [name, contestant] of contestants) {
        verdicts.get(name)!.push(await round(name, contestant, addresses[stores.indexOf(contestant.store)]!));
        console.error(`round ${n}, ${contestant.label}: done`);
      }
    }
  },
);

function rowOf({ label }: Contestant, rounds: readonly Verdict[], what: string): Row {
  const some = rounds.filter(({ lateMs }) => lateMs.length > 0);
  const late = (p: number) => (some.length > 0 ? spreadOf(some.map(({ lateMs }) => quantile(lateMs, p))) : undefined);
  const count = (key: 'never' | 'missed' | 'doubled'): number => rounds.reduce((sum, round) => sum + round[key], 0);
  return {
    contestant: label,
    [what]: spreadOf(rounds.map(({ lateMs, never }) => lateMs.length + never)),
    'p50 ms': late(0.5),
    'p99 ms': late(0.99),
    'max ms': late(1),
    'not run again': count('never'),
    ...(what === 'runs cut off' ? {} : { 'ticks missed': count('missed') }),
    doubled: count('doubled'),
  };
}

function table(title: string, kind: Kind, what: string) {
  const rows = contestants.map(
    ([name, contestant]) =>
    rowOf(contestant, verdicts.get(name)!.map((verdict) => verdict[kind]), what), // prettier-ignore
  );
  return { title, rows, chart: { label: ['contestant'], value: 'p99 ms', isOurs } };
}

const ours = contestants.filter(([, contestant]) => contestant.isOurs);
const worst = (name: string, kind: Kind, figure: 'lateMs' | 'sinceKillMs', p: number): number =>
  Math.max(...verdicts.get(name)!.map((verdict) => quantile(verdict[kind][figure], p)));
const limit = STANDBY_DELAY_MS + 200;
const reached = ours.map(([name]) => {
  const standby = Math.round(worst(name, 'sparse', 'lateMs', 0.99));
  const next = Math.round(worst(name, 'secondly', 'sinceKillMs', 1));
  return { name, standby, next, bound: Math.round(NOTICED_WITHIN_MS[name]!) };
});
const goals: Goal[] = [
  {
    goal: `with a standby: p99 ≤ ${limit} ms late after each kill, on every registry`,
    reached: reached.map(({ name, standby }) => `${name} ${standby} ms`).join(', '),
    met: reached.every(({ standby }) => standby <= limit),
  },
  {
    goal: 'without: every task runs again within TTL + bound of the kill, on every registry',
    reached: reached.map(({ name, next, bound }) => `${name} ${next} of ${bound} ms`).join(', '),
    met: reached.every(({ next, bound }) => next <= bound),
  },
];

await publish(
  {
    scenario: 'takeover',
    tables: [
      table('Ticks every 30 s: how late the first one after the kill starts', 'sparse', 'tasks'),
      table('Ticks every second: how long after its first tick since the kill a task runs again', 'secondly', 'tasks'),
      table(
        'Runs under way in the killed process: how long after the kill they are run again',
        'underWay',
        'runs cut off',
      ),
    ],
    goals,
    notes: [
      `${values.rounds} kills of one of ${PROCESSES} processes each; ${kinds.sparse}, ${kinds.secondly} and ${kinds.underWay} tasks.`,
      'Of ours the tasks of the killed process are looked at, of the others all, since no task of theirs belongs to a process.',
      `Counts are sums over the kills; ticks are accounted for that fell due within ${ACCOUNTED_MS / 1_000} s of a kill.`,
      'A tick that the killed process of ours had claimed already, at most 100 ms ahead, is lost with it, as a run that is cut off is.',
      'Those that ours miss every second are coalesced into one, as `misfire` says by default, and on record.',
      `Peers: ${peerVersions()}; BullMQ with its defaults for stalled jobs (30 s), the lock as \`SET NX PX\`, kept after the run.`,
    ],
  },
  values,
);
