import type { EpochMs } from '../common/clock.js';
import type { Json } from '../common/json.js';
import type { RunOutcome, Trigger } from '../common/run.js';
import type { KnownTask } from '../task/catalog.js';
import { blockerOf, entered, ownClaim, type UnitDecision } from './claim.js';
import { failuresAfter } from './failures.js';
import { type SuccessLedger, withGap, withSuccess } from './success-ledger.js';
import { attemptsOf, count, RELEASED, type RetryState, type RunEntry, type UnitState } from './unit-state.js';

/** How many runs that have been made up for a unit remembers: more than are asked for while somebody waits to ask again. */
const MADE_UP_KEPT = 10;

/** Who holds a run: an attempt of an incarnation. A run taken over by another node keeps its id and is not ours. */
export interface RunHold {
  id: string;
  boot: string;
  attempt: number;
}

/** The run, where it is still this incarnation's. */
export function held(state: UnitState, { id, boot, attempt }: RunHold): RunEntry | undefined {
  return state.runs.find((run) => run.id === id && run.boot === boot && run.attempt === attempt);
}

function without(state: UnitState, run: RunEntry): RunEntry[] {
  return state.runs.filter((other) => other !== run);
}

/** The unit after one of its runs has come to an end. */
function ended(state: UnitState, task: KnownTask, run: RunEntry, outcome: RunOutcome, at: EpochMs): UnitState {
  const { id, tick, node, again } = run;
  const last = { id, outcome, at, node, ...(tick !== undefined && { tick }) };
  const hasMadeUp = again !== undefined && outcome === 'succeeded';
  const { ledger, failures: before, ...rest } = state;
  const failures = failuresAfter(before, task, outcome, at);
  const note = outcome === 'succeeded' ? withSuccess : withFailure;
  return {
    ...rest,
    runs: without(state, run),
    ...(ledger && { ledger }),
    ...(failures && { failures }),
    counters: count(state.counters, outcome),
    last,
    ...(hasMadeUp && { madeUp: [...(state.madeUp ?? []), { id: again, by: id }].slice(-MADE_UP_KEPT) }),
    // a backfilled tick that fails may have had its success before: it stays what it was
    ...(ledger && tick !== undefined && (outcome === 'succeeded' || !run.backfill) && { ledger: note(ledger, tick) }),
  };
}

function withFailure(ledger: SuccessLedger, tick: EpochMs): SuccessLedger {
  return withGap(ledger, tick, tick);
}

/** Takes the run out and counts how it ended. `'not-ours'`: somebody has settled it or taken it over; nothing is recorded. */
export function decideFinish(
  state: UnitState,
  task: KnownTask,
  hold: RunHold,
  outcome: RunOutcome,
  at: EpochMs,
): UnitDecision<'finished' | 'not-ours'> {
  const run = held(state, hold);
  if (!run) {
    const before = state.last?.id === hold.id && state.last.outcome === outcome && state.last.at === at;
    return { outcome: before ? 'finished' : 'not-ours' }; // `before`: an earlier attempt of this finish went through
  }
  return { next: ended(state, task, run, outcome, at), outcome: 'finished' };
}

/** Binds a run that goes on to the session its node has opened since. */
export function decideRebind(state: UnitState, hold: RunHold, session: string): UnitDecision<boolean> {
  const run = held(state, hold);
  if (!run || run.session === session) return { outcome: run !== undefined };
  const runs = state.runs.map((other) => (other === run ? { ...run, session } : other));
  return { next: { ...state, runs }, outcome: true };
}

/** Unbinds a run from the session of its node, which may live on: nobody would look for an orphan under it. */
export function decideRelease(state: UnitState, hold: RunHold, retry: RetryState | undefined): UnitDecision<boolean> {
  return change(state, hold, (run) => ({ ...run, session: RELEASED, ...(retry && { retry }) }));
}

/** Notes that an attempt has failed and when the next is due (`retry.at`), or that the next is made now. */
export function decideRetry(state: UnitState, hold: RunHold, retry: RetryState): UnitDecision<boolean> {
  return change(state, hold, (run) => ({ ...run, retry }));
}

function change(state: UnitState, hold: RunHold, to: (run: RunEntry) => RunEntry): UnitDecision<boolean> {
  const run = held(state, hold);
  if (!run) return { outcome: false };
  return { next: { ...state, runs: state.runs.map((other) => (other === run ? to(run) : other)) }, outcome: true };
}

/** What the next node goes on from: an attempt that was under way has been made. */
function retryAfter(run: RunEntry): RetryState {
  const { claimedAt: begunAt, retry = { made: 0, begunAt } } = run;
  return { ...retry, made: attemptsOf(run) };
}

/** What was found waiting may have begun since, or the other way round: its node may go on for a moment though its session is over. */
export function isAsFound(run: RunEntry, found: RunEntry): boolean {
  const { boot, attempt, session, retry } = found;
  return run.boot === boot && run.attempt === attempt && run.session === session && run.retry?.at === retry?.at;
}

/** Takes over a run whose session has been found dead: one more attempt, on this node. */
export function decideTakeOver(
  state: UnitState,
  task: KnownTask,
  orphan: RunEntry,
  by: { node: string; boot: string; session: string; now: EpochMs },
): UnitDecision<RunEntry | undefined> {
  const run = state.runs.find((other) => other.id === orphan.id);
  if (run?.boot === by.boot && run.attempt === orphan.attempt + 1) return { next: state, outcome: run }; // for a token of its own
  if (BigInt(state.task) > task.token) return { outcome: undefined }; // the task has changed: look again with what it is now
  if (!run || !isAsFound(run, orphan)) return { outcome: undefined };
  const { node, boot, session, now } = by;
  const taken: RunEntry = {
    ...run,
    node,
    boot,
    session,
    attempt: run.attempt + 1,
    retry: retryAfter(run),
    claimedAt: now,
    trigger: run.retry?.at === undefined ? 'recovery' : run.trigger,
  };
  return { next: { ...state, runs: [...without(state, run), taken] }, outcome: taken };
}

/**
 * Settles a run whose session has been found dead, or that its own node does not execute: as lost, or, where it waited for
 * another attempt, as failed.
 */
export function decideLost(
  state: UnitState,
  task: KnownTask,
  orphan: RunEntry,
  at: EpochMs,
): UnitDecision<'lost' | 'failed' | undefined> {
  const run = state.runs.find(({ id }) => id === orphan.id);
  if (!run || !isAsFound(run, orphan)) return { outcome: undefined };
  const outcome = run.retry?.at === undefined ? 'lost' : 'failed';
  return { next: ended(state, task, run, outcome, at), outcome };
}

/** Settles a run that was found waiting and that no node has. @returns whether it has ended so */
export function decideCancelled(
  state: UnitState,
  task: KnownTask,
  found: RunEntry,
  at: EpochMs,
): UnitDecision<boolean> {
  const { last } = state;
  const run = state.runs.find(({ id }) => id === found.id);
  if (!run) return { outcome: last?.id === found.id && last.outcome === 'cancelled' && last.at === at }; // by an unheard write
  if (!isAsFound(run, found)) return { outcome: false };
  return { next: ended(state, task, run, 'cancelled', at), outcome: true };
}

export type ManualOutcome =
  | { kind: 'claimed'; run: RunEntry }
  | { kind: 'overlap'; blocker: RunEntry }
  | { kind: 'stale-task' }
  /** It is to make up for a run that another one makes up for, or has. */
  | { kind: 'again'; by: string };

export interface ManualRequest {
  runId: string;
  node: string;
  boot: string;
  session: string;
  now: EpochMs;
  trigger: Trigger;
  /** In place of the task's own. */
  payload?: Json;
  /** The run that it makes up for. */
  again?: { id: string; tick?: EpochMs };
}

/** Enters a run that was asked for. It obeys the overlap policy like any other; the cursor stays. */
export function decideManual(state: UnitState, task: KnownTask, request: ManualRequest): UnitDecision<ManualOutcome> {
  const { trigger, payload, again } = request;
  const own = ownClaim(state, request);
  if (own) return { next: state, outcome: { kind: 'claimed', run: own } }; // for a token of its own
  if (BigInt(state.task) > task.token) return { outcome: { kind: 'stale-task' } };
  const by = again && madeUpBy(state, again.id);
  if (by !== undefined) return { outcome: { kind: 'again', by } };
  const blocker = blockerOf(state, task);
  if (blocker) return { outcome: { kind: 'overlap', blocker } };
  const { next, run } = entered(state, task, request, {
    trigger,
    ...(again?.tick !== undefined && { tick: again.tick, backfill: true }),
    ...(again && { again: again.id }),
    ...(payload !== undefined && { payload }),
  });
  return { next, outcome: { kind: 'claimed', run } };
}

/**
 * The run that is asked for in place of this one already, and goes on or has succeeded. Who asks has looked into history
 * before; but then it may have waited for its turn, and history is told after the unit.
 */
function madeUpBy({ runs, madeUp }: UnitState, id: string): string | undefined {
  const going = runs.find(({ again }) => again === id);
  return going?.id ?? madeUp?.find((run) => run.id === id)?.by;
}

/**
 * Tells the unit of a change of its task. From then on a node that has not heard of the change loses its next claim.
 * Tokens are compared, not revisions, so that a late touch of an older change cannot undo a newer one.
 */
export function decideTouch(state: UnitState, taskToken: bigint): UnitDecision<true> {
  return BigInt(state.task) >= taskToken
    ? { outcome: true }
    : { next: { ...state, task: String(taskToken) }, outcome: true };
}
