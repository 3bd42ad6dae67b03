/**
 * npm run bench -- cancel [--registry all] [--runs 200] [--json]
 *
 * A run goes on on one node and is cancelled on another: how long until its signal aborts, and until the caller knows that
 * it has ended. Two applications in one process, each with a client of its own.
 */
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, SchedulerService, TaskHandler, type TaskRun } from '../lib/index.js';
import { quantile } from './common/statistics.js';
import { storesNamed, withServer, type Address, type Store } from './registries/stores.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    registry: { type: 'string', default: 'all' },
    runs: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
  },
});
const WARM_UP = 20;

@Injectable()
class Jobs {
  abortedAt = 0;

  @TaskHandler('endless')
  endless({ signal }: TaskRun): Promise<void> {
    return new Promise((end) =>
      signal.addEventListener('abort', () => {
        this.abortedAt = performance.now();
        end();
      }),
    );
  }
}

async function node(store: Store, address: Address, id: string): Promise<INestApplicationContext> {
  const registry = await store.registry(address);
  const options = { registry, namespace: 'bench', node: { id }, concurrency: 100 };

  @Module({ imports: [DistributedScheduleModule.forRoot(options)], providers: [Jobs] })
  class Application {}
  return NestFactory.createApplicationContext(Application, { logger: ['error'] });
}

async function measure(store: Store, address: Address): Promise<{ aborted: number[]; ended: number[] }> {
  const [runs, cancels] = [await node(store, address, 'runs'), await node(store, address, 'cancels')];
  const [here, there] = [runs.get(SchedulerService), cancels.get(SchedulerService)];
  const jobs = runs.get(Jobs);
  await here.addTask({ name: 'a', handler: 'endless', schedule: { cron: '0 0 1 1 *' } });
  while (!there.getTask('a')) await new Promise((look) => setTimeout(look, 10));
  const measured = { aborted: [] as number[], ended: [] as number[] };
  for (let i = -WARM_UP; i < Number(values.runs); i++) {
    const { id } = await here.runTask('a');
    const asked = performance.now();
    if (!(await there.cancelRun(id))) throw new Error(`Run ${id} was not there to be cancelled.`);
    if (i < 0) continue;
    measured.aborted.push(jobs.abortedAt - asked);
    measured.ended.push(performance.now() - asked);
  }
  await Promise.all([runs.close(), cancels.close()]);
  return measured;
}

const ms = (numbers: readonly number[], p: number): number => Math.round(quantile(numbers, p) * 10) / 10;
const rows: Record<string, object> = {};
for (const [name, store] of storesNamed(values.registry)) {
  const { aborted, ended } = await withServer(store, (address) => measure(store, address));
  rows[name] = {
    'signal p50 ms': ms(aborted, 0.5),
    p99: ms(aborted, 0.99),
    max: ms(aborted, 1),
    'known as ended p50 ms': ms(ended, 0.5),
    'p99 ': ms(ended, 0.99),
    'max ': ms(ended, 1),
  };
}
if (values.json) console.log(JSON.stringify(rows));
else console.table(rows);
