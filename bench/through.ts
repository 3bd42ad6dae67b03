/**
 * npm run bench -- through [--contestants bullmq*3,ours-redis*3] [--from 10000] [--seconds 6] [--json] [--write]
 *
 * How many ticks per second three processes keep up with on Redis, when handlers do nothing: twice as many tasks, each due
 * every second, from step to step, until a tick is missed or doubled or p99 is over a second late, or half as many until none
 * is; then once in the middle. Peers begin at a quarter of `--from`. Takes 6 minutes.
 */
import { parseArgs } from 'node:util';
import { publish, type Goal, type Row } from './common/report.js';
import { CONTESTANTS, entriesNamed, isOurs, type Entry } from './load/contestants.js';
import { cpuPerTick, isRowOfOurs, nameOf } from './load/summary.js';
import { run, type Figures } from './load/trial.js';

const { values } = parseArgs({
  options: {
    contestants: { type: 'string', default: 'lock-per-tick*3,bullmq*3,ours-redis*3' },
    from: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '6' },
    settle: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const LATEST_MS = 1_000;
/** A machine that holds this holds more than it can be asked for here. */
const MOST_TASKS = 160_000;

/** Nobody is asked for less. */
const FEWEST_TASKS = 100;

interface Step {
  readonly tasks: number;
  readonly held: boolean;
  /** Absent where it has failed altogether. */
  readonly figures?: Figures;
}

async function stepOf(entry: Entry, tasks: number): Promise<Step> {
  const [seconds, settleSeconds] = [Number(values.seconds), Number(values.settle)];
  try {
    const figures = await run({ ...entry, tasks, pace: 'second', seconds, settleSeconds });
    const { missed, doubled, p99 } = figures;
    const held = missed === 0 && doubled === 0 && p99 <= LATEST_MS;
    console.error(`${entry.id}, ${tasks} tasks: ${held ? 'held' : 'not held'}, p99 ${Math.round(p99)} ms`);
    return { tasks, held, figures };
  } catch (error) {
    console.error(`${entry.id}, ${tasks} tasks: failed`, error);
    return { tasks, held: false };
  }
}

/** Doubles while it holds, or halves until it does; then the middle of the best that held and the first that did not. */
async function stepsOf(entry: Entry): Promise<Step[]> {
  const first = await stepOf(entry, isOurs(entry.id) ? Number(values.from) : Number(values.from) / 4);
  const steps = [first];
  const next = (): number => steps.at(-1)!.tasks * (first.held ? 2 : 1 / 2);
  while (steps.at(-1)!.held === first.held && next() >= FEWEST_TASKS && next() <= MOST_TASKS) {
    steps.push(await stepOf(entry, Math.round(next())));
  }
  const [before, latest] = steps.slice(-2);
  if (before && latest && before.held !== latest.held) {
    steps.push(await stepOf(entry, Math.round((before.tasks + latest.tasks) / 2)));
  }
  return steps.toSorted((a, b) => a.tasks - b.tasks);
}

function rowOf(contestant: string, { tasks, held, figures }: Step): Row {
  const row = { contestant, 'ticks asked per second': tasks, held: held ? 'yes' : figures ? 'no' : 'failed' };
  if (!figures) return row;
  return {
    ...row,
    'ticks started per second': figures.started / Number(values.seconds),
    'p50 late ms': figures.p50,
    'p99 late ms': figures.p99,
    'missed %': (100 * figures.missed) / figures.planned,
    doubled: figures.doubled,
    'CPU µs per tick': cpuPerTick(figures),
  };
}

const steps: Row[] = [];
const best: { contestant: string; processes: number; 'ticks per second held': number }[] = [];
for (const entry of entriesNamed(values.contestants)) {
  const contestant = nameOf(await CONTESTANTS[entry.id]());
  const taken = await stepsOf(entry);
  steps.push(...taken.map((step) => rowOf(contestant, step)));
  const held = taken.findLast((step) => step.held)?.tasks ?? 0;
  best.push({ contestant, processes: entry.processes, 'ticks per second held': held });
}

const chart = { label: ['contestant'], value: 'ticks per second held', isOurs: isRowOfOurs };
const ours = best.find(isRowOfOurs)?.['ticks per second held'] ?? 0;
const goals: Goal[] = [
  {
    goal: 'three processes on Redis sustain ≥ 10,000 ticks per second',
    reached: `${ours.toLocaleString('en')} without one missed or doubled`,
    met: ours >= 10_000,
  },
];
await publish(
  {
    scenario: 'through',
    tables: [
      { title: 'Ticks per second that three processes on Redis keep up with', rows: best, chart },
      { title: 'Step by step', rows: steps },
    ],
    goals,
    notes: [
      'Held: nothing is missed or doubled and p99 is at most a second late. One run of each step; BullMQ runs its job schedulers.',
    ],
  },
  values,
);
