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
const AGEING_MS = 30_000;

/** Who came at `since` goes before those with a later turn. */
export function turnOf(since: number, priority: number): number {
  return since - priority * AGEING_MS;
}

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
    const waiter: Waiter = { turn: turnOf(since, priority), order: this.arrivals++, wake };
    this.waiters.push(waiter);
    return { dispose: () => (waiter.wake = undefined) };
  }

  /** Whether somebody waits who goes before one that came at `since`. */
  precedes(priority: number, since = this.clock.monotonic()): boolean {
    const first = this.first();
    return first !== undefined && first.turn < turnOf(since, priority);
  }

  get isEmpty(): boolean {
    return this.first() === undefined;
  }

  private first(): Waiter | undefined {
    while (this.waiters.size > 0 && !this.waiters.peek()!.wake) this.waiters.pop();
    return this.waiters.peek();
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
