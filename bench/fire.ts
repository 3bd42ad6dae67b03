/**
 * npm run bench -- fire [--tasks 10000] [--processes 1] [--seconds 20] [--registry redis|memory] [--json]
 *
 * So many tasks, all due on the same second, every second: how late do their handlers start, beside a plain timer in
 * the same process that does nothing but call as many functions? One clock, one machine: read the ratios.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { redisCommand, startRedis } from '../test/support/servers/redis.js';
import type { RunningServer } from '../test/support/servers/server.js';
import { fireWorker, SETTLING_MS, type FireReport } from './fire-worker.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    tasks: { type: 'string', default: '10000' },
    processes: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    registry: { type: 'string', default: 'redis' },
    json: { type: 'boolean', default: false },
  },
});

export interface FireJob {
  tasks: number;
  seconds: number;
  redisUrl?: string;
  /** The first process adds the tasks. */
  adds: boolean;
}

async function commandsOf(server: RunningServer): Promise<{ commands: number; bytes: number }> {
  const calls = await redisCommand(server, 'INFO commandstats');
  const memory = await redisCommand(server, 'INFO memory');
  const number = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    commands: number(calls, /cmdstat_evalsha:calls=(\d+)/),
    bytes: number(memory, /used_memory:(\d+)/),
  };
}

const tasks = Number(values.tasks);
const seconds = Number(values.seconds);
const processes = Number(values.processes);
const redis = values.registry === 'redis' ? await startRedis({ killable: true }) : undefined;
const empty = redis && (await commandsOf(redis));

/** What Redis is asked for while the workers measure. */
async function commandsPerTick(): Promise<number> {
  if (!redis) return 0;
  await new Promise((settled) => setTimeout(settled, SETTLING_MS));
  const { commands } = await commandsOf(redis);
  await new Promise((measured) => setTimeout(measured, seconds * 1_000));
  return ((await commandsOf(redis)).commands - commands) / (tasks * seconds);
}
let asked: Promise<number> | undefined;
const job = (index: number): FireJob => ({ tasks, seconds, adds: index === 0, ...(redis && { redisUrl: redis.url }) });

const reports: FireReport[] = [];
if (processes === 1) {
  reports.push(await fireWorker(job(0), async () => void (asked = commandsPerTick())));
} else {
  const children = Array.from({ length: processes }, () => fork(new URL('fire-worker.ts', import.meta.url)));
  children.forEach((child, index) => child.send(job(index)));
  const ready = children.map((child) => once(child, 'message'));
  await Promise.all(ready);
  const done = children.map(async (child) => ((await once(child, 'message')) as [FireReport])[0]);
  for (const child of children) child.send('go');
  asked = commandsPerTick();
  reports.push(...(await Promise.all(done)));
}
const perTick = Math.round((await asked!) * 1_000) / 1_000;
const full = redis && (await commandsOf(redis));
await redis?.stop();

const started = reports.reduce((total, { ours }) => total + ours.count, 0);
const summary = {
  tasks,
  processes,
  registry: values.registry,
  reports,
  'started / planned': `${started} / ${tasks * seconds}`,
  ...(full && {
    'script calls per tick': perTick,
    'bytes in Redis per task, with its last runs': Math.round((full.bytes - empty!.bytes) / tasks),
  }),
};
if (values.json) console.log(JSON.stringify(summary, undefined, 2));
else {
  const { reports: _reports, ...line } = summary;
  console.table(
    reports.map(({ ours, plain, ...rest }) => ({ ...rest, ...prefixed('ours', ours), ...prefixed('plain', plain) })),
  );
  console.log(line);
}

function prefixed(prefix: string, quantiles: { p50: number; p99: number; max: number }): Record<string, number> {
  return {
    [`${prefix} p50 ms`]: quantiles.p50,
    [`${prefix} p99 ms`]: quantiles.p99,
    [`${prefix} max ms`]: quantiles.max,
  };
}
