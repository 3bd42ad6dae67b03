import type { EpochMs } from '../common/clock.js';
import type { KnownTask } from '../task/catalog.js';
import type { BackfillRequest } from '../task/task-definition.js';
import { blockerOf, claim, type ClaimOutcome, type ClaimRequest, type Start, type UnitDecision } from './claim.js';
import { unsuccessfulFrom } from './success-ledger.js';
import type { BackfillProgress, UnitState } from './unit-state.js';

/** How many starts a unit remembers: more versions than a rollback goes back. */
const STARTS_KEPT = 20;

/** Whether the unit has runs to do that are bound to no time: they wait for the run in the way to end. */
export function hasExtraRuns(state: UnitState, task: KnownTask, request: ClaimRequest): boolean {
  if (request.standby) return false;
  return startFor(state, task, request) !== undefined || pendingBackfill(state, task) !== undefined;
}

/** A run for a start of the cluster or of a version; no tick stands behind it. */
export function decideStart(
  state: UnitState,
  task: KnownTask,
  request: ClaimRequest,
): UnitDecision<ClaimOutcome> | undefined {
  const start = startFor(state, task, request);
  if (!start || request.standby || blockerOf(state, task)) return undefined;
  const started = [...(state.started ?? []), start.key].slice(-STARTS_KEPT);
  return claim({ ...state, started }, task, request, { trigger: 'start' }, true);
}

/** The start that the unit has not run for. What was changed or resumed after it has none to make up for. */
function startFor({ started }: UnitState, { policies, doc }: KnownTask, { starts }: ClaimRequest): Start | undefined {
  const start = policies.runOnStart && starts[policies.runOnStart];
  if (!start || started?.includes(start.key)) return undefined;
  return doc.since <= start.at || doc.since === doc.createdAt ? start : undefined;
}

/** The next tick of a backfill: one at a time, when no regular tick is due. */
export function decideBackfill(state: UnitState, task: KnownTask, request: ClaimRequest): UnitDecision<ClaimOutcome> {
  const idle: UnitDecision<ClaimOutcome> = {
    outcome: { kind: 'idle', waiting: hasExtraRuns(state, task, request) },
  };
  const progress = pendingBackfill(state, task);
  const isBusy = state.runs.some(({ trigger }) => trigger === 'backfill') || blockerOf(state, task) !== undefined;
  if (!progress || request.standby || isBusy) return idle;
  const tick = backfillTick(state, task, task.doc.backfill!, progress.cursor);
  if (tick === undefined)
    return { next: { ...state, backfill: { ...progress, endedAt: request.now } }, outcome: { kind: 'settled' } };
  const next = { ...state, backfill: { ...progress, cursor: tick, runs: progress.runs + 1 } };
  return claim(next, task, request, { tick, trigger: 'backfill' }, true);
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
function firstWithoutSuccess(state: UnitState, { doc, scheduleKey }: KnownTask, tick: EpochMs): EpochMs {
  const ledger = state.ledger?.schedule === scheduleKey ? state.ledger : undefined;
  const since = ledger?.since ?? Math.max(state.cursor, doc.since);
  if (tick <= doc.createdAt || tick > Math.max(state.cursor, since)) return tick;
  return ledger && tick > since ? unsuccessfulFrom(ledger, tick, state.cursor) : since + 1;
}
