/**
 * Seeds that failed once, by what they found. They run first, and never leave this list. A change of the code may draw
 * other things from them: what they found is told again, as tests of its own, in `test/cluster/found.spec.ts`.
 */
const FOUND: Record<string, readonly number[]> = {
  'a registry restored from older data': [35, 40, 45, 55, 101, 132, 133, 165, 712, 1293, 1804, 1843, 1969, 3713],
  'claims decided by a clock that had just been stepped': [255, 374, 3407],
  'a timer led astray by a step forth and back': [5143],
  'a further attempt that started after a freeze, when the run had been taken over': [21],
  'units left over by a task made anew, or written back': [491, 203, 638, 1683, 11108],
  'a watch left open by a node that stopped while it joined': [213, 401],
  'an orphan of a completed task': [588],
  'a claim that went through unheard while the clock was in doubt': [256, 1929],
  'a run that a request sent twice brings back after a loss of data': [1570],
  'a record of a node written under a session that was over': [1256],
  'a schedule asked for before its task was completed': [1913],
  'an attempt that was given the number of one under way elsewhere': [58],
  'an attempt begun after its deadline, by a node that came late to it': [134, 1713],
  'a run that waited in a backup for an attempt which it had had': [545],
  'a run whose next attempt was due while its node was cut off, given up as cancelled': [1060, 1168, 1234, 1287],
  'a claim decided late by a node that was leaving': [1312],
};

export const KNOWN_SEEDS: readonly number[] = Object.values(FOUND).flat();
