/** What the library has as constants of its own; the simulation shows when one of them changes. */

/** Documents in a page of a list. */
export const PAGE = 1_000;
/** Writes in one commit. */
export const WRITES_PER_COMMIT = 500;
/** Records that a node's feed keeps. */
export const DEFAULT_HISTORY = 20;
/** Units that a node reads at a time. */
export const READS_IN_FLIGHT = 1_500;
