/** One process of the `observe` scenario: everything due on the same second, with one way to look at it. */
import 'reflect-metadata';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, TaskHandler, type TaskRun } from '../lib/index.js';
import { inBatches } from './common/in-batches.js';
import { quantile } from './common/statistics.js';
import { KINDS, OFF } from './observe/kinds.js';
import { heardSoFar } from './observe/listeners.js';

export interface ObserveJob {
  /** One of `KINDS`; `undefined`: all off. */
  readonly kind: string | undefined;
  readonly url: string;
  readonly namespace: string;
  readonly tasks: number;
}

/** When to measure. */
export interface ObserveOrder {
  readonly from: number;
  readonly until: number;
}

export interface ObserveFigures {
  readonly ticks: number;
  readonly cpuUsPerTick: number;
  readonly p99Ms: number;
  readonly heard: number;
}

export type ObserveReport = 'ready' | ObserveFigures;

process.once('disconnect', () => process.exit(1)); // the bench has died
const [{ kind: name, url, namespace, tasks }] = (await once(process, 'message')) as [ObserveJob];
const kind = name === undefined ? OFF : KINDS[name]!;
const tell = (report: ObserveReport): void => void process.send!(report);
let lateness: number[] = [];

@Injectable()
class Jobs {
  @TaskHandler()
  run({ tick }: TaskRun): void {
    lateness.push(performance.timeOrigin + performance.now() - tick!.getTime());
  }
}

const options = { ...kind.options, namespace, registry: { type: 'redis', url } as const, concurrency: 2 * tasks };
@Module({
  imports: [DistributedScheduleModule.forRoot(options), ...(kind.imports ?? [])],
  providers: [Jobs, ...(kind.providers ?? [])],
})
class BenchModule {}

kind.prepare?.();
const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
const scheduler = app.get(SchedulerService);
kind.begin?.(scheduler);
const names = Array.from({ length: tasks }, (_, i) => `task-${i}`);
await inBatches(names, (task) => scheduler.addTask({ name: task, handler: 'any', schedule: { cron: '* * * * * *' } }));
tell('ready');

const [{ from, until }] = (await once(process, 'message')) as [ObserveOrder];
await sleep(from - Date.now());
lateness = [];
const [cpuBefore, heardBefore] = [process.cpuUsage(), heardSoFar()];
await sleep(until - Date.now());
const { user, system } = process.cpuUsage(cpuBefore);
const ticks = lateness.length;
tell({
  ticks,
  cpuUsPerTick: (user + system) / ticks,
  p99Ms: quantile(lateness, 0.99),
  heard: heardSoFar() - heardBefore,
});
await once(process, 'message');
await app.close();
process.removeAllListeners('disconnect');
process.disconnect();
