import type { EpochMs } from '../common/clock.js';
import type { Json } from '../common/json.js';
import type { ScheduleSpec, StoredSchedule } from '../schedule/schedule-spec.js';
import type { ResolvedPolicies, TaskPolicies } from './policies.js';

/** Where a task comes from: declared in code, or added at run time. */
export type TaskSource = 'static' | 'dynamic';

/** A task as a user gives it. */
export interface TaskInput extends TaskPolicies {
  /** Unique in the namespace: letters, digits and `_ . : -`, at most 200 characters. */
  name: string;
  schedule: ScheduleSpec;
  /** Which handler runs it: the id given to `@TaskHandler(id)`. @default the task's name */
  handler?: string;
  /** Handed to the handler as `run.payload`: JSON, at most 64 KiB. */
  payload?: unknown;
  /** Created, but paused. @default false */
  disabled?: boolean;
  /**
   * Former names, of a task declared in code: it goes on with their state, cursor and history. While a node is there that
   * knows only a former one, the task goes on under that, on all of them. @default none
   */
  aliases?: readonly string[];
}

/** The part of a task document that says what to run, when and how. Only policies that differ from the default are stored. */
export interface TaskDefinition {
  handler: string;
  schedule: StoredSchedule;
  policies?: Partial<ResolvedPolicies>;
  payload?: Json;
  source: TaskSource;
  description?: string;
  tags?: string[];
}

/**
 * States of a task:
 *
 * ```
 *              pause            resume
 *   active ───────────▶ paused ───────▶ active
 *   active ───────────▶ cancelled ────▶ active        (cancel, resume)
 *   active ───────────▶ completed                     (no tick left, `afterRun: 'keep'`)
 *   any    ───────────▶ deleted ──────▶ active        (delete, restore): a tombstone that keeps the definition
 *   any    ───────────▶ renamed                       (alias): static ones; all of it is there under another name
 *   any    ───────────▶ purged                        (purge): a marker while every trace is removed, then nothing
 * ```
 *
 * Only an `active` task has ticks.
 */
export type TaskState = (typeof TASK_STATES)[number];

export const TASK_STATES = ['active', 'paused', 'cancelled', 'completed', 'deleted', 'renamed', 'purged'] as const;

/** Where a task has gone, or is going, under another name. */
export interface TaskRename {
  to: string;
  /** Names its life there. */
  generation: string;
  step: 'asked' | 'moving' | 'done';
  /** The state it had, and has again there. */
  state: TaskState;
  /** Hash of its declaration there, where that says what the one here said. */
  declared?: string;
}

/** Past ticks to run once more, as it was asked for. */
export interface BackfillRequest {
  id: string;
  from: EpochMs;
  to: EpochMs;
  /** Which of the ticks in [from, to]: those without a success, or all. */
  only: 'unsuccessful' | 'all';
  requestedAt: EpochMs;
}

/** What is stored at `tasks/<name>`. */
export interface TaskDocument {
  definition: TaskDefinition;
  /** Names this life of the task: units carry it, so a re-created task shares nothing with its former self. */
  generation: string;
  state: TaskState;
  /** Ticks at or before this instant do not exist for the task: set at creation, schedule change and resume. */
  since: EpochMs;
  createdAt: EpochMs;
  updatedAt: EpochMs;
  /** Hash of the definition as declared in code, to tell a changed declaration from an operator's change. */
  declared?: string;
  /** As a tombstone: the state it comes back to. */
  was?: TaskState;
  /** When it was last brought back from its tombstone: starts before that are none of its. */
  restoredAt?: EpochMs;
  /** Why it was paused or cancelled. */
  note?: string;
  /** Of a static task: since when no node has had its code. */
  orphanedSince?: EpochMs;
  /** With state `renamed`. */
  rename?: TaskRename;
  /** The latest backfill; how far it has come stands in the units. */
  backfill?: BackfillRequest;
}

/** @returns `undefined` where the text is no task document (written by hand, or by a version we do not know). */
export function decodeTask(text: string): TaskDocument | undefined {
  try {
    const doc = JSON.parse(text) as TaskDocument;
    const sound = typeof doc.generation === 'string' && typeof doc.state === 'string' && Number.isFinite(doc.since);
    return sound && typeof doc.definition?.handler === 'string' && doc.definition.schedule ? doc : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the task is there for its users: neither a tombstone nor gone. */
export function isLive(doc: TaskDocument): boolean {
  return doc.state !== 'deleted' && isPresent(doc);
}

/** Whether the document holds a task, be it as a tombstone: it neither is purged nor has it another name. */
export function isPresent(doc: TaskDocument | undefined): doc is TaskDocument {
  return doc !== undefined && doc.state !== 'purged' && doc.state !== 'renamed';
}
