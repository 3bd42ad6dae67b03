import type { EpochMs } from '../../core/common/clock.js';
import type { Trigger } from '../../core/common/run.js';

/** One call of a handler. Told before the handler does anything else, so that it is known of whatever happens next. */
export interface StartEntry {
  type: 'start';
  at: EpochMs;
  /** The incarnation of the node: unique, also where a process was restarted under its old node id. */
  process: string;
  task: string;
  unit: string;
  runId: string;
  attempt: number;
  trigger: Trigger;
  /** Absent where no tick stands behind the run. */
  tick?: EpochMs;
  /** The fencing token, in decimal digits. */
  token: string;
}

/** What is told of a call that has started. */
interface OfCall {
  at: EpochMs;
  process: string;
  task: string;
  runId: string;
  attempt: number;
}

/** The handler has returned or thrown. */
export interface EndEntry extends OfCall {
  type: 'end';
  how: 'returned' | 'threw';
}

/** The handler heard that it should end: its effects from here on are its own affair. */
export interface AbortEntry extends OfCall {
  type: 'abort';
}

/** One version of one document, in the order of the registry; keys as seen from inside the namespace. */
export interface WriteEntry {
  type: 'write';
  at: EpochMs;
  key: string;
  /** Absent: the document was removed. */
  value?: string;
  /** In decimal digits. */
  token: string;
  /** Who wrote it. Absent: the store itself, as when a session ends, or somebody who was not watched. */
  process?: string;
  /** After a loss of data: it is what the registry still holds, and is taken as it is. */
  restored?: true;
}

/** The registry has lost what was written since some moment, or all of it; what it still holds follows as writes. */
export interface DataLossEntry {
  type: 'data-loss';
  at: EpochMs;
  /** What was written up to here it still has. Absent: it has nothing. */
  keptUpTo?: EpochMs;
}

/** A change of a task was asked for. */
export interface AskEntry {
  type: 'ask';
  at: EpochMs;
  id: number;
  process: string;
  what: string;
  task: string;
}

/** The answer to it. `'unknown'`: the registry failed; it may have been done or not. */
export interface AnswerEntry {
  type: 'answer';
  at: EpochMs;
  id: number;
  how: 'done' | 'refused' | 'unknown';
}

/**
 * Something bad begins. Without `process` it befalls the registry, and with it all.
 *
 * The checker makes allowance for three: a `'kill'`ed process and one that is in a `'freeze'` do nothing about what
 * they have begun, and a session that is `'expire'`d before its time leaves its node in the belief that it lives.
 */
export interface FaultEntry {
  type: 'fault';
  at: EpochMs;
  what: string;
  process?: string;
}

/** It is over. `'everything'`: whatever befell anybody is over. */
export interface HealEntry {
  type: 'heal';
  at: EpochMs;
  what: string;
  process?: string;
}

/** What witnesses told of a cluster. Plain values: a log can be kept as JSON, a line for each entry. */
export type LogEntry =
  StartEntry | EndEntry | AbortEntry | WriteEntry | DataLossEntry | AskEntry | AnswerEntry | FaultEntry | HealEntry;
