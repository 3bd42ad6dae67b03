import type { EpochMs } from '../common/clock.js';
import type { KnownTask } from '../task/catalog.js';
import type { RunOnStart } from '../task/policies.js';
import { count, type RunEntry, type SkipTail, type UnitState } from './unit-state.js';

/** Who wants to claim, and how far ahead. */
export interface ClaimRequest {
  now: EpochMs;
  /** Ticks up to here may be claimed: `now` plus the claim-ahead. */
  horizon: EpochMs;
  /** A tick is late after this long. Longer for a standby, which comes late by design. */
  graceMs: number;
  runId: string;
  node: string;
  boot: string;
  session: string;
  /** A standby only takes over what is free: it judges no overlap. */
  standby: boolean;
  /** Runs that were found alive by a fresh look: only such a run may stand in the way of a tick. */
  alive: (run: RunEntry) => boolean;
  /** The starts that `runOnStart` may wait for, as far as this node knows of them. */
  starts: Starts;
  /** Ticks at or before this are settled, whatever the registry says: it has lost what it held of them. */
  floor: EpochMs;
  /** What the registry held up to here it has lost. */
  lostUpTo: EpochMs;
}

export type ClaimOutcome =
  /** The tick is ours; `more` are waiting behind it. */
  | { kind: 'claimed'; run: RunEntry; more: boolean; task: KnownTask }
  /** Ticks were settled without a run; look again. */
  | { kind: 'settled' }
  /** Nothing is due. `waiting`: something that is not bound to a time would like the run in the way to end. */
  | { kind: 'idle'; waiting?: boolean }
  /** A run stands in the way of a tick that is not due yet: ask again at `at`. */
  | { kind: 'wait'; at: EpochMs }
  /** A tick that must not be skipped waits for a run to end; with `replace` that run is to be aborted. */
  | { kind: 'blocked'; replace?: RunEntry }
  /** The task has failed so often that it is to be paused. */
  | { kind: 'exhausted'; failures: number }
  /** The run in the way has not been looked after yet: it may be an orphan. */
  | { kind: 'suspect' }
  /** A run could be claimed, and needs room in the group of the task first. `dueAt`: when it starts, if that is to come. */
  | { kind: 'no-room'; group: string; dueAt: EpochMs }
  /** Somebody has changed the task since this node heard of it. */
  | { kind: 'stale-task' };

export interface UnitDecision<T> {
  /** The state to write; absent to leave it as it is. */
  next?: UnitState;
  outcome: T;
  /** Skips to be recorded once `next` is written. */
  skips?: readonly SkipTail[];
}

/** A start of the cluster, or of a version of the application. */
export interface Start {
  /** Names it: a unit runs once for each. */
  key: string;
  at: EpochMs;
}

export type Starts = Partial<Record<RunOnStart, Start>>;

/** The unit with a new run of this node in it. */
export function entered(
  state: UnitState,
  task: KnownTask,
  { runId: id, node, boot, session, now }: Pick<ClaimRequest, 'runId' | 'node' | 'boot' | 'session' | 'now'>,
  of: Pick<RunEntry, 'tick' | 'trigger' | 'backfill' | 'again' | 'payload'>,
): { next: UnitState; run: RunEntry } {
  const seq = state.seq + 1;
  const run: RunEntry = { id, ...of, node, boot, session, attempt: 1, claimedAt: now, seq };
  return { next: { ...state, seq, runs: [...state.runs, run], task: String(task.token) }, run };
}

/** Enters the run and counts it, where it is one of the schedule's. */
export function claim(
  state: UnitState,
  task: KnownTask,
  request: ClaimRequest,
  { tick, trigger }: Pick<RunEntry, 'tick' | 'trigger'>,
  more: boolean,
  skips: readonly SkipTail[] = [],
): UnitDecision<ClaimOutcome> {
  const backfill = trigger === 'backfill' && { backfill: true as const };
  const { next, run } = entered(state, task, request, { ...(tick !== undefined && { tick }), trigger, ...backfill });
  if (trigger === 'schedule' || trigger === 'misfire') next.counters = count(state.counters, 'claimed');
  return { next, outcome: { kind: 'claimed', run, more, task }, skips };
}

/** The run that this request has entered, unheard. Taken over since by another node it keeps its id, and is ours no more. */
export function ownClaim(
  state: UnitState,
  { runId, boot }: Pick<ClaimRequest, 'runId' | 'boot'>,
): RunEntry | undefined {
  return state.runs.find((run) => run.id === runId && run.boot === boot && run.attempt === 1);
}

/** It has had all its runs: one, of a one-shot task, or `maxRuns`. */
export function isSpent({ claimed, counters }: UnitState, { policies, doc }: KnownTask): boolean {
  if (policies.oneShot && claimed !== undefined && claimed > doc.since) return true;
  return policies.maxRuns !== undefined && (counters.claimed ?? 0) >= policies.maxRuns;
}

/** The run that stands in the way of another one, if any does. */
export function blockerOf(state: UnitState, { policies }: KnownTask): RunEntry | undefined {
  const limit = policies.maxParallel ?? (policies.overlap === 'allow' ? Infinity : 1);
  return state.runs.length >= limit ? state.runs[0] : undefined;
}
