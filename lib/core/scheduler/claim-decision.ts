import type { EpochMs } from '../common/clock.js';
import { planTicks, stretchOf } from '../schedule/misfire.js';
import type { KnownTask } from '../task/catalog.js';
import { settleTicks } from './settle-ticks.js';
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
  /** Ticks at or before this are settled, whatever the registry says: it has lost what it held of them. */
  floor: EpochMs;
}

export type ClaimOutcome =
  /** The tick is ours; `more` are waiting behind it. */
  | { kind: 'claimed'; run: RunEntry; more: boolean; task: KnownTask }
  /** Ticks were settled without a run; look again. */
  | { kind: 'settled' }
  /** Nothing is due. */
  | { kind: 'idle' }
  /** A run stands in the way of a tick that is not due yet: ask again at `at`. */
  | { kind: 'wait'; at: EpochMs }
  /** A tick that must not be skipped waits for a run to end. */
  | { kind: 'blocked' }
  /** The run in the way has not been looked after yet: it may be an orphan. */
  | { kind: 'suspect' }
  /** Somebody has changed the task since this node heard of it. */
  | { kind: 'stale-task' };

export interface UnitDecision<T> {
  /** The state to write; absent to leave it as it is. */
  next?: UnitState;
  outcome: T;
  /** Skips to be recorded once `next` is written. */
  skips?: readonly SkipTail[];
}

/** On-time ticks are claimed this long after their instant at most; later ones are misfires. */
export const GRACE_MS = 1_000;

/**
 * The heart of the protocol, as a pure function: given the unit as it stands, what does this node do about the ticks
 * that are due? Written on the condition that the unit has not changed, the answer is the claim.
 */
export function decideClaim(state: UnitState, task: KnownTask, request: ClaimRequest): UnitDecision<ClaimOutcome> {
  const { now } = request;
  const own = state.runs.find((run) => run.id === request.runId);
  // An earlier attempt of this claim went through, unheard. It is written once more for a token of its own: the version it
  // was found in may be that of somebody else's claim.
  if (own) return { next: state, outcome: { kind: 'claimed', run: own, more: true, task } };
  if (BigInt(state.task) > task.token) return { outcome: { kind: 'stale-task' } };
  if (task.doc.state !== 'active' || isSpent(state, task)) return { outcome: { kind: 'idle' } };

  const known = Math.max(state.cursor, task.doc.since);
  const lost = request.floor > known ? stretchOf(task.schedule, known, request.floor, 'data-lost') : undefined;
  const settledUpTo = Math.max(known, request.floor);
  const { misfire: policy, misfireLimit: limit, misfireDeadlineMs: deadlineMs } = task.policies;
  const plan = planTicks(task.schedule, settledUpTo, now, request.horizon, {
    policy,
    limit,
    deadlineMs,
    graceMs: request.graceMs,
  });
  const stretches = lost ? [lost, ...plan.settle] : plan.settle;
  const settled = settleTicks(state, stretches);
  const settledOr = (otherwise: ClaimOutcome): UnitDecision<ClaimOutcome> =>
    stretches.length > 0
      ? { next: settled.state, outcome: { kind: 'settled' }, skips: settled.skips }
      : { outcome: otherwise };

  if (!plan.run) return settledOr({ kind: 'idle' });
  const { tick, trigger, more } = plan.run;
  const blocker = blockerOf(state, task);
  if (blocker) {
    if (request.standby) return settledOr({ kind: 'idle' });
    if (tick > now) return settledOr({ kind: 'wait', at: tick });
    if (!request.alive(blocker)) return settledOr({ kind: 'suspect' });
    if (trigger === 'misfire' && policy === 'fire-all') return settledOr({ kind: 'blocked' });
    const overlap = {
      from: tick,
      to: tick,
      count: 1,
      reason: 'overlap',
      blocker: { runId: blocker.id, nodeId: blocker.node },
    } as const;
    const skipped = settleTicks(state, [...stretches, overlap]);
    return { next: skipped.state, outcome: { kind: 'settled' }, skips: skipped.skips };
  }

  const { runId: id, node, boot, session } = request;
  const seq = settled.state.seq + 1;
  const run: RunEntry = { id, tick, trigger, node, boot, session, attempt: 1, claimedAt: now, seq };
  const counters = count(settled.state.counters, 'claimed');
  const next: UnitState = {
    ...settled.state,
    cursor: tick,
    claimed: tick,
    seq,
    counters,
    runs: [...state.runs, run],
    task: String(task.token),
  };
  return { next, outcome: { kind: 'claimed', run, more, task }, skips: settled.skips };
}

/** A one-shot task runs one tick, and none after it. */
export function isSpent(state: UnitState, task: KnownTask): boolean {
  return task.policies.oneShot && state.claimed !== undefined && state.claimed > task.doc.since;
}

/** The run that stands in the way of another one, if any does. */
export function blockerOf(state: UnitState, task: KnownTask): RunEntry | undefined {
  const limit = task.policies.overlap === 'skip' ? 1 : (task.policies.maxParallel ?? Infinity);
  return state.runs.length >= limit ? state.runs[0] : undefined;
}
