/**
 * Seeds that failed once, by what they found. They run first, and never leave this list. A change of the code draws other
 * numbers from them; what they found is also told, as a test of its own, in `test/cluster/found.spec.ts`.
 */
export const KNOWN_SEEDS: readonly number[] = [
  35,
  40,
  45,
  55,
  101,
  132,
  133,
  165,
  712,
  1293,
  1804,
  1843,
  1969,
  3713, // a registry restored from older data
  255,
  374,
  3407, // claims decided by a clock that had just been stepped
  5143, // a timer led astray by a step forth and back
  21,
  345, // a further attempt that started after a freeze, when the run had been taken over
  203,
  638,
  1683,
  11108, // units left over by a task made anew
  213,
  401, // a watch left open by a node that stopped while it joined
  588, // an orphan of a completed task
];
