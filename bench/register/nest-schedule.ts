import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { load, versionOf } from '../common/peer.js';
import type { Contestant } from './contestant.js';

export interface CronJobs {
  CronJob: {
    from(options: { cronTime: string; timeZone: string; start: boolean; onTick: () => void }): CronJob;
  };
  CronTime: new (cron: string, timeZone: string) => object;
}

export interface CronJob {
  setTime(time: object): void;
}

export interface SchedulerRegistry {
  addCronJob(name: string, job: CronJob): void;
  getCronJob(name: string): CronJob;
  getCronJobs(): Map<string, CronJob>;
  deleteCronJob(name: string): void;
}

export interface NestSchedule {
  ScheduleModule: { forRoot(): DynamicModule };
  SchedulerRegistry: new () => SchedulerRegistry;
}

/** As its documentation shows for tasks at run time; in the process alone, gone with it. */
export const nestSchedule: Contestant = {
  name: `@nestjs/schedule ${versionOf('@nestjs/schedule')}, in process`,
  ours: false,
  server: 'memory',
  async open() {
    const { ScheduleModule, SchedulerRegistry } = await load<NestSchedule>('@nestjs/schedule');
    const { CronJob, CronTime } = await load<CronJobs>('cron');

    @Module({ imports: [ScheduleModule.forRoot()] })
    class BenchModule {}

    const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
    const registry = app.get(SchedulerRegistry);
    return {
      add: async ({ name, cron, timeZone }) =>
        registry.addCronJob(name, CronJob.from({ cronTime: cron, timeZone, start: true, onTick: () => {} })),
      list: async () => registry.getCronJobs().size,
      change: async ({ name, changedCron, timeZone }) =>
        registry.getCronJob(name).setTime(new CronTime(changedCron, timeZone)),
      remove: async ({ name }) => registry.deleteCronJob(name),
      close: () => app.close(),
    };
  },
};
