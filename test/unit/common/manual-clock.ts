import type { Clock } from '../../../lib/core/common/clock.js';

/** A clock that a test moves by hand. */
export class ManualClock implements Clock {
  private time = 0;
  private readonly timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  setTimer(delayMs: number, fn: () => void): { dispose(): void } {
    const timer = { at: this.time + delayMs, fn };
    this.timers.add(timer);
    return { dispose: () => void this.timers.delete(timer) };
  }

  get armed(): number {
    return this.timers.size;
  }

  async advance(ms: number): Promise<void> {
    this.time += ms;
    for (const timer of [...this.timers].filter(({ at }) => at <= this.time)) {
      this.timers.delete(timer);
      timer.fn();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
