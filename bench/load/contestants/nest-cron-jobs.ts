import 'reflect-metadata';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { load } from '../../common/peer.js';
import type { Load, Member } from '../contestant.js';
import { cronOf } from '../pace.js';

interface NestSchedule {
  ScheduleModule: { forRoot(): DynamicModule };
  SchedulerRegistry: Type<{ addCronJob(name: string, job: object): void }>;
}

interface Cron {
  CronJob: { from(job: { cronTime: string; onTick: () => void }): { start(): void } };
}

/** A Nest application with dynamic cron jobs, as the documentation of `@nestjs/schedule` adds them. */
export async function nestCronJobs({ tasks, pace }: Load, onTick: (task: number) => void): Promise<Member> {
  const { ScheduleModule, SchedulerRegistry } = await load<NestSchedule>('@nestjs/schedule');
  console.warn = () => {}; // it tells of each late tick; to write that would make the next ones later
  const { CronJob } = await load<Cron>('cron');

  @Module({ imports: [ScheduleModule.forRoot()] })
  class BenchModule {}

  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const registry = app.get(SchedulerRegistry);
  return {
    async addTasks() {
      for (let task = 0; task < tasks; task++) {
        const job = CronJob.from({ cronTime: cronOf(task, pace), onTick: () => onTick(task) });
        registry.addCronJob(`task-${task}`, job);
        job.start();
      }
    },
  };
}
