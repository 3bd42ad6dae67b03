import type { Clock, EpochMs } from '../../../lib/core/common/clock.js';
import type { Disposable } from '../../../lib/core/common/disposable.js';

/** Node keeps timer delays in 31 bits and turns longer ones into 1 ms. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** More are a loop of which no test would come back. */
const MOST_TIMERS = 10_000_000;

interface Alarm {
  due: number;
  fn: () => void;
}

/** A clock for one timer at a time, with nothing around it: ten years of it pass in a second. */
export class PlainClock implements Clock {
  /** How many timers were set. */
  set = 0;
  longestMs = 0;
  /** What the wall clock shows beside true time, which began at 0. */
  curve: (elapsedMs: number) => number = () => 0;
  private elapsed = 0;
  private alarm: Alarm | undefined;

  constructor(private readonly origin: EpochMs) {}

  now(): EpochMs {
    return this.shownAt(this.elapsed);
  }

  /** What it shows when so much time has passed. */
  shownAt(elapsedMs: number): EpochMs {
    return this.origin + elapsedMs + this.curve(elapsedMs);
  }

  monotonic(): number {
    return this.elapsed;
  }

  setTimer(delayMs: number, fn: () => void): Disposable {
    if (this.alarm) throw new Error('there is a timer already');
    if (++this.set > MOST_TIMERS) throw new Error(`more than ${MOST_TIMERS} timers are set`);
    this.longestMs = Math.max(this.longestMs, delayMs);
    const alarm = { due: this.elapsed + (delayMs > LONGEST_DELAY_MS ? 1 : delayMs), fn };
    this.alarm = alarm;
    return { dispose: () => void (this.alarm === alarm && delete this.alarm) };
  }

  /** Lets time pass until then, or until no timer is set. */
  pass(untilMs: number): void {
    for (let { alarm } = this; alarm && alarm.due <= untilMs; { alarm } = this) {
      this.elapsed = Math.max(this.elapsed, alarm.due);
      delete this.alarm;
      alarm.fn();
    }
    this.elapsed = Math.max(this.elapsed, untilMs);
  }
}
