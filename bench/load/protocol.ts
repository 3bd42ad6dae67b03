/** What the bench and the processes of a contestant say to each other. */
import type { CallCounts } from '../registries/counted.js';
import type { Load } from './contestant.js';
import type { ContestantId } from './contestants.js';
import type { PackedLedger, Window } from './ledger.js';

export interface LoadJob extends Load {
  readonly contestant: ContestantId;
}

/** Told one after the other; each is answered. */
export type LoadOrder = { readonly addTasks: true } | { readonly measure: Window };

export type LoadAnswer = 'ready' | 'added' | LoadReport;

export interface LoadReport {
  readonly ledger: PackedLedger;
  /** The next three belong to the time from `COUNTED_AHEAD_MS` before the window until so long before its end. */
  readonly cpuMicros: number;
  readonly calls: CallCounts;
  readonly rssBytes: number;
}

/** So that what is asked ahead of the first ticks counts, and what follows the last ones does not count twice. */
export const COUNTED_AHEAD_MS = 500;

/** A tick that has not started so long after the window's end is missed. */
export const GRACE_MS = 2_000;
