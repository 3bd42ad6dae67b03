import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, TaskHandler, type TaskRun } from '../../../lib/index.js';
import { counted } from '../../registries/counted.js';
import { STORES } from '../../registries/stores.js';
import { addInParallel, type Contestant, type OnStart } from '../contestant.js';
import { cronOf } from '../pace.js';

/** As an application has it: the module, a registry, a handler; history and everything else as it is by default. */
export const ours = (store: 'memory' | 'redis' | 'etcd' | 'zookeeper' | 'consul'): Contestant => ({
  name: `ours on ${store}`,
  version: '',
  store,
  shares: true,
  settings: 'concurrency twice the tasks, everything else by default',
  async join({ tasks, pace, address }, onStart) {
    const { registry, calls } = counted(await STORES[store]!.registry(address));
    const app = await NestFactory.createApplicationContext(
      moduleOf(DistributedScheduleModule.forRoot({ registry, concurrency: tasks * 2 }), onStart),
      { logger: ['error'] },
    );
    const scheduler = app.get(SchedulerService);
    return {
      calls,
      addTasks: () =>
        addInParallel(tasks, (task) =>
          scheduler.addTask({ name: `task-${task}`, handler: 'any', schedule: { cron: cronOf(task, pace) } }),
        ),
    };
  },
});

function moduleOf(scheduling: ReturnType<typeof DistributedScheduleModule.forRoot>, onStart: OnStart) {
  @Injectable()
  class Jobs {
    @TaskHandler()
    run({ task, tick }: TaskRun): void {
      onStart(Number(task.slice('task-'.length)), tick!.getTime());
    }
  }

  @Module({ imports: [scheduling], providers: [Jobs] })
  class BenchModule {}
  return BenchModule;
}
