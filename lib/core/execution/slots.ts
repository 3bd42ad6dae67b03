import type { Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { Heap } from '../common/heap.js';
import type { RunAbort } from './run-abort.js';

interface Waiter {
  /** When it came, set forward by what its priority is worth. */
  turn: number;
  order: number;
  wake: () => void;
}

/**
 * A priority one higher is worth this much waiting: who is passed by for longer goes first, so that a steady stream of
 * urgent tasks does not starve the others.
 */
export const AGEING_MS = 30_000;

/**
 * How many runs this node does at once. A slot is taken before a tick is claimed, so a full node claims nothing and
 * others may. Whoever waits is woken by priority and by how long it has waited.
 */
export class Slots {
  private taken = 0;
  private arrivals = 0;
  private readonly waiters = new Heap<Waiter>((a, b) => (a.turn === b.turn ? a.order < b.order : a.turn < b.turn));

  constructor(
    private limit: number,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {}

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
    const turn = this.clock.monotonic() - priority * AGEING_MS;
    const waiter: Waiter = { turn, order: this.arrivals++, wake };
    this.waiters.push(waiter);
    return { dispose: () => (waiter.wake = () => undefined) };
  }

  /** Waits for a slot and takes it. @returns whether it did: `false` once `abort` says so */
  take(priority: number, abort?: RunAbort): Promise<boolean> {
    return new Promise((resolve) => {
      let waiting: Disposable | undefined;
      let listening: Disposable | undefined;
      const end = (taken: boolean): void => {
        waiting?.dispose();
        listening?.dispose();
        resolve(taken);
      };
      const attempt = (): void => {
        if (this.tryTake()) end(true);
        else waiting = this.whenFree(priority, attempt);
      };
      if (abort?.aborted) return end(false);
      attempt();
      listening = abort?.onAbort(() => end(false));
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
