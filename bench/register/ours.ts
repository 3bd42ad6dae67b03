import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, TaskHandler } from '../../lib/index.js';
import { STORES } from '../registries/stores.js';
import type { Contestant } from './contestant.js';

@Injectable()
class Jobs {
  @TaskHandler('send')
  send(): void {}
}

/** A node of the cluster, which registers tasks and looks after them as well. */
export const ours = (store: string): Contestant => ({
  name: `ours, ${store}`,
  ours: true,
  server: store,
  async open(address) {
    const registry = await STORES[store]!.registry(address);

    @Module({ imports: [DistributedScheduleModule.forRoot({ registry })], providers: [Jobs] })
    class BenchModule {}

    const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
    const scheduler = app.get(SchedulerService);
    return {
      add: ({ name, cron, timeZone, payload }) =>
        scheduler.addTask({ name, handler: 'send', schedule: { cron, timeZone }, payload }),
      list: async () => scheduler.listTasks().length,
      change: ({ name, changedCron, timeZone }) => scheduler.updateSchedule(name, { cron: changedCron, timeZone }),
      remove: ({ name }) => scheduler.purgeTask(name),
      async close() {
        await app.close();
        await registry.close();
      },
    };
  },
});
