/**
 * Time for suites that run against real servers. A wait always looks at a fact; only the pauses between two looks, and
 * the bound after which the fact is given up, are time.
 */
export const elapsedMs = (): number => performance.now();

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks until `look` returns something other than undefined and false, and returns that. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T> | T,
  withinMs = 10_000,
): Promise<NonNullable<T>> {
  const started = elapsedMs();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (elapsedMs() - started > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(10);
  }
}

/** How long the promise took, or an error when it takes longer than the bound. */
export async function timed(what: string, promise: Promise<unknown>, withinMs: number): Promise<number> {
  const started = elapsedMs();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${withinMs} ms: ${what}`)), withinMs);
  });
  try {
    await Promise.race([promise, tooLate]);
    return elapsedMs() - started;
  } finally {
    clearTimeout(timer);
  }
}
