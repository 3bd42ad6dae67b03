import type { EpochMs } from '../common/clock.js';
import type { RunOutcome, RunProgress } from '../common/run.js';
import { circuitAt, type CircuitState, failuresOf } from '../scheduler/failures.js';
import { attemptsOf, type Counters, type RunEntry, type UnitState } from '../scheduler/unit-state.js';
import type { KnownTask } from '../task/catalog.js';

/** A run that has been claimed and has not ended. */
export interface RunningView {
  id: string;
  task: string;
  tick?: Date;
  trigger: RunEntry['trigger'];
  nodeId: string;
  attempt: number;
  claimedAt: Date;
  /** How far it said to be. */
  progress?: RunProgress;
  /** Its last attempt failed: when the next is due. */
  retryAt?: Date;
}

/** How a task stands in the cluster. */
export interface TaskStatus {
  /** Its runs that go on, on whatever node. */
  running: RunningView[];
  /** The tick that waits for them to end, with `overlap: 'queue'` or `'replace'`. */
  queued?: Date;
  /** Runs in a row that have failed; counted where `circuitBreaker` or `pauseAfter` is set. */
  failures: number;
  /** Of `circuitBreaker`. While it is open ticks are skipped; half-open, the next one is the probe. */
  circuit: CircuitState;
  /** Ticks up to here have had their turn. */
  settledUpTo: Date;
  /** How often what happened since the task was made. */
  counters: Counters;
  last?: { id: string; outcome: RunOutcome; endedAt: Date; nodeId: string };
}

export function statusOf(
  task: KnownTask,
  state: UnitState,
  now: EpochMs,
  progress: Readonly<Record<string, RunProgress>>,
): TaskStatus {
  const { queued, last, counters, cursor } = state;
  return {
    running: state.runs.map((run) => runningView(task.name, run, progress[run.id])),
    ...(queued && { queued: new Date(queued.tick) }),
    failures: failuresOf(state, task),
    circuit: circuitAt(state, task, now),
    settledUpTo: new Date(cursor),
    counters,
    ...(last && { last: { id: last.id, outcome: last.outcome, endedAt: new Date(last.at), nodeId: last.node } }),
  };
}

export function runningView(
  task: string,
  { id, tick, trigger, node, claimedAt, retry }: RunEntry,
  progress: RunProgress | undefined,
): RunningView {
  return {
    id,
    task,
    trigger,
    nodeId: node,
    attempt: attemptsOf({ ...(retry && { retry }) }),
    claimedAt: new Date(claimedAt),
    ...(tick !== undefined && { tick: new Date(tick) }),
    ...(progress && { progress }),
    ...(retry?.at !== undefined && { retryAt: new Date(retry.at) }),
  };
}
