import type { Clock, EpochMs } from '../../core/common/clock.js';
import { requireDuration, type Duration } from '../../core/common/duration.js';
import type { Disposable } from '../../core/common/disposable.js';
import { Heap } from '../../core/common/heap.js';

interface Sleeper {
  due: number;
  order: number;
  fn: (() => void) | undefined;
}

/**
 * Time that moves only when told to. Sleepers wake in order of their instant, then of their arrival, and after each one
 * everything it set going comes to rest before time moves on: a day of a cluster passes in moments, the same way each time.
 */
export class VirtualClock implements Clock {
  private readonly sleepers = new Heap<Sleeper>((a, b) => (a.due === b.due ? a.order < b.order : a.due < b.due));
  private elapsed = 0;
  private order = 0;

  constructor(private readonly origin: EpochMs = Date.UTC(2030, 0, 1)) {}

  now(): EpochMs {
    return this.origin + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  setTimer(delayMs: number, fn: () => void): Disposable {
    const sleeper: Sleeper = { due: this.elapsed + Math.max(0, delayMs), order: this.order++, fn };
    this.sleepers.push(sleeper);
    return { dispose: () => (sleeper.fn = undefined) };
  }

  /** Moves time forward, waking everyone on the way. */
  async advance(by: Duration): Promise<void> {
    const target = this.elapsed + requireDuration(by, 'advance');
    await rest();
    for (let next = this.sleepers.peek(); next && next.due <= target; next = this.sleepers.peek()) {
      this.sleepers.pop();
      if (!next.fn) continue;
      this.elapsed = Math.max(this.elapsed, next.due);
      next.fn();
      await rest();
    }
    this.elapsed = target;
  }

  /** Moves time forward until the fact holds. @throws Error when it still does not after `limit` */
  async advanceUntil(fact: () => boolean, limit: Duration = '5m', step: Duration = 10): Promise<void> {
    const until = this.elapsed + requireDuration(limit, 'limit');
    while (!fact()) {
      if (this.elapsed >= until) throw new Error(`What was waited for did not happen within ${limit} of virtual time`);
      await this.advance(step);
    }
  }

  /** How many are waiting for time to pass. */
  get pending(): number {
    let count = 0;
    this.sleepers.forEach((sleeper) => (count += sleeper.fn ? 1 : 0));
    return count;
  }
}

/** Resolves when no promise is left that can go on by itself. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
