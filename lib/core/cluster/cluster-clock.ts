import type { Clock, EpochMs } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';

/** An offset beyond this is shown, and degrades health. */
export const NOTABLE_OFFSET_MS = 500;
/** Wall time that gains more than this on the monotonic clock since it was measured was stepped, or the machine suspended. */
const STEP_FORTH_MS = 250;
/** Leap seconds are no steps: a clock that takes one in goes on, as does what rests on it. */
const STEP_BACK_MS = 1_500;
/** How far two clocks may drift apart between two measurements. */
const DRIFT_MS = 5;

/**
 * Wall time as the registry tells it, where it tells any: a node whose own clock is ahead starts nothing early. Safety
 * never rests on it. A measurement tells between which bounds the offset must be, and each narrows what the ones before
 * left open: so a store that tells whole seconds is good for far less than one.
 *
 * A step of the machine's clock is believed by nobody before it is measured: until then time goes on from the last
 * measurement as the monotonic clock has it. So no instant of a wrong clock is written, or judged by.
 */
export class ClusterClock implements Clock {
  private bounds = { from: -Infinity, to: Infinity };
  /** Wall minus monotonic time at the last measurement. */
  private wallAheadMs: number | undefined;
  private offset = 0;

  constructor(private readonly base: Clock) {}

  /** Registry time minus the machine's, in milliseconds. */
  get offsetMs(): number {
    return this.offset;
  }

  now(): EpochMs {
    return Math.floor(this.base.now() - this.stepMs() + this.offset);
  }

  /** Whether it was never measured, or has been stepped since: nobody knows by how much it is wrong. */
  get isInDoubt(): boolean {
    return this.wallAheadMs === undefined || this.stepMs() !== 0;
  }

  monotonic(): number {
    return this.base.monotonic();
  }

  setTimer(delayMs: number, fn: () => void): Disposable {
    return this.base.setTimer(delayMs, fn);
  }

  /**
   * Asks the registry for its time; a failure leaves the offset as it is.
   *
   * @param resolutionMs the true time is at most so much later than what the registry tells
   */
  async measure(serverTime: () => Promise<EpochMs>, resolutionMs: number): Promise<void> {
    const sent = this.base.monotonic();
    const server = await serverTime();
    const roundTripMs = this.base.monotonic() - sent;
    // Held against the wall clock as it is now: it may have been stepped while the answer was under way.
    const from = server - this.base.now();
    this.moveBounds(this.base.now() - this.base.monotonic());
    this.narrow({ from, to: from + resolutionMs + roundTripMs });
  }

  /** How far the wall clock was stepped since the last measurement. */
  private stepMs(): number {
    if (this.wallAheadMs === undefined) return 0; // nobody tells the time: that of the machine is all there is
    const stepMs = this.base.now() - this.base.monotonic() - this.wallAheadMs;
    return isStep(stepMs) ? stepMs : 0;
  }

  /** A step of the wall clock moves what was known: from the monotonic clock it is seen exactly. */
  private moveBounds(wallAheadMs: number): void {
    const steppedMs = wallAheadMs - (this.wallAheadMs ?? wallAheadMs);
    this.wallAheadMs = wallAheadMs;
    this.bounds = { from: this.bounds.from - steppedMs, to: this.bounds.to - steppedMs };
  }

  private narrow({ from, to }: { from: number; to: number }): void {
    const known = this.bounds;
    const both = { from: Math.max(from, known.from - DRIFT_MS), to: Math.min(to, known.to + DRIFT_MS) };
    this.bounds = both.from <= both.to ? both : { from, to }; // nothing in common: the registry's clock was stepped
    // Where none would explain it there is none: machines with good clocks are left alone.
    const isExplained = this.bounds.from - 1 <= 0 && this.bounds.to + 1 >= 0;
    this.offset = isExplained ? 0 : (this.bounds.from + this.bounds.to) / 2;
  }
}

/** Whether wall time that has gained so much on the monotonic clock since it was measured is not to be believed. */
export function isStep(gainedMs: number): boolean {
  return gainedMs >= STEP_FORTH_MS || gainedMs <= -STEP_BACK_MS;
}
