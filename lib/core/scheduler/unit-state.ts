import type { EpochMs } from '../common/clock.js';
import type { RunOutcome, SkipReason, Trigger } from '../common/run.js';
import type { SuccessLedger } from './success-ledger.js';

/** A run that has been claimed and has not ended. */
export interface RunEntry {
  id: string;
  /** Absent for a run that was asked for by hand. */
  tick?: EpochMs;
  trigger: Trigger;
  /** For a backfill, also once it has been taken over. */
  backfill?: true;
  node: string;
  /** Incarnation of the node: a restarted process does not take its predecessor's runs for its own. */
  boot: string;
  /** While this session lives, nobody touches the run. */
  session: string;
  attempt: number;
  claimedAt: EpochMs;
  /** Its number within the unit, which names its place in history. */
  seq: number;
}

/** The latest stretch of skipped ticks, kept so that the next one of the same kind lengthens it. */
export interface SkipTail {
  seq: number;
  from: EpochMs;
  to: EpochMs;
  count: number;
  atLeast?: true;
  reason: SkipReason;
  blocker?: { runId: string; nodeId: string };
}

/** How far a unit has come with a backfill. */
export interface BackfillProgress {
  id: string;
  /** Ticks of the range up to here have had their turn. */
  cursor: EpochMs;
  /** How many runs it took so far. */
  runs: number;
  /** When the last of them had ended. */
  endedAt?: EpochMs;
}

/** How often what happened, since the task was created; names that are missing have not happened. */
export type Counters = Partial<Record<RunOutcome | SkipReason | 'claimed', number>>;

/**
 * What is stored at `units/<unit>@<generation>`. Everything at or before `cursor` is settled, for ever; the cursor only
 * grows, which is why no tick runs twice.
 */
export interface UnitState {
  cursor: EpochMs;
  /** Token of the task document this state was last touched for. A claim by anyone who knows only an older one is lost. */
  task: string;
  /** The latest tick that was claimed for a run; the cursor may have gone on over skipped ones. */
  claimed?: EpochMs;
  runs: RunEntry[];
  seq: number;
  counters: Counters;
  last?: { id: string; outcome: RunOutcome; at: EpochMs; node: string; tick?: EpochMs };
  tail?: SkipTail;
  ledger?: SuccessLedger;
  /** The latest starts it has run for: versions, or lives of the cluster. */
  started?: string[];
  backfill?: BackfillProgress;
  /** Runs of dead nodes that the task has taken along to another name: here nothing can be done with them any more. */
  carried?: RunEntry[];
  /** Made anew where the registry had lost it: what it has run for is not known. */
  rebuilt?: true;
}

export function newUnitState(cursor: EpochMs, taskToken: bigint): UnitState {
  return { cursor, task: String(taskToken), runs: [], seq: 0, counters: {} };
}

/** @returns `undefined` where the text is no unit state */
export function decodeUnit(text: string): UnitState | undefined {
  try {
    const state = JSON.parse(text) as UnitState;
    return Number.isFinite(state.cursor) && Array.isArray(state.runs) && typeof state.task === 'string'
      ? state
      : undefined;
  } catch {
    return undefined;
  }
}

export function count(counters: Counters, name: keyof Counters, by = 1): Counters {
  return { ...counters, [name]: (counters[name] ?? 0) + by };
}
