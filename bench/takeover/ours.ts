import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, TaskHandler, type TaskRun } from '../../lib/index.js';
import { inBatches } from '../common/in-batches.js';
import { STORES } from '../registries/stores.js';
import type { Contestant, Member, Place } from './contestant.js';

export const SESSION_TTL_MS = 10_000;
const SECOND = 1_000;

/** The bound for noticing a death, as docs/registries.md has it for one server: session + 1 s, Consul a renewal more. */
export const NOTICED_WITHIN_MS: Readonly<Record<string, number>> = {
  redis: SESSION_TTL_MS + SECOND,
  etcd: SESSION_TTL_MS + SECOND,
  zookeeper: SESSION_TTL_MS + SECOND,
  consul: SESSION_TTL_MS + SESSION_TTL_MS / 3 + SECOND,
};

/** Nodes with the defaults of the library, but for the number of runs at once. */
export function ours(store: string): Contestant {
  return {
    label: `ours on ${store}`,
    store,
    isOurs: true,
    backWithinMs: NOTICED_WITHIN_MS[store]! + 5 * SECOND, // what died at the edge has a run of some seconds before it
    join: (place) => join(store, place),
  };
}

async function join(store: string, { address, namespace, run }: Place): Promise<Member> {
  const registry = await STORES[store]!.registry(address);

  @Injectable()
  class Jobs {
    @TaskHandler()
    work({ task, tick }: TaskRun): Promise<void> {
      return run(task, tick!.getTime());
    }
  }

  @Module({
    imports: [DistributedScheduleModule.forRoot({ namespace, registry, concurrency: 5_000 })],
    providers: [Jobs],
  })
  class BenchModule {}

  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const scheduler = app.get(SchedulerService);
  return {
    async declare(tasks, shared) {
      if (!shared) return;
      await inBatches(tasks, ({ name, cron, again }) =>
        scheduler.addTask({ name, handler: 'any', schedule: { cron }, ...(again && { recovery: 'rerun' }) }),
      );
    },
    owned: () => scheduler.listOwnTasks().map(({ name }) => name),
    async leave() {
      await app.close();
      await registry.close();
    },
  };
}
