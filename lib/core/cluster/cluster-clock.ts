import type { Clock, EpochMs } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';

/** An offset beyond this is shown, and degrades health. */
export const NOTABLE_OFFSET_MS = 500;
const SAMPLES = 8;
/** How far two clocks may drift apart between two measurements. */
const DRIFT_MS = 5;

/**
 * Wall time as the registry tells it, where it tells any: a node whose own clock is ahead starts nothing early. Safety
 * never rests on it. Of the last measurements the one with the shortest round trip is believed.
 */
export class ClusterClock implements Clock {
  private readonly samples: { offsetMs: number; roundTripMs: number }[] = [];
  private offset = 0;

  constructor(private readonly base: Clock) {}

  /** Registry time minus the machine's, in milliseconds. */
  get offsetMs(): number {
    return this.offset;
  }

  now(): EpochMs {
    return Math.floor(this.base.now() + this.offset);
  }

  monotonic(): number {
    return this.base.monotonic();
  }

  setTimer(delayMs: number, fn: () => void): Disposable {
    return this.base.setTimer(delayMs, fn);
  }

  /** Asks the registry for its time; a failure leaves the offset as it is. */
  async measure(serverTime: () => Promise<EpochMs>): Promise<void> {
    const sent = this.base.monotonic();
    const server = await serverTime();
    const roundTripMs = this.base.monotonic() - sent;
    // held against the wall clock as it is now: it may have been stepped while the answer was under way
    this.add({ offsetMs: server + roundTripMs / 2 - this.base.now(), roundTripMs });
  }

  private add(sample: { offsetMs: number; roundTripMs: number }): void {
    const known = this.samples.at(-1);
    const explained = known && (sample.roundTripMs + known.roundTripMs) / 2 + DRIFT_MS;
    if (known && Math.abs(sample.offsetMs - known.offsetMs) > explained!) this.samples.length = 0; // a clock was stepped
    this.samples.push(sample);
    if (this.samples.length > SAMPLES) this.samples.shift();
    const best = this.samples.reduce((a, b) => (b.roundTripMs <= a.roundTripMs ? b : a));
    // What the round trip may explain is no offset: machines with good clocks are left alone.
    this.offset = Math.abs(best.offsetMs) <= best.roundTripMs / 2 + 1 ? 0 : best.offsetMs;
  }
}
