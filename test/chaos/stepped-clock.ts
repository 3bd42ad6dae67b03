/**
 * Imported before anything else, this gives the process a wall clock that can be stepped, as an operator or NTP steps
 * it: `Date` alone is shifted, timers and `performance.now` go on as they were.
 */
const Machine = Date;
let shiftMs = 0;

class SteppedDate extends Machine {
  constructor(...given: []) {
    if (given.length === 0) super(Machine.now() + shiftMs);
    else super(...given);
  }

  static override now(): number {
    return Machine.now() + shiftMs;
  }
}
globalThis.Date = SteppedDate as DateConstructor;

/** From now on the clock is so far off the machine's. */
export function stepClock(offMs: number): void {
  shiftMs = offMs;
}
