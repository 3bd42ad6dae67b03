import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { load } from '../common/peer.js';
import type { CronPeer } from '../next/peers.js';
import type { Contestant, Member, Place } from './contestant.js';

interface NestSchedule {
  ScheduleModule: { forRoot(): { module: new () => object } };
  SchedulerRegistry: new () => { addCronJob(name: string, job: object): void };
}

interface CronJobs {
  CronJob: { from(job: Parameters<CronPeer['CronJob']['from']>[0]): object };
}

/** Longer than any difference of clocks and any run: a lock that is not given back lets no tick run twice. */
const LOCK_MS = 60_000;
/** A timer may fire a moment before its instant. */
const EARLY_MS = 50;

/** `@nestjs/schedule` in each process, where every tick is fired by all of them and run by the one that gets its lock. */
export const lockPerTick: Contestant = {
  label: '@nestjs/schedule + lock per tick',
  store: 'redis',
  backWithinMs: 15_000, // nothing is brought back
  join,
};

async function join({ address: { host, port }, namespace, run }: Place): Promise<Member> {
  const { ScheduleModule, SchedulerRegistry } = await load<NestSchedule>('@nestjs/schedule');
  const { CronJob } = await load<CronJobs>('cron');
  const redis = new Redis({ host, port });
  const going = new Set<Promise<void>>();

  @Module({ imports: [ScheduleModule.forRoot()] })
  class BenchModule {}

  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const registry = app.get(SchedulerRegistry);

  async function fire(task: string): Promise<void> {
    const tick = Math.floor((Date.now() + EARLY_MS) / 1_000) * 1_000;
    const lock = await redis.set(`${namespace}:${task}:${tick}`, process.pid, 'PX', LOCK_MS, 'NX');
    if (lock !== null) await run(task, tick);
  }

  return {
    async declare(tasks) {
      for (const { name, cron } of tasks) {
        const onTick = (): void => {
          const run = fire(name).finally(() => going.delete(run));
          going.add(run);
        };
        registry.addCronJob(name, CronJob.from({ cronTime: cron, onTick, start: true, timeZone: 'UTC' }));
      }
    },
    owned: () => undefined,
    async leave() {
      await app.close();
      await Promise.all(going); // it waits for nothing by itself; whoever deploys it with care does
      await redis.quit();
    },
  };
}
