import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { load } from '../common/peer.js';
import type { CronJobs, NestSchedule } from '../register/nest-schedule.js';
import { epochNow, secondBegun, TICKING, type Start } from './started.js';

/** As people keep tasks for it: one hash in Redis, read at the start. */
export const HASH = 'tasks';

export const nestSchedule: Start = async ({ host, port, tasks }, ticked) => {
  const { ScheduleModule, SchedulerRegistry } = await load<NestSchedule>('@nestjs/schedule');
  const { CronJob } = await load<CronJobs>('cron');

  @Module({ imports: [ScheduleModule.forRoot()] })
  class BenchModule {}

  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const registry = app.get(SchedulerRegistry);
  const redis = new Redis({ host, port });
  const kept = Object.entries(await redis.hgetall(HASH));
  if (kept.length !== tasks + 1) throw new Error(`There are ${kept.length} of ${tasks + 1} tasks in Redis`);
  for (const [name, text] of kept) {
    const { cron: cronTime, timeZone } = JSON.parse(text) as { cron: string; timeZone: string };
    const onTick = (): void => {
      if (name !== TICKING) return;
      const startedAt = epochNow();
      ticked({ plannedAt: secondBegun(startedAt), startedAt });
    };
    registry.addCronJob(name, CronJob.from({ cronTime, timeZone, start: true, onTick }));
  }
  const readyAt = epochNow();
  return {
    readyAt,
    async leave() {
      await app.close();
      await redis.quit();
    },
  };
};
