import type { RunEntry, UnitState } from '../../core/scheduler/unit-state.js';
import type { WriteEntry } from './log.js';

/** A unit's state before and after a write; either may be missing. */
export interface UnitChange {
  entry: WriteEntry;
  key: string;
  /** `<task>` or `<task>#<shard>`. */
  unit: string;
  task: string;
  before?: UnitState;
  after?: UnitState;
}

/** Runs that came in by this write, or were taken over by it. */
export function newRuns(before: UnitState | undefined, after: UnitState): RunEntry[] {
  return after.runs.filter((run) => {
    const known = before?.runs.find(({ id }) => id === run.id);
    return !known || known.attempt !== run.attempt || known.boot !== run.boot;
  });
}

/** Runs of ticks that have come in for the first time at their regular turn, be it late. */
export function regularClaims(before: UnitState | undefined, after: UnitState): RunEntry[] {
  return newRuns(before, after).filter(
    ({ attempt, trigger }) => attempt === 1 && (trigger === 'schedule' || trigger === 'misfire'),
  );
}
