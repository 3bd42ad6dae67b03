import type { EpochMs } from '../common/clock.js';
import type { KnownTask } from '../task/catalog.js';
import type { BackfillRequest } from '../task/task-definition.js';
import { blockerOf, claim, type ClaimOutcome, type ClaimRequest, type Start, type UnitDecision } from './claim.js';
import { ledgerOf, reachingBack, type SuccessLedger, unsuccessfulFrom } from './success-ledger.js';
import type { BackfillProgress, UnitState } from './unit-state.js';

/** How many starts a unit remembers: more versions than a rollback goes back. */
const STARTS_KEPT = 20;

/** Whether the unit has runs to do that are bound to no time: they wait for the run in the way to end. */
export function hasExtraRuns(state: UnitState, task: KnownTask, request: ClaimRequest): boolean {
  if (request.standby) return false;
  return startFor(state, task, request) !== undefined || pendingBackfill(state, task) !== undefined;
}

/**
 * A run for a start of the cluster or of a version; no tick stands behind it. A start that passes while the task is halted
 * is used up.
 */
export function decideStart(
  state: UnitState,
  task: KnownTask,
  request: ClaimRequest,
): UnitDecision<ClaimOutcome> | undefined {
  const start = startFor(state, task, request);
  if (!start || request.standby) return undefined;
  const next = { ...state, started: [...(state.started ?? []), start.key].slice(-STARTS_KEPT) };
  const isHalted = task.doc.state !== 'active' || (task.doc.restoredAt ?? 0) > start.at;
  if (isHalted || isInDoubt(state, task, start, request.lostUpTo)) return { next, outcome: { kind: 'settled' } };
  if (blockerOf(state, task)) return undefined;
  return claim(next, task, request, { trigger: 'start' }, true);
}

/** Whether nobody can tell any more if the unit has had its run: the registry has lost what it held. */
function isInDoubt({ started, rebuilt }: UnitState, { doc }: KnownTask, { at }: Start, lostUpTo: EpochMs): boolean {
  return (at <= lostUpTo && doc.createdAt <= lostUpTo) || (started === undefined && rebuilt === true);
}

/** The start that the unit has not run for. */
function startFor({ started }: UnitState, { policies }: KnownTask, { starts }: ClaimRequest): Start | undefined {
  const start = policies.runOnStart && starts[policies.runOnStart];
  return start && !started?.includes(start.key) ? start : undefined;
}

/** The next tick of a backfill: one at a time, when no regular tick is due. */
export function decideBackfill(state: UnitState, task: KnownTask, request: ClaimRequest): UnitDecision<ClaimOutcome> {
  const idle: UnitDecision<ClaimOutcome> = {
    outcome: { kind: 'idle', waiting: hasExtraRuns(state, task, request) },
  };
  const progress = pendingBackfill(state, task);
  const isBusy = state.runs.some(({ backfill }) => backfill) || blockerOf(state, task) !== undefined;
  if (!progress || request.standby || isBusy) return idle;
  const tick = backfillTick(state, task, task.doc.backfill!, progress.cursor);
  if (tick === undefined)
    return { next: { ...state, backfill: { ...progress, endedAt: request.now } }, outcome: { kind: 'settled' } };
  const ledger = withTimeBefore(ledgerOf(state, task), task, tick);
  const next = { ...state, ledger, backfill: { ...progress, cursor: tick, runs: progress.runs + 1 } };
  return claim(next, task, request, { tick, trigger: 'backfill' }, true);
}

/** Before the task was made nothing of it can have succeeded; from now on it may. */
function withTimeBefore(ledger: SuccessLedger, { doc }: KnownTask, tick: EpochMs): SuccessLedger {
  return ledger.since <= doc.createdAt ? reachingBack(ledger, tick) : ledger;
}

/** How far the unit has come with the backfill that was asked for; `undefined` where none was, or all is done. */
export function pendingBackfill(state: UnitState, { doc }: KnownTask): BackfillProgress | undefined {
  const { backfill } = doc;
  if (!backfill) return undefined;
  if (state.backfill?.id !== backfill.id) return { id: backfill.id, cursor: backfill.from - 1, runs: 0 };
  return state.backfill.endedAt === undefined ? state.backfill : undefined;
}

/** The next tick of a backfill after `cursor`. Only settled ones: the others have their regular turn still. */
export function backfillTick(
  state: UnitState,
  task: KnownTask,
  { to, only }: Pick<BackfillRequest, 'to' | 'only'>,
  cursor: EpochMs,
): EpochMs | undefined {
  const goingOn = new Set(state.runs.map(({ tick }) => tick));
  const last = Math.min(to, Math.max(state.cursor, task.doc.since));
  for (let after = cursor; ;) {
    const tick = task.schedule.next(after);
    if (tick === undefined || tick > last) return undefined;
    const candidate = only === 'all' ? tick : firstWithoutSuccess(state, task, tick);
    if (candidate === tick && !goingOn.has(tick)) return tick;
    after = Math.max(tick, candidate - 1);
  }
}

/** The tick, where it is known to have had no success; else an instant after it, before which none is known to have had none. */
function firstWithoutSuccess(state: UnitState, task: KnownTask, tick: EpochMs): EpochMs {
  const ledger = ledgerOf(state, task);
  if (tick > ledger.since) return unsuccessfulFrom(ledger, tick, Math.max(state.cursor, task.doc.since));
  return tick <= task.doc.createdAt && ledger.since <= task.doc.createdAt ? tick : ledger.since + 1;
}
