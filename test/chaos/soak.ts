/** Chaos for as long as you like: `npm run soak -- --minutes 30 [--nodes 4] [--tasks 200] [--seed n] [--registry redis]` */
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { ChaosCluster } from './cluster.js';
import { conclude } from './conclusion.js';
import { chooseSeed, Nemesis } from './nemesis.js';
import { Operator } from './operator.js';
import { REGISTRIES } from './registries.js';
import { Resources } from './resources.js';
import { mixed, secondly, sparse } from './tasks.js';

const SAMPLE_EVERY_MS = 10_000;
const PRINT_EVERY_MS = 30_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    nodes: { type: 'string', default: '4' },
    tasks: { type: 'string', default: '200' },
    seed: { type: 'string' },
    registry: { type: 'string', default: REGISTRIES[0]!.name },
  },
});
const registry = REGISTRIES.find(({ name }) => name === values.registry);
const [minutes, nodes, tasks] = [values.minutes, values.nodes, values.tasks].map(Number) as [number, number, number];
const seed = values.seed === undefined ? chooseSeed() : Number(values.seed);
if (!registry || ![minutes, nodes, tasks, seed].every((number) => number > 0)) {
  const known = REGISTRIES.map(({ name }) => name).join(', ');
  console.error(`Usage: npm run soak -- --minutes 30 --nodes 4 --tasks 200 --seed 1 --registry <one of ${known}>`);
  process.exit(1);
}

const print = (...lines: string[]): void => console.log(lines.join('\n'));
const over = new AbortController();
const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
});

print(`soak on ${registry.name} for ${minutes} min: ${nodes} nodes, ${tasks} tasks a second and others, seed ${seed}`);
const cluster = await ChaosCluster.start(registry, { nodes, options: { history: { keepRuns: 5 } } });
const resources = new Resources(cluster);
let isSound = false;
try {
  const outcome = await Promise.race([soak(), interrupted]);
  if (outcome === 'interrupted') {
    print('interrupted; the figures so far:', ...cluster.figures.describe(), violations());
    isSound = cluster.checker.violations.length === 0;
  } else isSound = outcome;
} catch (error) {
  print(String((error as Error).stack), ...cluster.figures.describe(), violations());
} finally {
  over.abort();
  await cluster.stop();
}
process.exit(isSound ? 0 : 1);

async function soak(): Promise<boolean> {
  await cluster.addTasks([...secondly(tasks), ...sparse(Math.ceil(tasks / 4)), ...mixed(2)]);
  const operator = new Operator(cluster, 4);
  // What grows with time shows in processes that live for long: half of the nodes suffer, but are never ended.
  const keep = [...cluster.nodes.keys()].slice(0, Math.ceil(nodes / 2));
  const nemesis = new Nemesis(cluster, { seed, every: [2_000, 3_000], keep });
  const sampling = setInterval(() => void resources.sample(), SAMPLE_EVERY_MS);
  const printing = setInterval(() => print(progress()), PRINT_EVERY_MS);
  const forMs = minutes * 60_000;
  const counting = setTimeout(
    () => void resources.countDocuments().catch(() => undefined),
    Math.min(forMs / 4, 300_000),
  );
  over.signal.addEventListener('abort', () => {
    clearTimeout(counting);
    for (const timer of [sampling, printing]) clearInterval(timer);
  });
  const operating = operator.run(seed, 2_000, over.signal);
  await nemesis.run(forMs, over.signal);
  const held = await resources.describe(forMs / 3);
  over.abort();
  await operating;
  await operator.cleanUp();
  const { violations: found, discrepancies, crashes, lines } = await conclude(cluster);
  print('', ...lines, ...held, ...found.slice(0, 20).map((violation) => JSON.stringify(violation)));
  print(...discrepancies.map((line) => `does not add up: ${line}`), ...crashes.map((line) => `crash: ${line}`));
  return found.length + discrepancies.length + crashes.length === 0;
}

function progress(): string {
  const { figures, nodes: present } = cluster;
  const at = new Date().toISOString().slice(11, 19);
  const there = [...present.values()].filter(({ hasJoined }) => hasJoined).length;
  return `${at}  ticks ${figures.ticks}, faults ${figures.faultCount}, nodes ${there}, ${violations()}`;
}

function violations(): string {
  return `violations ${cluster.checker.violations.length}`;
}
