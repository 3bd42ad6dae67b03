import type { EpochMs } from '../common/clock.js';
import type { Json } from '../common/json.js';
import type { KnownTask } from '../task/catalog.js';
import type { ResolvedPolicies } from '../task/policies.js';
import type { StoredSchedule } from '../schedule/schedule-spec.js';
import type { TaskSource, TaskState } from '../task/task-definition.js';

/** A task as callers see it. */
export interface TaskView {
  name: string;
  state: TaskState;
  source: TaskSource;
  handler: string;
  schedule: StoredSchedule;
  /** The schedule in words. */
  scheduleText: string;
  policies: ResolvedPolicies;
  payload?: Json;
  description?: string;
  tags: string[];
  /** The first tick after now; absent where the task has none. */
  nextTick?: Date;
  createdAt: Date;
  updatedAt: Date;
  /** Why it is paused or cancelled. */
  note?: string;
  /** Of a task declared in code: since when no node has had that code. Option `orphans` says when it is purged. */
  orphanedSince?: Date;
}

export function viewOf({ name, doc, schedule, policies }: KnownTask, now: EpochMs): TaskView {
  const { definition, state, note, createdAt, updatedAt, orphanedSince } = doc;
  const next = state === 'active' ? schedule.next(Math.max(now, doc.since)) : undefined;
  return {
    name,
    state,
    source: definition.source,
    handler: definition.handler,
    schedule: definition.schedule,
    scheduleText: schedule.describe(),
    policies,
    tags: definition.tags ?? [],
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
    ...(definition.payload !== undefined && { payload: definition.payload }),
    ...(definition.description !== undefined && { description: definition.description }),
    ...(next !== undefined && { nextTick: new Date(next) }),
    ...(note !== undefined && { note }),
    ...(orphanedSince !== undefined && { orphanedSince: new Date(orphanedSince) }),
  };
}
