import type { EpochMs } from '../common/clock.js';
import type { SkipReason } from '../common/run.js';
import { planTicks, stretchOf } from '../schedule/misfire.js';
import { startOf } from '../schedule/schedule.js';
import type { KnownTask } from '../task/catalog.js';
import {
  blockerOf,
  claim,
  type ClaimOutcome,
  type ClaimRequest,
  isSpent,
  ownClaim,
  type UnitDecision,
} from './claim.js';
import { decideBackfill, decideStart, hasExtraRuns } from './extra-runs.js';
import { failuresOf, isBroken, isExhausted } from './failures.js';
import { settleTicks, type SkippedStretch } from './settle-ticks.js';
import { ledgerOf } from './success-ledger.js';
import type { Blocker, RunEntry, UnitState } from './unit-state.js';

/** On-time ticks are claimed this long after their instant at most; later ones are misfires. */
export const GRACE_MS = 1_000;

/**
 * The heart of the protocol, as a pure function: given the unit as it stands, what does this node do about the ticks
 * that are due? Written on the condition that the unit has not changed, the answer is the claim.
 */
export function decideClaim(state: UnitState, task: KnownTask, request: ClaimRequest): UnitDecision<ClaimOutcome> {
  const own = ownClaim(state, request);
  // An earlier attempt of this claim went through, unheard. It is written once more for a token of its own: the version it
  // was found in may be that of somebody else's claim.
  if (own) return { next: state, outcome: { kind: 'claimed', run: own, more: true, task } };
  if (BigInt(state.task) > task.token) return { outcome: { kind: 'stale-task' } };
  const spent = isSpent(state, task);
  const start = spent ? undefined : decideStart(state, task, request);
  if (start) return start;
  if (task.doc.state !== 'active') return { outcome: { kind: 'idle' } };
  if (!spent) return decideTick(state, task, request);
  return state.queued ? dropQueued(state, 'overlap') : decideBackfill(state, task, request);
}

type Settled = Required<UnitDecision<ClaimOutcome>>;

function decideTick(before: UnitState, task: KnownTask, request: ClaimRequest): UnitDecision<ClaimOutcome> {
  if (isExhausted(before, task)) return { outcome: { kind: 'exhausted', failures: failuresOf(before, task) } };
  const state = { ...before, ledger: ledgerOf(before, task) };
  const queued = decideQueued(state, task, request);
  if (queued && queued.outcome.kind !== 'blocked') return queued;
  const { now } = request;
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
  const settled = settle(state, stretches);
  const settledOr = (otherwise: UnitDecision<ClaimOutcome>): UnitDecision<ClaimOutcome> =>
    stretches.length > 0 ? settled : otherwise;

  if (!plan.run) return settledOr(queued ?? decideBackfill(state, task, request));
  const { tick, more } = plan.run;
  const blocker = blockerOf(state, task);
  if (blocker) {
    const blocked = decideBlocked(settled.next, task, request, { ...plan.run, blocker });
    return blocked.next ? { ...blocked, skips: [...settled.skips, ...(blocked.skips ?? [])] } : settledOr(blocked);
  }
  if (isBroken(state, task, startOf(task.schedule, tick)))
    return settle(state, [...stretches, skipOf(tick, 'circuit-open')]);
  const next = { ...settled.next, cursor: tick, claimed: tick };
  return claim(next, task, request, plan.run, more || hasExtraRuns(state, task, request), settled.skips);
}

interface Blocked {
  tick: EpochMs;
  trigger: 'schedule' | 'misfire';
  blocker: RunEntry;
}

/** A run stands in the way of the next tick. A standby judges no overlap. */
function decideBlocked(
  state: UnitState,
  task: KnownTask,
  request: ClaimRequest,
  { tick, trigger, blocker }: Blocked,
): UnitDecision<ClaimOutcome> {
  if (request.standby) return { outcome: { kind: 'idle' } };
  const start = startOf(task.schedule, tick);
  if (start > request.now) return { outcome: { kind: 'wait', at: start } };
  if (!request.alive(blocker)) return { outcome: { kind: 'suspect' } };
  const { overlap, misfire } = task.policies;
  // what is made up for, on whatever side, is no reason to leave a tick out
  if ((trigger === 'misfire' && misfire === 'fire-all') || blocker.backfill) return { outcome: { kind: 'blocked' } };
  if (overlap === 'queue' || overlap === 'replace') return enqueue(state, { tick, trigger, blocker });
  return settle(state, [skipOf(tick, 'overlap', nameOf(blocker))]);
}

/** The tick has had its turn and waits, in the place of the one that waited so far. */
function enqueue(state: UnitState, { tick, trigger, blocker }: Blocked): UnitDecision<ClaimOutcome> {
  const { queued: former } = state;
  const { next, ...decision } = settle(state, former ? [skipOf(former.tick, 'overlap', nameOf(blocker))] : []);
  return { ...decision, next: { ...next, cursor: tick, queued: { tick, trigger, blocker: nameOf(blocker) } } };
}

/** The tick that waits, if one does: its turn to run, its end, or more waiting. */
function decideQueued(
  before: UnitState,
  task: KnownTask,
  request: ClaimRequest,
): UnitDecision<ClaimOutcome> | undefined {
  const { queued, ...state } = before;
  if (!queued) return undefined;
  const { tick, trigger } = queued;
  const start = startOf(task.schedule, tick);
  if (tick <= task.doc.since) return dropQueued(before, 'overlap'); // the task was halted, or has another schedule
  if (request.now - start > task.policies.misfireDeadlineMs) return dropQueued(before, 'too-late');
  const blocker = blockerOf(state, task);
  if (blocker) {
    if (request.standby) return { outcome: { kind: 'idle' } };
    if (!request.alive(blocker)) return { outcome: { kind: 'suspect' } };
    const isReplaced = task.policies.overlap === 'replace' && !blocker.backfill;
    return { outcome: { kind: 'blocked', ...(isReplaced && { replace: blocker }) } };
  }
  if (isBroken(state, task, request.now)) return dropQueued(before, 'circuit-open');
  return claim({ ...state, claimed: tick }, task, request, { tick, trigger }, true);
}

function dropQueued({ queued, ...state }: UnitState, reason: SkipReason): UnitDecision<ClaimOutcome> {
  const { tick, blocker } = queued!;
  return settle(state, [skipOf(tick, reason, reason === 'overlap' ? blocker : undefined)]);
}

/** Ticks that come to their end without a run. */
function settle(state: UnitState, stretches: readonly SkippedStretch[]): Settled {
  const { state: next, skips } = settleTicks(state, stretches);
  return { next, outcome: { kind: 'settled' }, skips };
}

function skipOf(tick: EpochMs, reason: SkipReason, blocker?: Blocker): SkippedStretch {
  return { from: tick, to: tick, count: 1, reason, ...(blocker && { blocker }) };
}

function nameOf({ id, node }: RunEntry): Blocker {
  return { runId: id, nodeId: node };
}
