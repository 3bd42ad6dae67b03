/** One start of the `cold` scenario: a process that has done nothing before. Compiled before it is run. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { STARTS } from './cold/starts.js';
import type { ColdJob, Tick } from './cold/started.js';

export interface ColdReport {
  /** In epoch milliseconds, as are the instants of the ticks. */
  readonly readyAt: number;
  /** The first of all that were handled, be it one that nobody was there for in time. */
  readonly firstAt: number;
  /** The first that was due when the scheduler was ready. */
  readonly tick: Tick;
  readonly heapBytes: number;
  readonly residentBytes: number;
}

const [job] = (await once(process, 'message')) as [ColdJob];
const ticks: Tick[] = [];
const { readyAt, leave } = await STARTS[job.contestant]!(job, (tick) => ticks.push(tick));
const due = (): Tick | undefined => ticks.find(({ plannedAt }) => plannedAt >= readyAt);
while (!due()) await sleep(5);
const report: ColdReport = { readyAt, firstAt: ticks[0]!.startedAt, tick: due()!, ...(await quietMemory()) };
process.send!(report);
await once(process, 'message');
await leave();
process.disconnect();

/** When it has settled: some go on reading after they are ready. */
async function quietMemory(): Promise<{ heapBytes: number; residentBytes: number }> {
  for (let before = Infinity; ;) {
    globalThis.gc!();
    const { heapUsed, rss } = process.memoryUsage();
    if (Math.abs(heapUsed - before) < before * 0.01) return { heapBytes: heapUsed, residentBytes: rss };
    before = heapUsed;
    await sleep(500);
  }
}
