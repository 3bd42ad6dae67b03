import { LONGEST_TIMER_MS, type Clock, type EpochMs } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { Heap } from '../common/heap.js';
import type { RunAbort } from '../execution/run-abort.js';
import { turnOf } from '../execution/waiting-line.js';

interface Appointment {
  at: EpochMs;
  order: number;
  priority: number;
  fn: (() => void) | undefined;
}

const MANY_CANCELLED = 1_000;

/**
 * Everything that is to happen at an instant, in one heap behind one timer. The timer is set again at least every
 * minute toward the absolute instant, so a step of the clock, a sleeping machine or a date in ten years fires nothing
 * early and forgets nothing.
 */
export class Timeline {
  private readonly heap = new Heap<Appointment>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  private order = 0;
  private cancelled = 0;
  private timer?: Disposable;
  private timerAt: EpochMs = Infinity;
  /** When the timer fires, in monotonic time. */
  private timerDue = Infinity;
  private stopped = false;

  constructor(private readonly clock: Clock) {}

  /** Calls `fn` once, when the clock shows `at` or later. Of what is due together the more urgent comes first. */
  at(at: EpochMs, fn: () => void, priority = 0): Disposable {
    const appointment: Appointment = { at, order: this.order++, priority, fn };
    this.heap.push(appointment);
    if (at < this.timerAt) this.arm();
    return { dispose: () => this.cancel(appointment) };
  }

  /** Resolves when the clock shows `at` or later, or as soon as `abort` says so. */
  async until(at: EpochMs, abort: RunAbort): Promise<void> {
    if (abort.aborted) return;
    await new Promise<void>((resolve) => {
      const appointment = this.at(at, resolve);
      abort.onAbort(() => {
        appointment.dispose();
        resolve();
      });
    });
  }

  /** The clock was looked at: should it have been stepped since the timer was set, the timer would come late. */
  rearm(): void {
    const fires = this.clock.now() + (this.timerDue - this.clock.monotonic());
    if (fires > this.timerAt + 1) this.arm();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.dispose();
    this.heap.clear();
  }

  /** Cancelled appointments wait in the heap for their instant; when they are the most, the heap is made anew. */
  private cancel(appointment: Appointment): void {
    if (!appointment.fn) return;
    appointment.fn = undefined;
    if (++this.cancelled < MANY_CANCELLED || this.cancelled * 2 < this.heap.size) return;
    const kept: Appointment[] = [];
    this.heap.forEach((item) => item.fn && kept.push(item));
    this.heap.clear();
    for (const item of kept) this.heap.push(item);
    this.cancelled = 0;
  }

  private arm(): void {
    this.timer?.dispose();
    let top = this.heap.peek();
    while (top && !top.fn) {
      this.heap.pop();
      top = this.heap.peek();
    }
    this.timerAt = top?.at ?? Infinity;
    if (!top || this.stopped) return;
    const delay = Math.min(Math.max(Math.ceil(top.at - this.clock.now()), 0), LONGEST_TIMER_MS);
    this.timerDue = this.clock.monotonic() + delay;
    this.timer = this.clock.setTimer(delay, () => this.fire());
  }

  private fire(): void {
    const now = this.clock.now();
    this.timerAt = -Infinity; // what is put in while this runs arms nothing: that is done below
    for (let due = this.takeDue(now); due.length > 0; due = this.takeDue(now)) {
      for (const appointment of due) {
        const { fn } = appointment;
        appointment.fn = undefined;
        fn?.();
      }
    }
    this.arm();
  }

  /** In the order of their instants or, where priorities differ, as in a line for something scarce. */
  private takeDue(now: EpochMs): Appointment[] {
    const due: Appointment[] = [];
    let differ = false;
    for (let top = this.heap.peek(); top && top.at <= now; top = this.heap.peek()) {
      due.push(this.heap.pop()!);
      differ ||= top.priority !== due[0]!.priority;
    }
    return differ ? due.sort((a, b) => turnOf(a.at, a.priority) - turnOf(b.at, b.priority)) : due;
  }
}
