import type { BenchClient } from './client.js';
import type { Figures } from './measure.js';
import { quantile } from '../common/statistics.js';

const LOST_AFTER_MS = 10_000;
const BATCH = 500;
/** Of these documents one after the other is changed. */
const CHANGED = 100;
const FILLER = 'x'.repeat(290);

/** From the moment one client sends a write until another one's listener has it. */
export class WatchPair {
  private readonly awaited = new Map<string, () => void>();
  private written = 0;

  constructor(
    readonly name: string,
    private readonly writer: BenchClient,
    private readonly watcher: BenchClient,
  ) {}

  /** @param documents how many stand under the watched prefix: some stores send all of them for each change */
  async prepare(documents: number): Promise<void> {
    const keys = Array.from({ length: documents }, (_, i) => keyOf(i));
    for (let at = 0; at < documents; at += BATCH) {
      const batch = keys.slice(at, at + BATCH);
      await this.writer.claimAll(batch.map((key) => ({ key, value: FILLER, revision: undefined })));
    }
    await this.watcher.watch('tasks/', (value) => this.awaited.get(value)?.());
  }

  /** @param pauseMs from the moment a change was seen to the next one, more or less */
  async changes(count: number, pauseMs: number): Promise<Figures> {
    const latencies: number[] = [];
    for (let i = 0; i < count; i++) {
      await new Promise((paused) => setTimeout(paused, pauseMs * (0.5 + Math.random())));
      latencies.push(await this.change());
    }
    return { 'p50 ms': quantile(latencies, 0.5), 'p99 ms': quantile(latencies, 0.99) };
  }

  private async change(): Promise<number> {
    const value = `${FILLER}${++this.written}`;
    const seen = new Promise<number>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${this.name}: a change was not seen`)), LOST_AFTER_MS);
      this.awaited.set(value, () => {
        resolve(performance.now());
        clearTimeout(late);
      });
    });
    const sent = performance.now();
    const [at] = await Promise.all([seen, this.writer.put(keyOf(this.written % CHANGED), value)]);
    this.awaited.delete(value);
    return at - sent;
  }
}

const keyOf = (i: number): string => `tasks/task-${i}`;
