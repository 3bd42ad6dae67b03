import type { EpochMs } from './clock.js';
import type { Json } from './json.js';

/**
 * What made a run start: its tick on time (`schedule`) or late (`misfire`), the death of the node it ran on (`recovery`),
 * a call of `runTask` (`manual`), a start (`start`, by `runOnStart`), or a backfill of past ticks (`backfill`).
 */
export type Trigger = 'schedule' | 'misfire' | 'recovery' | 'manual' | 'start' | 'backfill';

/** How a run ended. `lost`: its node died or lost its session, and nobody knows how far it got. */
export type RunOutcome = 'succeeded' | 'failed' | 'timed-out' | 'cancelled' | 'lost';

/**
 * Why a tick was settled without a run. `circuit-open`: the runs before it failed, see `circuitBreaker`. `data-lost`: the registry has lost what it held of that time, and nobody can
 * tell any more whether the tick has run.
 */
export type SkipReason =
  'coalesced' | 'misfire-skipped' | 'too-late' | 'over-limit' | 'overlap' | 'circuit-open' | 'data-lost';

export interface RunError {
  name: string;
  message: string;
  /** Of an error that has one, as text: `RUN_TIMEOUT` and `RUN_ABORTED` of this library, `ECONNREFUSED` of Node.js. */
  code?: string;
  stack?: string;
}

/** What a handler has said with `run.log`. */
export interface RunLogLine {
  at: EpochMs;
  message: string;
  data?: Json;
}

/** How far a run is, by `run.progress`. */
export interface RunProgress {
  at: EpochMs;
  /** From 0 to 100. */
  percent: number;
  note?: string;
}

/** A run that ended, as history keeps it. */
export interface RunRecord {
  kind: 'run';
  id: string;
  task: string;
  unit: string;
  /** Absent where no tick stands behind the run (`trigger: 'manual'` or `'start'`). */
  tick?: EpochMs;
  trigger: Trigger;
  nodeId: string;
  attempt: number;
  /** The fencing token, in decimal digits. */
  token?: string;
  claimedAt: EpochMs;
  startedAt?: EpochMs;
  endedAt: EpochMs;
  outcome: RunOutcome;
  error?: RunError;
  result?: Json;
  /** What it has said: its last 100 lines, 8 KiB at most. */
  logs?: RunLogLine[];
  /** How many lines it said before those. */
  logsDropped?: number;
  /** How far it said to be, last. */
  progress?: RunProgress;
  /** The run it was asked for in place of, by `retryRun`. */
  again?: string;
  /** What it was given in place of the task's own payload. */
  payload?: Json;
  /** It was given a payload that is too long to be kept. */
  isPayloadLost?: true;
}

/** A stretch of ticks that did not run, all for one reason. */
export interface SkipRecord {
  kind: 'skip';
  task: string;
  unit: string;
  from: EpochMs;
  to: EpochMs;
  /** How many ticks; a lower bound where `atLeast` is set. */
  count: number;
  atLeast?: true;
  reason: SkipReason;
  /** With `overlap`: the run that stood in the way, and where it runs. */
  blocker?: { runId: string; nodeId: string };
  nodeId: string;
  at: EpochMs;
}

export type HistoryRecord = RunRecord | SkipRecord;
