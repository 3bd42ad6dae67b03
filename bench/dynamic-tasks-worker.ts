/** One node of the `dynamic-tasks` scenario, in a process of its own. */
import 'reflect-metadata';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, TaskHandler } from '../lib/index.js';
import { callsSince, counted, NO_CALLS, type Calls, type CallCounts } from './registries/counted.js';
import { median } from './common/statistics.js';
import { storesNamed, type Address } from './registries/stores.js';

export interface NodeJob {
  /** `fill` adds the tasks and stays until it is told to go; `join` joins when they are all there, and goes. */
  role: 'fill' | 'join';
  registry: string;
  address: Address;
  tasks: number;
  /** How many different schedules they have, at most one for each minute of the day. */
  schedules: number;
  /** How many `addTask` calls are under way at a time. */
  parallel: number;
  /** How many further nodes join from within this process: for a registry that nobody else reaches. */
  joinsInside: number;
}

export interface Join {
  /** From creating the application context until the node works and knows every task. */
  joinMs: number;
  /** From there until it has read the units it owns. */
  adoptMs: number;
  calls: CallCounts;
}

interface Memory {
  heap: number;
  resident: number;
}

export interface NodeReport {
  join: Join;
  joinsInside: Join[];
  addMs: number;
  addCalls: CallCounts;
  listMs: number;
  before: Memory;
  after: Memory;
}

const KNOWN_WITHIN_MS = 120_000;
const QUIET_MS = 700;

@Injectable()
class Jobs {
  @TaskHandler()
  send(): void {}
}

interface Node {
  readonly service: SchedulerService;
  readonly calls: Calls;
  readonly join: Join;
  leave(): Promise<void>;
}

/** @param known how many tasks are in the registry already */
async function join({ registry: name, address }: NodeJob, known: number): Promise<Node> {
  const started = performance.now();
  const [[, store]] = storesNamed(name) as [ReturnType<typeof storesNamed>[number]];
  const { registry, calls } = counted(await store.registry(address));

  @Module({ imports: [DistributedScheduleModule.forRoot({ registry })], providers: [Jobs] })
  class BenchModule {}

  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const service = app.get(SchedulerService);
  const joined = await untilKnown(service, known, started + KNOWN_WITHIN_MS);
  const adopted = await untilQuiet(calls);
  return {
    service,
    calls,
    join: {
      joinMs: joined - started,
      adoptMs: Math.max(0, adopted - joined),
      calls: callsSince(calls, NO_CALLS),
    },
    async leave() {
      await app.close();
      await registry.close();
    },
  };
}

/** @returns the moment at which it was known to work and to know so many; the list that shows it takes its time, too */
async function untilKnown(service: SchedulerService, tasks: number, deadline: number): Promise<number> {
  for (;;) {
    const now = performance.now();
    const known = service.state === 'working' ? service.listTasks().length : 0;
    if (service.state === 'working' && known >= tasks) return now;
    if (now > deadline) throw new Error(`The node is ${service.state} and knows ${known} of ${tasks} tasks.`);
    await sleep(5);
  }
}

/** @returns when the last answer came before a silence; renewals, and the polls of an adapter, go on by themselves */
async function untilQuiet(calls: Calls): Promise<number> {
  while (performance.now() - calls.lastAnswerAt < QUIET_MS) await sleep(50);
  return calls.lastAnswerAt;
}

/** Tenants with times of their own on a day half a year away: nothing is due while the bench runs. */
async function fill(service: SchedulerService, { tasks, schedules, parallel }: NodeJob): Promise<number> {
  const month = ((new Date().getUTCMonth() + 6) % 12) + 1;
  const started = performance.now();
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < tasks) {
      const i = next++;
      const minute = i % schedules;
      await service.addTask({
        name: `report:tenant-${i}`,
        handler: 'send',
        schedule: { cron: `${minute % 60} ${Math.floor(minute / 60) % 24} 15 ${month} *`, timeZone: 'Europe/Paris' },
        payload: { tenant: `tenant-${i}` },
      });
    }
  };
  await Promise.all(Array.from({ length: parallel }, loop));
  return performance.now() - started;
}

function listMs(service: SchedulerService): number {
  const took = Array.from({ length: 5 }, () => {
    const started = performance.now();
    service.listTasks();
    return performance.now() - started;
  });
  return median(took);
}

function memory(): Memory {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, resident: rss };
}

async function work(job: NodeJob, untilTold: () => Promise<unknown>): Promise<void> {
  const node = await join(job, job.role === 'join' ? job.tasks : 0);
  const before = memory();
  const joined = { ...node.calls };
  const addMs = job.role === 'fill' ? await fill(node.service, job) : 0;
  const addCalls = callsSince(node.calls, joined);
  await untilQuiet(node.calls);
  const after = memory();
  const joinsInside: Join[] = [];
  for (let i = 0; i < job.joinsInside; i++) {
    const another = await join(job, job.tasks);
    joinsInside.push(another.join);
    await another.leave();
  }
  const report: NodeReport = {
    join: node.join,
    joinsInside,
    addMs,
    addCalls,
    listMs: listMs(node.service),
    before,
    after,
  };
  process.send!(report);
  await untilTold();
  await node.leave();
}

process.once('disconnect', () => process.exit(1)); // the bench has died
const [job] = (await once(process, 'message')) as [NodeJob];
await work(job, () => once(process, 'message'));
process.removeAllListeners('disconnect');
process.disconnect();
