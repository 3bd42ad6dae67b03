import type { LogEntry, StartEntry } from './log.js';
import type { UnitChange } from './unit-change.js';

export interface End {
  now: number;
  /** Since when nothing has been in the way of any tick: no fault, no long run, no change. Absent: not judged. */
  calmSince?: number;
}

/** One invariant. It sees each entry before the world takes it in, and answers with what is wrong about it. */
export interface Rule {
  readonly name: string;
  /** Any entry. */
  entry?(entry: LogEntry): Iterable<string> | void;
  /** A handler starts. */
  start?(entry: StartEntry): Iterable<string> | void;
  /** The state of a unit is written or removed. */
  unit?(change: UnitChange): Iterable<string> | void;
  /** The cluster is healed and has had its time. */
  finish?(end: End): Iterable<string> | void;
}
