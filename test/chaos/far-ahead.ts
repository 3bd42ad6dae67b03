/** A node whose every task is far ahead, in a process of its own: it reports what it does while there is nothing to do. */
import 'reflect-metadata';
import { setTimeout as pass } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  DistributedScheduleModule,
  SchedulerService,
  TaskHandler,
  type RegistryOptions,
  type ScheduleSpec,
} from '../../lib/index.js';

export interface FarAheadReport {
  /** Tasks that wait for their tick on this node. */
  owned: number;
  /** Handlers that were called. */
  started: number;
  /** Timers set by anything in the process, and the longest since its start. */
  timers: number;
  longestTimerMs: number;
  /** What the processor did for it. */
  cpuMs: number;
  /** Names of Node’s own warnings since its start, each once. */
  warnings: string[];
}

const DAY_MS = 86_400_000;
const WATCHED_MS = 5_000;
const TASKS: Record<string, ScheduleSpec> = {
  'just beyond a timer of Node': { at: Date.now() + 2 ** 31 + 5_000 },
  'in 60 days': { delay: 60 * DAY_MS },
  'in 10 years': { at: Date.now() + 3_652 * DAY_MS },
  'every 60 days': { every: 60 * DAY_MS },
  'on leap days': { cron: '0 0 29 2 *' },
};

let [timers, longestTimerMs, started] = [0, 0, 0];
const warnings: string[] = [];
process.on('warning', ({ name }) => warnings.push(name));
const { setTimeout: set } = globalThis;
globalThis.setTimeout = Object.assign((fn: () => void, delayMs = 0, ...rest: []) => {
  timers++;
  longestTimerMs = Math.max(longestTimerMs, delayMs);
  return set(fn, delayMs, ...rest);
}, set) as typeof setTimeout;

@Injectable()
class Jobs {
  @TaskHandler()
  run(): void {
    started++;
  }
}

@Module({
  imports: [
    DistributedScheduleModule.forRoot({
      namespace: 'far-ahead',
      registry: JSON.parse(process.env['REGISTRY']!) as RegistryOptions,
    }),
  ],
  providers: [Jobs],
})
class NodeModule {}

process.on('disconnect', () => process.exit(4)); // the harness has gone, in whatever way

const app = await NestFactory.createApplicationContext(NodeModule, { logger: ['warn', 'error'] });
const scheduler = app.get(SchedulerService);
for (const [name, schedule] of Object.entries(TASKS)) {
  await scheduler.addTask({ name: name.replaceAll(' ', '-'), handler: 'work', schedule });
}
while (scheduler.listOwnTasks().length < Object.keys(TASKS).length) await pass(20);
await pass(2_000); // modules are loaded and compiled a last time
timers = 0;
const before = process.cpuUsage();
await pass(WATCHED_MS);
const { user, system } = process.cpuUsage(before);
const owned = scheduler.listOwnTasks().length;
const report: FarAheadReport = {
  ...{ owned, started, timers, longestTimerMs, warnings: [...new Set(warnings)] },
  cpuMs: Math.round((user + system) / 1_000),
};
process.send!(report);
