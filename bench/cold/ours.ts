import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  DistributedScheduleModule,
  SchedulerService,
  TaskHandler,
  type ForRootOptions,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { epochNow, TICKING, type ColdJob, type Start, type Tick } from './started.js';

type RegistryOptions = NonNullable<ForRootOptions['registry']>;

const REGISTRIES: Readonly<Record<string, (job: ColdJob) => RegistryOptions>> = {
  redis: ({ host, port }) => ({ type: 'redis', url: `redis://${host}:${port}` }),
  etcd: ({ host, port }) => ({ type: 'etcd', endpoints: `http://${host}:${port}` }),
  zookeeper: ({ host, port }) => ({ type: 'zookeeper', connect: `${host}:${port}` }),
  consul: ({ host, port }) => ({ type: 'consul', address: `http://${host}:${port}` }),
};

let ticked: (tick: Tick) => void;

@Injectable()
class Jobs {
  @TaskHandler('send')
  send({ tick, task }: TaskRun): void {
    if (task === TICKING) ticked({ plannedAt: tick!.getTime(), startedAt: epochNow() });
  }
}

export const ours =
  (store: string): Start =>
  async (job, onTick) => {
    ticked = onTick;

    @Module({
      imports: [DistributedScheduleModule.forRoot({ registry: REGISTRIES[store]!(job) })],
      providers: [Jobs],
    })
    class BenchModule {}

    const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
    const scheduler = app.get(SchedulerService);
    while (scheduler.state !== 'working') await sleep(1);
    const readyAt = epochNow();
    const known = scheduler.listTasks().length;
    if (known !== job.tasks + 1) throw new Error(`A node that works knows ${known} of ${job.tasks + 1} tasks`);
    return { readyAt, leave: () => app.close() };
  };
