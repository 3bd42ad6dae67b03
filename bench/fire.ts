/**
 * npm run bench -- fire [--tasks 1000,10000] [--contestants bullmq*3,ours-redis*3] [--seconds 6] [--rounds 3] [--json] [--write]
 *
 * So many tasks, all due on the same second, every second: how late do their handlers start, what is missed or comes
 * twice, and what does a tick cost? `*3`: in so many processes. Takes 25 minutes.
 */
import { parseArgs } from 'node:util';
import { publish, type Goal, type Table } from './common/report.js';
import { entriesNamed, isOurs } from './load/contestants.js';
import { interleaved, type Measured } from './load/interleaved.js';
import { cpuPerTick, labelOf, notesOf, over, rowOf, WORDS } from './load/summary.js';

const PEERS = [
  ...['plain-timer', 'cron-schedule', 'croner', 'nestjs-schedule', 'nestjs-schedule*3', 'lock-per-tick*3'],
  ...['bullmq', 'bullmq*3', 'agenda-redis*3', 'agenda-postgres*3'],
];
const OURS = ['ours-memory', 'ours-redis', 'ours-redis*3', 'ours-etcd*3', 'ours-zookeeper*3', 'ours-consul*3'];

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000,10000' },
    contestants: { type: 'string', default: [...PEERS, ...OURS].join() },
    seconds: { type: 'string', default: '6' },
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
  const own = measured.filter(({ trial }) => trial.tasks === tasks);
  const title = `${tasks.toLocaleString('en')} tasks, all due on every second`;
  const names = new Set(own.filter(({ trial }) => isOurs(trial.id)).map(labelOf));
  const chart = {
    label: ['contestant', 'processes'],
    value: 'p99 late ms',
    isOurs: ({ contestant }: Table['rows'][number]) => names.has(String(contestant)),
  };
  return { title, rows: own.map(rowOf), ...(tasks === sizes[0] && { chart }) };
});

await publish({ scenario: 'fire', tables, goals: goalsOf(measured), notes: [WORDS, ...notesOf(measured)] }, values);

/** By the figures of the largest size, of ours on Redis in most processes. */
function goalsOf(all: readonly Measured[]): Goal[] {
  const tasks = sizes[0]!;
  const largest = all.filter(({ trial, rounds }) => trial.tasks === tasks && rounds.length > 0);
  const ours = largest
    .filter(({ trial }) => trial.id === 'ours-redis')
    .toSorted((a, b) => b.trial.processes - a.trial.processes)[0];
  const limit = largest.find(({ trial }) => trial.id === 'plain-timer');
  if (!ours) return [];
  const p99 = (of: Measured): number => over(of, (figures) => figures.p99).median;
  const peers = largest.filter(({ trial }) => trial.id !== 'plain-timer' && !isOurs(trial.id));
  const best = peers.toSorted((a, b) => p99(a) - p99(b))[0];
  const cpu = over(ours, cpuPerTick).median;
  const all_ = all.filter(({ trial }) => isOurs(trial.id));
  const [missed, doubled] = (['missed', 'doubled'] as const).map((fault) =>
    all_.flatMap(({ rounds }) => rounds).reduce((total, figures) => total + figures[fault], 0),
  ) as [number, number];
  const at = `at ${tasks.toLocaleString('en')} tasks on Redis`;
  return [
    ...(limit
      ? [
          {
            goal: `p99 late ${at} ≤ 2 × the bare heap`,
            reached: `${p99(ours).toFixed(1)} ms, ${(p99(ours) / p99(limit)).toFixed(1)} × its ${p99(limit).toFixed(1)} ms`,
            met: p99(ours) <= 2 * p99(limit),
          },
        ]
      : []),
    ...(best
      ? [
          {
            goal: `p99 late ${at} below every peer`,
            reached: `${p99(ours).toFixed(1)} ms; the best peer is ${labelOf(best)} with ${p99(best).toFixed(1)} ms`,
            met: p99(ours) < p99(best),
          },
        ]
      : []),
    {
      goal: 'no tick of ours missed or doubled',
      reached: `${missed} missed, ${doubled} doubled`,
      met: missed + doubled === 0,
    },
    { goal: `≤ 25 µs CPU per tick ${at}`, reached: `${cpu.toFixed(1)} µs`, met: cpu <= 25 },
  ];
}
