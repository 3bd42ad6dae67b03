import type { EpochMs } from '../common/clock.js';
import type { RunLogLine, RunOutcome, RunProgress, RunRecord, SkipRecord, Trigger } from '../common/run.js';
import type { TaskState } from '../task/task-definition.js';

export interface NodeEvent {
  nodeId: string;
  status: string;
}

export interface TaskEvent {
  task: string;
  state: TaskState;
}

export interface RunStartedEvent {
  id: string;
  task: string;
  unit: string;
  tick?: EpochMs;
  trigger: Trigger;
  nodeId: string;
  attempt: number;
  startedAt: EpochMs;
}

/**
 * Every event and its payload. Node and task events tell what this node noticed of the cluster; run and tick events
 * tell what this node did. They are best effort: history, not events, is the record.
 */
export interface SchedulerEvents extends Record<`run.${RunOutcome}`, RunRecord> {
  'node.joined': NodeEvent;
  'node.changed': NodeEvent;
  'node.left': NodeEvent;
  'session.lost': { reason: string };
  'session.working': { nodeId: string };
  /** The registry has lost its data; this node writes back the tasks it knows. */
  'registry.amnesia': { tasks: number };
  'task.added': TaskEvent;
  'task.changed': TaskEvent;
  'task.deleted': TaskEvent;
  /** A static task whose code no node has any more; it is purged later, unless some node has it again. */
  'task.orphaned': TaskEvent & { since: EpochMs };
  'run.started': RunStartedEvent;
  'run.retrying': RunStartedEvent & { error: string; delayMs: number };
  /** What its handler said with `run.log`, and how far it said to be with `run.progress`. */
  'run.log': { id: string; task: string } & RunLogLine;
  'run.progress': { id: string; task: string } & RunProgress;
  /** Its handler ignored its signal longer than the grace, and goes on. */
  'run.stuck': { id: string; task: string; nodeId: string; abortedAt: EpochMs };
  /**
   * A stretch of ticks that did not run, as it stands now: it comes anew each time the stretch grows, with the same `unit`,
   * `reason` and `from`, a later `to` and a higher `count`. To count ticks keep the last of each `from`; do not add them up.
   */
  'tick.skipped': SkipRecord;
}

export type EventName = keyof SchedulerEvents;

/** One event: `type` tells which payload `data` is. */
export type SchedulerEvent = { [K in EventName]: { type: K; at: EpochMs; data: SchedulerEvents[K] } }[EventName];

/** The events of these types: `EventOf<'run.failed' | 'run.lost'>`. */
export type EventOf<K extends EventName> = Extract<SchedulerEvent, { type: K }>;
