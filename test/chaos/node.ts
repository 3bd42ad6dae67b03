/** One real process of the chaos suite: a Nest application that reports each start of a handler before it does anything else. */
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { connect } from 'node:net';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedScheduleModule, TaskHandler, type TaskRun } from '../../lib/index.js';

const { NODE_ID, RECORDER_PORT, OPTIONS } = process.env;
const recorder = connect(Number(RECORDER_PORT), '127.0.0.1');
recorder.setNoDelay(true);
recorder.on('error', () => process.exit(3)); // without its witness a node must not run
const tell = (what: object): void => void recorder.write(`${JSON.stringify({ node: NODE_ID, ...what })}\n`);

@Injectable()
class Jobs {
  @TaskHandler()
  async work(run: TaskRun<{ ms?: number } | undefined>): Promise<void> {
    const { task, id, attempt, trigger, fencingToken, tick } = run;
    tell({
      type: 'start',
      task,
      id,
      attempt,
      trigger,
      tick: tick?.getTime(),
      token: String(fencingToken),
      at: Date.now(),
    });
    const ms = run.payload?.ms ?? 0;
    if (ms > 0) await new Promise((end) => setTimeout(end, ms));
    tell({ type: 'end', task, id, attempt });
  }
}

@Module({
  imports: [DistributedScheduleModule.forRoot({ ...(JSON.parse(OPTIONS!) as object), node: { id: NODE_ID! } })],
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
tell({ type: 'ready', pid: process.pid });
