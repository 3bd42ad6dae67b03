/** Seeds that failed once, each with what it found. They run first, and never leave this list. */
export const KNOWN_SEEDS: readonly number[] = [];
