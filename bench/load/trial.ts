import { BenchProcess } from '../common/bench-process.js';
import { quantile } from '../common/statistics.js';
import type { CallCounts } from '../registries/counted.js';
import type { Address } from '../registries/stores.js';
import { untilWallClock, wallClock } from './clock.js';
import type { Contestant } from './contestant.js';
import { CONTESTANTS, type Entry } from './contestants.js';
import { Ledger, type Window } from './ledger.js';
import type { Pace } from './pace.js';
import { COUNTED_AHEAD_MS, type LoadAnswer, type LoadJob, type LoadReport } from './protocol.js';
import { served, servedSince, withStore, type Served } from './store.js';

export interface Trial extends Entry {
  readonly tasks: number;
  readonly pace: Pace;
  readonly seconds: number;
  /** From when all tasks are added until the first tick that counts. */
  readonly settleSeconds: number;
}

export interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly planned: number;
  readonly started: number;
  readonly missed: number;
  readonly doubled: number;
  readonly cpuMicros: number;
  /** Of the largest process. */
  readonly rssBytes: number;
  readonly served: Served;
  /** Of each process, where the registry is one of ours. */
  readonly calls: readonly CallCounts[];
}

/** Adding the tasks takes some contestants a while; who needs longer than this has failed. */
const LIMIT_MS = 120_000;

const WORKER = new URL('../load-worker.ts', import.meta.url);

/** One contestant in fresh processes on a fresh store. */
export async function run(trial: Trial): Promise<Figures> {
  const contestant = await CONTESTANTS[trial.id]();
  return withStore(contestant.store, async (address) => {
    const { id, tasks, pace, processes: count, seconds } = trial;
    const job: LoadJob = { contestant: id, tasks, pace, address: { host: address.host, port: address.port } };
    const processes: BenchProcess<LoadAnswer>[] = [];
    const limit = setTimeout(() => processes.forEach((process) => process.kill()), LIMIT_MS + seconds * 1_000);
    try {
      await start(processes, job, count);
      await answers(contestant.shares ? processes.slice(0, 1) : processes, { addTasks: true });
      const window = windowAfter(trial);
      const [reports, byServer] = await Promise.all([
        answers<LoadReport>(processes, { measure: window }),
        servedWithin(window, contestant, address),
      ]);
      return figuresOf(trial, window, reports, byServer);
    } finally {
      clearTimeout(limit);
      for (const process of processes) process.kill();
    }
  });
}

/** The first one alone: some make their tables when they start, and cannot do that twice at a time. */
async function start(processes: BenchProcess<LoadAnswer>[], job: LoadJob, count: number): Promise<void> {
  for (const upTo of [1, count]) {
    const before = processes.length;
    while (processes.length < upTo) processes.push(new BenchProcess(WORKER, job));
    await Promise.all(processes.slice(before).map((process) => process.report()));
  }
}

function answers<Answer extends LoadAnswer>(
  processes: readonly BenchProcess<LoadAnswer>[],
  order: object,
): Promise<Answer[]> {
  for (const process of processes) process.tell(order);
  return Promise.all(processes.map((process) => process.report() as Promise<Answer>));
}

/** On whole seconds. */
function windowAfter({ settleSeconds, seconds }: Trial): Window {
  const startMs = Math.ceil(wallClock() / 1_000 + settleSeconds) * 1_000;
  return { startMs, endMs: startMs + seconds * 1_000 };
}

async function servedWithin({ startMs, endMs }: Window, { store }: Contestant, address: Address): Promise<Served> {
  await untilWallClock(startMs - COUNTED_AHEAD_MS);
  const before = await served(store, address);
  await untilWallClock(endMs - COUNTED_AHEAD_MS);
  return servedSince(await served(store, address), before);
}

function figuresOf({ tasks, pace }: Trial, window: Window, reports: readonly LoadReport[], byServer: Served): Figures {
  const ledger = new Ledger(tasks, pace, window);
  for (const report of reports) ledger.add(report.ledger);
  const lateness = ledger.latenesses();
  return {
    p50: quantile(lateness, 0.5),
    p99: quantile(lateness, 0.99),
    max: quantile(lateness, 1),
    planned: ledger.planned(),
    started: lateness.length,
    ...ledger.faults(),
    cpuMicros: reports.reduce((total, { cpuMicros }) => total + cpuMicros, 0),
    rssBytes: Math.max(...reports.map(({ rssBytes }) => rssBytes)),
    served: byServer,
    calls: reports.map(({ calls }) => calls),
  };
}
