import type { Clock, EpochMs } from '../common/clock.js';
import type { RunRecord } from '../common/run.js';
import { DistributedScheduleError } from '../common/errors.js';
import { RunAbort } from '../execution/run-abort.js';
import type { Slots } from '../execution/slots.js';
import { RunNotes } from '../execution/run-notes.js';
import { startOf } from '../schedule/schedule.js';
import type { KnownTask } from '../task/catalog.js';
import type { Unit } from '../task/unit.js';
import type { Groups, Permit } from './groups.js';
import { isWaiting, type RetryState, type RunEntry } from './unit-state.js';

/** A claimed run on this node, from the claim until its end is recorded. */
export interface ClaimedRun {
  unit: Unit;
  task: KnownTask;
  entry: RunEntry;
  token: bigint;
  /** Room in the group of its task, where that has one. */
  permit?: Permit | undefined;
}

/** … and what becomes of it here. */
export interface LiveRun extends ClaimedRun {
  readonly abort: RunAbort;
  readonly notes: RunNotes;
  /** Whether its handler has been called, on this node, and whether that is over. */
  stage: 'claimed' | 'called' | 'over';
  /** It did not come to its end here, and is left in the unit for another node to take. */
  handOver: boolean;
  /** It takes one while its handler runs or is about to, and none while it waits for another attempt. */
  hasSlot: boolean;
  retry?: RetryState | undefined;
  /** Resolves when it is over here and what became of it is recorded; with nothing where another node has it. */
  ended?: Promise<RunRecord | undefined> | undefined;
}

export function liveRun(claimed: ClaimedRun, clock: Clock): LiveRun {
  const { unit, task, entry, token, permit } = claimed;
  return {
    unit,
    task,
    entry,
    token,
    permit,
    abort: new RunAbort(),
    notes: new RunNotes(clock),
    stage: 'claimed',
    handOver: false,
    hasSlot: !isWaiting(entry),
    retry: entry.retry,
    ended: undefined,
  };
}

/** Gives back what it takes of this node and of its group. */
export function vacate(
  run: LiveRun,
  { slots, groups }: { slots: Pick<Slots, 'give'>; groups: Pick<Groups, 'give'> },
): void {
  if (run.hasSlot) slots.give();
  run.hasSlot = false;
  if (run.permit) void groups.give(run.permit);
  run.permit = undefined;
}

/** Why a run ends that is told to. */
export function abortedError(runId: string, task: string, reason: string): DistributedScheduleError {
  const what = `Run ${runId} of task "${task}" was aborted: ${reason}`;
  return new DistributedScheduleError('RUN_ABORTED', what, { runId, task });
}

/** When the handler is called: at the tick, or with jitter somewhat later. */
export function dueAt({ entry, task }: ClaimedRun): EpochMs {
  return startOf(task.schedule, entry.tick!);
}

/** When the run was first claimed, on whatever node. */
export function begunAt({ entry, retry }: LiveRun): EpochMs {
  return retry?.begunAt ?? entry.claimedAt;
}
