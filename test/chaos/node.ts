/** One node of the chaos suite: a Nest application in a process of its own, whose handlers have a witness. */
import { stepClock } from './stepped-clock.js';
import 'reflect-metadata';
import { constants, openSync, writeSync } from 'node:fs';
import { setTimeout as pass } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { filter, firstValueFrom } from 'rxjs';
import {
  DistributedScheduleModule,
  SchedulerService,
  TaskHandler,
  type DistributedScheduleOptions,
  type TaskRun,
} from '../../lib/index.js';
import { witnessed } from '../../lib/testing/checker/witness.js';
import type { Order, Report, Work } from './node-messages.js';

const { PROCESS, RECORDER, OPTIONS } = process.env as Record<string, string>;
const recorder = openSync(RECORDER!, constants.O_WRONLY);
const report = (what: Report): void => void process.send?.(what);
const now = (): number => Date.now(); // stamped anew by the recorder

/** Written by the time it returns. Without its witness a node must not run. */
function tell(entry: object): void {
  try {
    writeSync(recorder, `${JSON.stringify(entry)}\n`);
  } catch {
    process.exit(3);
  }
}

@Injectable()
class Jobs {
  private readonly work = witnessed<Work>(
    async ({ payload, signal, attempt }) => {
      if (payload?.ms) await pass(payload.ms, undefined, { signal });
      if (attempt <= (payload?.fails ?? 0)) throw new Error(`attempt ${attempt} fails`);
    },
    { process: PROCESS!, tell, now },
  );

  @TaskHandler()
  run(run: TaskRun<Work>): unknown {
    return this.work(run);
  }
}

@Module({
  imports: [DistributedScheduleModule.forRoot(JSON.parse(OPTIONS!) as DistributedScheduleOptions)],
  providers: [Jobs],
})
class NodeModule {}

const app = await NestFactory.createApplicationContext(NodeModule, {
  logger: ['warn', 'error'],
  abortOnError: false,
}).catch((error: unknown) => {
  writeSync(2, `${String(error)}\n`);
  process.exit(2);
});
app.enableShutdownHooks();
const scheduler = app.get(SchedulerService);

process.on('disconnect', () => process.exit(4)); // the harness has gone, in whatever way
process.on('message', (order: Order) => {
  if (order.type === 'step-clock') stepClock(order.offMs);
  else if (order.type === 'block') blockFor(order.forMs);
  else {
    const { state } = scheduler;
    const owned = scheduler.listOwnTasks().map(({ name }) => name);
    const rssMiB = process.memoryUsage.rss() / 2 ** 20;
    const handles = process.getActiveResourcesInfo().length;
    report({ type: 'status', id: order.id, status: { state, owned, rssMiB, handles } });
  }
});

function blockFor(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

if (scheduler.state !== 'working') {
  const working = scheduler.events$.pipe(filter(({ type }) => type === 'session.working'));
  await firstValueFrom(working, { defaultValue: undefined });
}
report({ type: 'working' });
