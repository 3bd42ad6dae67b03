let offset = performance.timeOrigin;

/**
 * The wall clock to the microsecond, for planned times are wall clock seconds. `Date.now()` alone is up to a millisecond
 * behind, and the monotonic clock alone drifts away from the wall clock over the life of a process; so the one is
 * counted on from its origin, and held within the millisecond that the other tells.
 */
export function wallClock(): number {
  const monotonic = performance.now();
  const millisecond = Date.now();
  if (monotonic + offset < millisecond) offset = millisecond - monotonic;
  else if (monotonic + offset >= millisecond + 1) offset = millisecond + 0.999 - monotonic;
  return monotonic + offset;
}

export const untilWallClock = (instantMs: number): Promise<void> =>
  new Promise((reached) => setTimeout(reached, Math.max(0, instantMs - wallClock())));
