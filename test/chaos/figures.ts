import type { LogEntry } from '../../lib/testing/checker/log.js';
import { Takeovers } from './takeovers.js';

/** So long after the last fault its traces are gone: sessions have ended, nodes are back. */
const CALM_AFTER_MS = 15_000;

/** What a run of the suite amounts to, counted along the log. */
export class Figures {
  readonly takeovers = new Takeovers();
  /** Ticks that started, each counted once. */
  ticks = 0;
  /** Calls of handlers, further attempts included. */
  starts = 0;
  /** How late ticks started while nothing was wrong. */
  readonly calmLateness: number[] = [];
  readonly faults = new Map<string, number>();
  readonly asks = new Map<string, number>();
  private readonly going = new Set<string>();
  private lastFaultAt = -Infinity;

  get faultCount(): number {
    return [...this.faults.values()].reduce((sum, count) => sum + count, 0);
  }

  take(entry: LogEntry): void {
    this.takeovers.take(entry);
    if (entry.type === 'fault' || entry.type === 'heal') {
      const what = `${entry.what} ${entry.process}`;
      if (entry.type === 'heal') this.going.delete(what);
      else this.faults.set(entry.what, (this.faults.get(entry.what) ?? 0) + 1);
      if (entry.type === 'fault' && entry.what !== 'kill' && entry.what !== 'sigterm') this.going.add(what);
      this.lastFaultAt = entry.at;
    }
    if (entry.type === 'ask') this.asks.set(entry.what, (this.asks.get(entry.what) ?? 0) + 1);
    if (entry.type !== 'start') return;
    this.starts++;
    if (entry.tick === undefined || entry.attempt > 1) return;
    this.ticks++;
    const isCalm = this.going.size === 0 && entry.at > this.lastFaultAt + CALM_AFTER_MS;
    if (isCalm && entry.trigger === 'schedule') this.calmLateness.push(entry.at - entry.tick);
  }

  /** For people, a few lines. */
  describe(): string[] {
    const { byStandby, byNextOwner } = this.takeovers;
    return [
      `ticks started ${this.ticks}, handler calls ${this.starts}`,
      `faults ${this.faultCount}: ${counts(this.faults)}`,
      ...(this.asks.size > 0 ? [`changes of tasks: ${counts(this.asks)}`] : []),
      `start of a tick in calm: ${quantiles(this.calmLateness)} late`,
      ...(this.faults.has('kill')
        ? [
            `takeover after kill -9, by the standby (ticks 30 s apart): ${quantiles(byStandby)} late`,
            `takeover after kill -9, by the next owner (ticks each second): goes on after ${quantiles(byNextOwner)}`,
          ]
        : []),
    ];
  }
}

/** `kill 3, freeze 2`, the most frequent first. */
export function counts(of: Iterable<[string, number]>): string {
  const sorted = [...of].sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

/** `p50 12 ms, p99 40 ms, max 61 ms of 200`, for people. */
export function quantiles(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p: number): string =>
    `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]!)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} of ${sorted.length}`;
}
