import type { Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import type { RunAbort } from './run-abort.js';
import { WaitingLine } from './waiting-line.js';

/**
 * How many runs this node does at once. A slot is taken before a tick is claimed, so a full node claims nothing and
 * others may. Whoever waits is woken by priority and by how long it has waited.
 */
export class Slots {
  private taken = 0;
  private readonly line: WaitingLine;

  constructor(
    private limit: number,
    clock: Pick<Clock, 'monotonic'>,
  ) {
    this.line = new WaitingLine(clock);
  }

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

  /**
   * Calls `wake` once, when a slot is free; it still has to take it.
   * @param since when it began to wait, in monotonic milliseconds: who comes back in vain keeps its place
   */
  whenFree(priority: number, wake: () => void, since?: number): Disposable {
    return this.line.join(priority, wake, since);
  }

  /** Waits for a slot and takes it. @returns whether it did: `false` once `abort` says so */
  take(priority: number, abort?: RunAbort, since?: number): Promise<boolean> {
    return new Promise((resolve) => {
      let waiting: Disposable | undefined;
      let listening: Disposable | undefined;
      let isOver = false;
      const end = (taken: boolean): void => {
        isOver = true;
        waiting?.dispose();
        listening?.dispose();
        resolve(taken);
      };
      const attempt = (): void => {
        if (this.tryTake()) end(true);
        else waiting = this.whenFree(priority, attempt, since);
      };
      if (abort?.aborted) return end(false);
      attempt();
      if (!isOver) listening = abort?.onAbort(() => end(false));
    });
  }

  /** A lower limit lets the runs beyond it end by themselves. */
  setLimit(limit: number): void {
    this.limit = limit;
    this.wakeWaiters();
  }

  private wakeWaiters(): void {
    while (this.taken < this.limit && this.line.wakeNext());
  }
}
