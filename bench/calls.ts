/**
 * npm run bench -- calls [--registry all|redis,etcd] [--tasks 10000] [--seconds 30] [--json] [--write]
 *
 * What the library asks of its registry, on each of them: per tick when so many tasks are due every second, per tick of a lone
 * task on a lone node, and per node and second when three nodes hold so many tasks of which none is due for months.
 * `--seconds` is how long they idle: a node reads everything again every 30 s. Takes 6 minutes.
 */
import { parseArgs } from 'node:util';
import { publish, type Goal, type Row } from './common/report.js';
import { spreadOf } from './common/statistics.js';
import type { ContestantId } from './load/contestants.js';
import { callsIn, callsPerTick } from './load/summary.js';
import { run, type Figures } from './load/trial.js';

const { values } = parseArgs({
  options: {
    registry: { type: 'string', default: 'memory,redis,etcd,zookeeper,consul' },
    tasks: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const tasks = Number(values.tasks);
const idleSeconds = Number(values.seconds);

interface Calls {
  readonly registry: string;
  readonly busy: Figures;
  readonly lone: Figures;
  readonly idle: Figures;
}

async function callsOn(registry: string): Promise<Calls> {
  const id = `ours-${registry}` as ContestantId;
  const processes = registry === 'memory' ? 1 : 3;
  const busy = await run({ id, processes, tasks, pace: 'second', seconds: 5, settleSeconds: 4 });
  const lone = await run({ id, processes: 1, tasks: 1, pace: 'second', seconds: 10, settleSeconds: 2 });
  const idle = await run({ id, processes, tasks, pace: 'never', seconds: idleSeconds, settleSeconds: 4 });
  console.error(`${registry}: done`);
  return { registry, busy, lone, idle };
}

/** A lone tick's own: what a node asks anyway, as reading everything again, stands in the idle columns. */
const perLoneTick = ({ calls, started }: Figures): number =>
  calls.reduce((total, { commits, gets }) => total + commits + gets, 0) / started;

const perIdleSecond = ({ calls }: Figures): number[] => calls.map((own) => callsIn(own) / idleSeconds);

function rowOf({ registry, busy, lone, idle }: Calls): Row {
  const nodes = idle.calls.length;
  const total = (of: 'renewals' | 'lists'): number => idle.calls.reduce((sum, own) => sum + own[of], 0);
  const { requests } = idle.served;
  return {
    registry,
    'busy: calls per tick': callsPerTick(busy),
    'busy: writes per tick': busy.calls.reduce((sum, { writes }) => sum + writes, 0) / busy.started,
    'busy: missed': busy.missed,
    'lone tick: calls': perLoneTick(lone),
    nodes,
    'idle: calls per node and second': spreadOf(perIdleSecond(idle)),
    'of them renewals': total('renewals') / nodes / idleSeconds,
    'of them lists': total('lists') / nodes / idleSeconds,
    'requests the server counts': requests === undefined ? undefined : requests / nodes / idleSeconds,
  };
}

const all: Calls[] = [];
for (const registry of values.registry.split(',')) all.push(await callsOn(registry));

const title = `Calls of the registry: ${tasks.toLocaleString('en')} tasks due every second, a lone task, ${tasks.toLocaleString('en')} idle tasks`;
await publish(
  {
    scenario: 'calls',
    tables: [{ title, rows: all.map(rowOf) }],
    goals: goalsOf(all),
    notes: [
      'A call is one of the registry port, whatever it carries; writes are what commits carry: they are gathered into few commits.',
      'One run; the idle range is that of the nodes. Memory is one process, hence one node.',
    ],
  },
  values,
);

function goalsOf(figures: readonly Calls[]): Goal[] {
  const redis = figures.find(({ registry }) => registry === 'redis');
  const worst = (figure: (of: Calls) => number): number => Math.max(...figures.map(figure));
  const lone = worst((of) => perLoneTick(of.lone));
  const idle = worst((of) => Math.max(...perIdleSecond(of.idle)));
  return [
    ...(redis ? [busyGoal(callsPerTick(redis.busy))] : []),
    { goal: 'a lone tick asks twice: claim, finish', reached: `${lone.toFixed(2)} at most`, met: lone <= 2 },
    { goal: 'an idle node asks at most once a second', reached: `${idle.toFixed(2)} at most`, met: idle <= 1 },
  ];
}

function busyGoal(calls: number): Goal {
  const goal = `≤ 0.1 calls per tick on Redis with ${tasks.toLocaleString('en')} tasks due every second`;
  return { goal, reached: calls.toFixed(4), met: calls <= 0.1 };
}
