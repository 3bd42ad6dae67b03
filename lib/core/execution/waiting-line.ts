import type { Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { Heap } from '../common/heap.js';

interface Waiter {
  /** When it came, set forward by what its priority is worth. */
  turn: number;
  order: number;
  wake: (() => void) | undefined;
}

/**
 * A priority one higher is worth this much waiting: who is passed by for longer goes first, so that a steady stream of
 * urgent tasks does not starve the others.
 */
export const AGEING_MS = 30_000;

/** Who waits for something scarce, in the order of priority and of how long it has waited. */
export class WaitingLine {
  private arrivals = 0;
  private readonly waiters = new Heap<Waiter>((a, b) => (a.turn === b.turn ? a.order < b.order : a.turn < b.turn));

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {}

  /**
   * Calls `wake` once, when it is its turn.
   * @param since when it began to wait: who was woken in vain and comes back keeps its age
   */
  join(priority: number, wake: () => void, since = this.clock.monotonic()): Disposable {
    const turn = since - priority * AGEING_MS;
    const waiter: Waiter = { turn, order: this.arrivals++, wake };
    this.waiters.push(waiter);
    return { dispose: () => (waiter.wake = undefined) };
  }

  /** Wakes whose turn it is. @returns whether there was anybody */
  wakeNext(): boolean {
    while (this.waiters.size > 0) {
      const { wake } = this.waiters.pop()!;
      if (!wake) continue;
      wake();
      return true;
    }
    return false;
  }
}
