/**
 * npm run bench -- spread [--tasks 10000] [--contestants bullmq*3,ours-redis*3] [--seconds 15] [--rounds 3] [--json] [--write]
 *
 * So many tasks spread over the minute, each due once a minute at a second of its own: how late do handlers start?
 * `--seconds` of the minute are measured in each round, wherever it begins. `*3`: in so many processes. Takes 14 minutes.
 */
import { parseArgs } from 'node:util';
import { publish, type Goal } from './common/report.js';
import { entriesNamed } from './load/contestants.js';
import { interleaved, type Measured } from './load/interleaved.js';
import { LATENESS_CHART, notesOf, p99Of, rowOf, WORDS } from './load/summary.js';

const PEERS = ['plain-timer', 'cron-schedule', 'croner', 'nestjs-schedule', 'lock-per-tick*3', 'bullmq*3'];
const OURS = ['ours-redis*3', 'ours-etcd*3', 'ours-zookeeper*3', 'ours-consul*3'];

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '10000' },
    contestants: { type: 'string', default: [...PEERS, ...OURS].join() },
    seconds: { type: 'string', default: '15' },
    settle: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const tasks = Number(values.tasks);
const trials = entriesNamed(values.contestants).map((entry) => ({
  ...entry,
  tasks,
  pace: 'minute' as const,
  seconds: Number(values.seconds),
  settleSeconds: Number(values.settle),
}));
const measured = await interleaved(trials, Number(values.rounds));
const title = `${tasks.toLocaleString('en')} tasks spread over the minute`;
const table = { title, rows: measured.map(rowOf), chart: LATENESS_CHART };
await publish(
  { scenario: 'spread', tables: [table], goals: goalsOf(measured), notes: [WORDS, ...notesOf(measured)] },
  values,
);

function goalsOf(all: readonly Measured[]): Goal[] {
  const limit = all.find(({ trial }) => trial.id === 'plain-timer');
  const ours = all.find(({ trial }) => trial.id === 'ours-redis');
  if (!limit?.rounds.length || !ours?.rounds.length) return [];
  const above = p99Of(ours) - p99Of(limit);
  return [
    {
      goal: 'p99 late on Redis ≤ 1 ms above a bare timer',
      reached: `${p99Of(ours).toFixed(1)} ms, the bare timer ${p99Of(limit).toFixed(1)} ms`,
      met: above <= 1,
    },
  ];
}
