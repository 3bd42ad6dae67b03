import type { EpochMs } from '../common/clock.js';
import type { RunOutcome } from '../common/run.js';
import type { KnownTask } from '../task/catalog.js';

/** The part of a unit that matters here. */
interface FailingUnit {
  failures?: Failures;
  runs: readonly unknown[];
}

/** Runs of a unit that failed one after another, without a success since. */
export interface Failures {
  /** Counted since the task last began anew: a resume or another schedule is a new chance. */
  since: EpochMs;
  count: number;
  /** When the circuit was opened, last. */
  openedAt?: EpochMs;
}

/**
 * ```
 *   closed ──threshold failures in a row──▶ open ──halfOpenAfter──▶ half-open ──the probe succeeds──▶ closed
 *                                             ▲                        └──────── the probe fails ──▶ open
 * ```
 */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** The failures after a run has ended so. What was cancelled says nothing about the task. */
export function failuresAfter(
  before: Failures | undefined,
  { doc, policies }: Pick<KnownTask, 'doc' | 'policies'>,
  outcome: RunOutcome,
  at: EpochMs,
): Failures | undefined {
  const { circuitBreaker, pauseAfter } = policies;
  if (outcome === 'cancelled' || (!circuitBreaker && !pauseAfter)) return before;
  if (before && before.since > doc.since) return before; // of what the task was before it began anew
  if (outcome === 'succeeded') return undefined;
  const count = failuresOf({ ...(before && { failures: before }) }, { doc }) + 1;
  const isOpen = circuitBreaker !== undefined && count >= circuitBreaker.threshold;
  return { since: doc.since, count, ...(isOpen && { openedAt: at }) };
}

/** How many runs in a row have failed. */
export function failuresOf({ failures }: Pick<FailingUnit, 'failures'>, { doc }: Pick<KnownTask, 'doc'>): number {
  return failures?.since === doc.since ? failures.count : 0;
}

/** Whether a run may start at this instant. Half-open: one, with no other beside it. */
export function circuitAt(
  state: Pick<FailingUnit, 'failures'>,
  { doc, policies }: Pick<KnownTask, 'doc' | 'policies'>,
  instant: EpochMs,
): CircuitState {
  const { circuitBreaker: breaker } = policies;
  const openedAt = state.failures?.since === doc.since ? state.failures.openedAt : undefined;
  if (!breaker || openedAt === undefined) return 'closed';
  return instant < openedAt + breaker.halfOpenAfterMs ? 'open' : 'half-open';
}

/** Whether the circuit keeps a run from starting at this instant. */
export function isBroken(state: FailingUnit, task: KnownTask, instant: EpochMs): boolean {
  const circuit = circuitAt(state, task, instant);
  return circuit === 'open' || (circuit === 'half-open' && state.runs.length > 0);
}

/** Whether the task has failed so often that it is to be paused. */
export function isExhausted(state: Pick<FailingUnit, 'failures'>, task: KnownTask): boolean {
  const { pauseAfter } = task.policies;
  return pauseAfter !== undefined && failuresOf(state, task) >= pauseAfter;
}
