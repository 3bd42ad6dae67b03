/**
 * npm run bench -- fire [--tasks 1000,10000] [--contestants bullmq*3,ours-redis*3] [--seconds 5] [--rounds 3] [--json] [--write]
 *
 * So many tasks, all due on the same second, every second: how late do their handlers start, what is missed or comes
 * twice, and what does a tick cost? `*3`: in so many processes. Takes 25 minutes.
 */
import { parseArgs } from 'node:util';
import { publish, type Goal, type Table } from './common/report.js';
import { entriesNamed, isOurs } from './load/contestants.js';
import { interleaved, type Measured } from './load/interleaved.js';
import { cpuPerTick, LATENESS_CHART, nameOf, notesOf, over, p99Of, rowOf, WORDS } from './load/summary.js';

const PEERS = [
  ...['plain-timer', 'cron-schedule', 'croner', 'nestjs-schedule', 'nestjs-schedule*3', 'lock-per-tick*3'],
  ...['bullmq*3', 'agenda-redis*3', 'agenda-postgres*3'],
];
const OURS = ['ours-memory', 'ours-redis', 'ours-redis*3', 'ours-etcd*3', 'ours-zookeeper*3', 'ours-consul*3'];

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000,10000' },
    contestants: { type: 'string', default: [...PEERS, ...OURS].join() },
    seconds: { type: 'string', default: '5' },
    settle: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const sizes = values.tasks
  .split(',')
  .map(Number)
  .toSorted((a, b) => b - a);
const trials = sizes.flatMap((tasks) =>
  entriesNamed(values.contestants).map((entry) => ({
    ...entry,
    tasks,
    pace: 'second' as const,
    seconds: Number(values.seconds),
    settleSeconds: Number(values.settle),
  })),
);

const measured = await interleaved(trials, Number(values.rounds));

const tables = sizes.map((tasks): Table => {
  const rows = measured.filter(({ trial }) => trial.tasks === tasks).map(rowOf);
  const title = `${tasks.toLocaleString('en')} tasks, all due on every second`;
  return { title, rows, ...(tasks === sizes[0] && { chart: LATENESS_CHART }) };
});

await publish({ scenario: 'fire', tables, goals: goalsOf(measured), notes: [WORDS, ...notesOf(measured)] }, values);

/** By the figures of the largest size; of ours on Redis in the most processes. */
function goalsOf(all: readonly Measured[]): Goal[] {
  const tasks = sizes[0]!;
  const largest = all.filter(({ trial, rounds }) => trial.tasks === tasks && rounds.length > 0);
  const ours = largest.findLast(({ trial }) => trial.id === 'ours-redis');
  const limit = largest.find(({ trial }) => trial.id === 'plain-timer');
  const [best] = largest
    .filter(({ trial }) => trial.id !== 'plain-timer' && !isOurs(trial.id))
    .toSorted((a, b) => p99Of(a) - p99Of(b));
  if (!ours || !limit || !best) return []; // a trial of some of them
  const at = `at ${tasks.toLocaleString('en')} tasks on Redis`;
  const late = p99Of(ours);
  const cpu = over(ours, cpuPerTick).median;
  const runs = all.filter(({ trial }) => isOurs(trial.id)).flatMap(({ rounds }) => rounds);
  const missed = runs.reduce((total, figures) => total + figures.missed, 0);
  const doubled = runs.reduce((total, figures) => total + figures.doubled, 0);
  return [
    {
      goal: `p99 late ${at} ≤ 2 × the bare heap`,
      reached: `${late.toFixed(1)} ms, ${(late / p99Of(limit)).toFixed(1)} × its ${p99Of(limit).toFixed(1)} ms`,
      met: late <= 2 * p99Of(limit),
    },
    {
      goal: `p99 late ${at} below every peer`,
      reached: `${late.toFixed(1)} ms; the best peer is ${nameOf(best.contestant)} with ${p99Of(best).toFixed(1)} ms`,
      met: late < p99Of(best),
    },
    {
      goal: 'no tick of ours missed or doubled, on any registry',
      reached: `${missed} missed, ${doubled} doubled`,
      met: missed === 0 && doubled === 0,
    },
    { goal: `≤ 25 µs CPU per tick ${at}`, reached: `${cpu.toFixed(1)} µs`, met: cpu <= 25 },
  ];
}
