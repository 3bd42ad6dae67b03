import type { Stretch } from '../schedule/misfire.js';
import { forgetting, type SuccessLedger, withGap } from './success-ledger.js';
import { count, type SkipTail, type UnitState } from './unit-state.js';

const NOTHING: readonly SkipTail[] = [];

/** A stretch of ticks to settle without a run. */
export type SkippedStretch = Omit<SkipTail, 'seq'>;

export interface Settled {
  state: UnitState;
  /** The skips as they now stand, to be recorded under their number. */
  skips: readonly SkipTail[];
}

/**
 * Moves the cursor over ticks that do not run. A stretch with the reason of the one just before lengthens it: a task
 * that is skipped every second for a week leaves one record.
 */
export function settleTicks(before: UnitState, stretches: readonly (SkippedStretch | Stretch)[]): Settled {
  if (stretches.length === 0) return { state: before, skips: NOTHING };
  let state = before;
  const skips = new Map<number, SkipTail>();
  for (const stretch of stretches) {
    const tail = lengthen(state, stretch) ?? { ...stretch, seq: state.seq + 1 };
    state = {
      ...state,
      tail,
      seq: tail.seq,
      cursor: Math.max(state.cursor, stretch.to),
      counters: count(state.counters, stretch.reason, stretch.count),
      ...(state.ledger && { ledger: noted(state.ledger, stretch) }),
    };
    skips.set(tail.seq, tail);
  }
  return { state, skips: [...skips.values()] };
}

/** Of ticks whose record was lost nobody knows whether they have succeeded. */
function noted(ledger: SuccessLedger, { from, to, reason }: SkippedStretch | Stretch): SuccessLedger {
  return reason === 'data-lost' ? forgetting(ledger, to) : withGap(ledger, from, to);
}

function lengthen({ tail, seq }: UnitState, stretch: SkippedStretch): SkipTail | undefined {
  if (!tail || tail.seq !== seq || tail.reason !== stretch.reason) return undefined;
  if (tail.blocker?.runId !== stretch.blocker?.runId) return undefined;
  const atLeast = tail.atLeast ?? stretch.atLeast;
  return { ...tail, to: stretch.to, count: tail.count + stretch.count, ...(atLeast && { atLeast }) };
}
