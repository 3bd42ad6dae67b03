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
import { settleTicks } from './settle-ticks.js';
import { ledgerOf } from './success-ledger.js';
import type { UnitState } from './unit-state.js';

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
  return spent ? decideBackfill(state, task, request) : decideTick(state, task, request);
}

function decideTick(before: UnitState, task: KnownTask, request: ClaimRequest): UnitDecision<ClaimOutcome> {
  const { now } = request;
  const state = { ...before, ledger: ledgerOf(before, task) };
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

  if (!plan.run) return stretches.length > 0 ? settledOr({ kind: 'idle' }) : decideBackfill(state, task, request);
  const { tick, trigger, more } = plan.run;
  const blocker = blockerOf(state, task);
  if (blocker) {
    if (request.standby) return settledOr({ kind: 'idle' });
    const start = startOf(task.schedule, tick);
    if (start > now) return settledOr({ kind: 'wait', at: start });
    if (!request.alive(blocker)) return settledOr({ kind: 'suspect' });
    // what is made up for, on whatever side, is no reason to leave a tick out
    if ((trigger === 'misfire' && policy === 'fire-all') || blocker.backfill) return settledOr({ kind: 'blocked' });
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

  const next = { ...settled.state, cursor: tick, claimed: tick };
  return claim(next, task, request, { tick, trigger }, more || hasExtraRuns(state, task, request), settled.skips);
}
