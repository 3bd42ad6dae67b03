/** One process of a contestant in `fire`, `spread`, `calls` and `through`. */
import { on } from 'node:events';
import { untilWallClock } from './load/clock.js';
import type { Load } from './load/contestant.js';
import { CONTESTANTS } from './load/contestants.js';
import { Ledger, type Window } from './load/ledger.js';
import {
  COUNTED_AHEAD_MS,
  GRACE_MS,
  type LoadAnswer,
  type LoadJob,
  type LoadOrder,
  type LoadReport,
} from './load/protocol.js';
import { callsSince, NO_CALLS, type CallCounts } from './registries/counted.js';

let ledger: Ledger | undefined;

async function work({ contestant: id, ...load }: LoadJob, orders: AsyncIterable<unknown[]>): Promise<void> {
  const contestant = await CONTESTANTS[id]();
  const member = await contestant.join(load, (task, planned) => ledger?.started(task, planned));
  answer('ready');
  for await (const [order] of orders as AsyncIterable<[LoadOrder]>) {
    if ('addTasks' in order) {
      await member.addTasks();
      answer('added');
    } else answer(await measure(order.measure, load, member.calls));
  }
}

async function measure(window: Window, { tasks, pace }: Load, calls: CallCounts = NO_CALLS): Promise<LoadReport> {
  ledger = new Ledger(tasks, pace, window);
  await untilWallClock(window.startMs - COUNTED_AHEAD_MS);
  const [cpuBefore, callsBefore] = [process.cpuUsage(), { ...calls }];
  await untilWallClock(window.endMs - COUNTED_AHEAD_MS);
  const cpu = process.cpuUsage(cpuBefore);
  const made = callsSince(calls, callsBefore);
  const rssBytes = process.memoryUsage.rss();
  await untilWallClock(window.endMs + GRACE_MS);
  return { ledger: ledger.pack(), cpuMicros: cpu.user + cpu.system, rssBytes, calls: made };
}

const answer = (message: LoadAnswer): void => void process.send!(message);

process.once('disconnect', () => process.exit(1)); // the bench has died
const orders = on(process, 'message');
const { value: first } = (await orders.next()) as { value: [LoadJob] };
await work(first[0], orders);
