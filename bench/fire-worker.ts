/** One process of the `fire` scenario. */
import 'reflect-metadata';
import { once } from 'node:events';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, TaskHandler, type TaskRun } from '../lib/index.js';
import type { FireJob } from './fire.js';

export interface Quantiles {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

export interface FireReport {
  'boot ms': number;
  'add ms': number;
  'rss MB': number;
  'cpu µs per tick': number;
  /** Lateness of handlers under the scheduler. */
  ours: Quantiles;
  /** Lateness of as many functions called from one plain timer in the same process, before. */
  plain: Quantiles;
}

function quantiles(lateness: number[]): Quantiles {
  const sorted = lateness.sort((a, b) => a - b);
  const at = (p: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0) * 10) / 10;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

const now = (): number => performance.timeOrigin + performance.now();

/** The floor: one timer on the second, and a loop. */
async function plainTimer(tasks: number, rounds: number): Promise<Quantiles> {
  const lateness: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const tick = Math.floor(now() / 1_000) * 1_000 + 1_000;
    await new Promise<void>((done) => setTimeout(done, tick - now()));
    for (let i = 0; i < tasks; i++) lateness.push(now() - tick);
  }
  return quantiles(lateness);
}

/** After the start everything gets going for so long before it is measured. */
export const SETTLING_MS = 5_000;

let lateness: number[] = [];

@Injectable()
class Jobs {
  @TaskHandler()
  run({ tick }: TaskRun): void {
    lateness.push(now() - tick!.getTime());
  }
}

export async function fireWorker(
  { tasks, seconds, redisUrl, adds }: FireJob,
  go: () => Promise<unknown>,
): Promise<FireReport> {
  const plain = await plainTimer(tasks, 5);
  const registry = redisUrl ? ({ type: 'redis', url: redisUrl } as const) : ({ type: 'memory' } as const);

  @Module({ imports: [DistributedScheduleModule.forRoot({ registry, concurrency: tasks * 2 })], providers: [Jobs] })
  class BenchModule {}

  const started = performance.now();
  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const booted = performance.now();
  const scheduler = app.get(SchedulerService);
  if (adds) {
    const names = Array.from({ length: tasks }, (_, i) => `task-${i}`);
    await Promise.all(
      names.map((name) => scheduler.addTask({ name, handler: 'any', schedule: { cron: '* * * * * *' } })),
    );
  }
  const added = performance.now();
  await go();
  await new Promise((settled) => setTimeout(settled, SETTLING_MS));
  lateness = [];
  const cpuBefore = process.cpuUsage();
  await new Promise((measured) => setTimeout(measured, seconds * 1_000));
  const cpu = process.cpuUsage(cpuBefore);
  const ours = quantiles([...lateness]);
  const report: FireReport = {
    'boot ms': Math.round(booted - started),
    'add ms': Math.round(added - booted),
    'rss MB': Math.round(process.memoryUsage.rss() / 1_048_576),
    'cpu µs per tick': Math.round((cpu.user + cpu.system) / Math.max(1, ours.count)),
    ours,
    plain,
  };
  await app.close();
  return report;
}

if (process.send && process.argv[1] === import.meta.filename) {
  const [job] = (await once(process, 'message')) as [FireJob];
  const report = await fireWorker(job, async () => {
    process.send!('ready');
    await once(process, 'message');
  });
  process.send(report);
  process.disconnect();
}
