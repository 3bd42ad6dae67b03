import type { Trigger } from '../common/run.js';

/** What a handler gets as its one argument. */
export interface TaskRun<P = unknown> {
  /** Unique in the cluster; the same for all attempts of the run. */
  readonly id: string;
  readonly task: string;
  /** `<task>`, or `<task>#<shard>`. */
  readonly unit: string;
  /** The planned instant, the same on every node. Absent where the run was asked for by hand. */
  readonly tick?: Date;
  readonly startedAt: Date;
  /** 1 for the first call of the handler. */
  readonly attempt: number;
  readonly trigger: Trigger;
  /** The tick before this one, as the schedule has it now, whatever became of it; where there is one. */
  readonly previousTick?: Date | undefined;
  /** The tick after this one, where there is one. */
  readonly nextTick?: Date;
  readonly nodeId: string;
  /**
   * Grows with every claim of the unit. Give it to what the handler writes to, and let that refuse a lower one than it
   * has seen: then even a process that was frozen for an hour cannot overwrite what came after it.
   */
  readonly fencingToken: bigint;
  /**
   * Aborts when the run should end early: `reason` is a `DistributedScheduleError` with code `RUN_TIMEOUT` or
   * `RUN_ABORTED`. Hand it to `fetch`, database clients and the like. A listener of your own must not throw: Node ends
   * the process for it, and nothing in between can catch that.
   */
  readonly signal: AbortSignal;
  readonly payload: P;
  /**
   * Keeps a line with the record of the run, and writes it to the application's log. The record has the last 100 lines,
   * 8 KiB at most; `data` is JSON, with BigInts as text.
   */
  log(message: string, data?: unknown): void;
  /**
   * Tells how far the run is, from 0 to 100: other nodes see it a second later at most, and its record keeps the last one.
   * What lies outside counts as the nearer end; what is no finite number leaves the percentage as it was.
   */
  progress(percent: number, note?: string): void;
}

/** What runs a task: awaited when it returns a promise; its value is the result of the run. */
export type Handler<P = unknown> = (run: TaskRun<P>) => unknown;
