import { Worker } from 'node:worker_threads';
import type { WorkerAnswer } from './worker.js';

/** Seeds in one message: enough that the threads do not wait for mail, few enough that both end together. */
const CHUNK = 8;

export type Failure = Extract<WorkerAnswer['outcomes'][number], { violations: unknown }>;

export interface SwarmResult {
  done: number;
  failures: Failure[];
  counts: Map<string, number>;
  starts: number;
  /** Seeds of which a second run left another trace. */
  strayed: number[];
}

/** Many seeds on several threads. */
export class Swarm {
  onFailure: (failure: Failure) => void = () => undefined;
  private readonly result: SwarmResult = { done: 0, failures: [], counts: new Map(), starts: 0, strayed: [] };

  constructor(
    private readonly workers: number,
    private readonly bail: boolean,
  ) {}

  async run(seeds: readonly number[]): Promise<SwarmResult> {
    const waiting = [...seeds];
    await Promise.all(Array.from({ length: this.workers }, () => this.work(waiting)));
    return this.result;
  }

  private work(waiting: number[]): Promise<void> {
    const worker = new Worker(new URL('worker.ts', import.meta.url));
    return new Promise((resolve, reject) => {
      const next = (): void => {
        const stop = waiting.length === 0 || (this.bail && this.result.failures.length > 0);
        if (stop) void worker.terminate().then(() => resolve());
        else worker.postMessage(waiting.splice(0, CHUNK));
      };
      worker.on('error', reject);
      worker.on('message', (answer: WorkerAnswer) => {
        this.take(answer);
        next();
      });
      next();
    });
  }

  private take({ outcomes, counts }: WorkerAnswer): void {
    const { result } = this;
    for (const [what, times] of counts) result.counts.set(what, (result.counts.get(what) ?? 0) + times);
    for (const outcome of outcomes) {
      result.done++;
      result.starts += outcome.starts;
      if (outcome.strayed) result.strayed.push(outcome.seed);
      if (!('violations' in outcome)) continue;
      result.failures.push(outcome);
      if (result.failures.length <= 5) this.onFailure(outcome);
    }
  }
}
