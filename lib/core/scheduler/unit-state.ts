import type { EpochMs } from '../common/clock.js';
import type { Json } from '../common/json.js';
import type { RunOutcome, SkipReason, Trigger } from '../common/run.js';
import type { Failures } from './failures.js';
import type { SuccessLedger } from './success-ledger.js';

/** What became of the attempts of a run so far. */
export interface RetryState {
  /** How many it has made, those included that were cut short. */
  made: number;
  /** When the run was first claimed. */
  begunAt: EpochMs;
  /** When the next one is due. Absent while one is being made. */
  at?: EpochMs;
}

/** In place of a session: the run waits for whoever owns its unit. */
export const RELEASED = 'released';

/** A run that has been claimed and has not ended. */
export interface RunEntry {
  id: string;
  /** Absent for a run that was asked for by hand. */
  tick?: EpochMs;
  trigger: Trigger;
  /** Makes up for a tick of the past, also once it has been taken over. */
  backfill?: true;
  /** The run it was asked for in place of. */
  again?: string;
  /** In place of the task's own. */
  payload?: Json;
  node: string;
  /** Incarnation of the node: a restarted process does not take its predecessor's runs for its own. */
  boot: string;
  /** While this session lives, nobody touches the run. */
  session: string;
  /** Grows with each node that takes the run over, by which they tell their holds apart. How often it was tried says `retry`. */
  attempt: number;
  claimedAt: EpochMs;
  /** Once an attempt has ended. While it waits for the next one no handler runs, and any node may go on with it. */
  retry?: RetryState;
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
  blocker?: Blocker;
}

/** The run that stood in the way of a tick, and where it ran. */
export interface Blocker {
  runId: string;
  nodeId: string;
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

/** A tick that has had its turn, and waits for the run in its way to end. */
export interface QueuedTick {
  tick: EpochMs;
  trigger: 'schedule' | 'misfire';
  /** Should it be dropped, that is why it had not run. */
  blocker?: Blocker;
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
  /** Runs that another one (`by`) was asked for in place of, and has succeeded; the latest of them. */
  madeUp?: { id: string; by: string }[];
  tail?: SkipTail;
  ledger?: SuccessLedger;
  /** With `overlap: 'queue'` or `'replace'`. */
  queued?: QueuedTick;
  failures?: Failures;
  /** The latest starts it has run for: versions, or lives of the cluster. */
  started?: string[];
  backfill?: BackfillProgress;
  /** Runs of dead nodes that the task has taken along to another name: here nothing can be done with them any more. */
  carried?: RunEntry[];
  /** Made anew where the registry had lost it: what it has run for is not known. */
  rebuilt?: true;
}

/** No handler of it is running: its last attempt failed, and the next has not been begun. */
export function isWaiting({ retry }: Pick<RunEntry, 'retry'>): boolean {
  return retry?.at !== undefined;
}

/** … or it is left for another node to begin anew. */
export function isIdle(run: Pick<RunEntry, 'retry' | 'session'>): boolean {
  return isWaiting(run) || run.session === RELEASED;
}

/** How many attempts have been begun: the one that is being made has this number. */
export function attemptsOf(run: Pick<RunEntry, 'retry'>): number {
  return (run.retry?.made ?? 0) + (isWaiting(run) ? 0 : 1);
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
