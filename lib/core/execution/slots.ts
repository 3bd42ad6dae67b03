import type { Disposable } from '../common/disposable.js';
import { Heap } from '../common/heap.js';

interface Waiter {
  priority: number;
  order: number;
  wake: () => void;
}

/**
 * How many runs this node does at once. A slot is taken before a tick is claimed, so a full node claims nothing and
 * others may. Whoever waits is woken by priority, then in order of arrival.
 */
export class Slots {
  private taken = 0;
  private arrivals = 0;
  private readonly waiters = new Heap<Waiter>((a, b) =>
    a.priority === b.priority ? a.order < b.order : a.priority > b.priority,
  );

  constructor(private limit: number) {}

  get used(): number {
    return this.taken;
  }

  get size(): number {
    return this.limit;
  }

  tryTake(): boolean {
    if (this.taken >= this.limit) return false;
    this.taken++;
    return true;
  }

  give(): void {
    this.taken--;
    this.wakeWaiters();
  }

  /** Calls `wake` once, when a slot is free; it still has to take it. */
  whenFree(priority: number, wake: () => void): Disposable {
    const waiter: Waiter = { priority, order: this.arrivals++, wake };
    this.waiters.push(waiter);
    return { dispose: () => (waiter.wake = () => undefined) };
  }

  /** Waits for a slot and takes it. */
  take(priority: number): Promise<void> {
    return new Promise((resolve) => {
      const attempt = (): void => {
        if (this.tryTake()) resolve();
        else this.whenFree(priority, attempt);
      };
      attempt();
    });
  }

  /** A lower limit lets the runs beyond it end by themselves. */
  setLimit(limit: number): void {
    this.limit = limit;
    this.wakeWaiters();
  }

  private wakeWaiters(): void {
    while (this.taken < this.limit && this.waiters.size > 0) this.waiters.pop()!.wake();
  }
}
