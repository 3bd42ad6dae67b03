import type { EpochMs } from '../common/clock.js';
import { DistributedScheduleError, type ErrorCode } from '../common/errors.js';
import { randomId } from '../common/ids.js';
import { nearest } from '../common/nearest.js';
import { normalizeSchedule, sameSchedule, scheduleProblems, type ScheduleSpec } from '../schedule/schedule-spec.js';
import type { TaskDecision } from '../scheduler/task-writer.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { KnownTask } from '../task/catalog.js';
import { isLive, type TaskDocument, type TaskInput, type TaskSource } from '../task/task-definition.js';
import { defineTask } from '../task/validate.js';

type Edit = (doc: TaskDocument, now: EpochMs) => TaskDocument | undefined;

/**
 * Changes of tasks, each a conditional write: two admins at once never lose an update. When the promise resolves the
 * change is in force on every node, however stale that node's own view is.
 */
export class TaskCommands {
  constructor(private readonly scheduler: Scheduler) {}

  /** @throws `TASK_EXISTS`, `TASK_DELETED`, `INVALID_TASK` */
  async add(input: TaskInput): Promise<KnownTask> {
    const fresh = this.newDocument(input, 'dynamic');
    this.refusePast(input.name, fresh);
    return this.create(input.name, (doc) => {
      if (doc?.generation === fresh.generation) return undefined; // an earlier attempt of this write went through
      if (doc?.state === 'deleted') throw deleted(input.name, 'add');
      if (doc && isLive(doc)) {
        throw failure(
          'TASK_EXISTS',
          input.name,
          `There is a task "${input.name}" already. Use putTask to replace it, or another name`,
        );
      }
      return fresh;
    });
  }

  /** Creates or replaces, clearing a tombstone. A task that goes on keeps its cursor and history. */
  async put(input: TaskInput, source: TaskSource = 'dynamic'): Promise<KnownTask> {
    const fresh = this.newDocument(input, source);
    this.refusePast(input.name, fresh);
    return this.create(input.name, (doc) => {
      if (doc?.updatedAt === fresh.updatedAt && sameJson(doc.definition, fresh.definition) && doc.state === fresh.state)
        return undefined;
      return doc && isLive(doc) && doc.state !== 'completed' ? redefine(doc, fresh) : fresh;
    });
  }

  /**
   * A task declared in code, as each replica declares it. The code wins where its declaration has changed; where it has
   * not, whatever an operator made of the task stays, be it a schedule, a pause or a tombstone.
   */
  async declare(input: TaskInput): Promise<'declared' | 'unchanged' | 'deleted'> {
    const fresh = this.newDocument(input, 'static');
    const settled = (doc: TaskDocument | undefined): 'unchanged' | 'deleted' | undefined =>
      doc?.state === 'deleted'
        ? 'deleted'
        : doc && isLive(doc) && doc.declared === fresh.declared
          ? 'unchanged'
          : undefined;
    const known = settled(this.scheduler.context.catalog.get(input.name)?.doc);
    if (known) return known;
    let outcome: 'declared' | 'unchanged' | 'deleted' = 'declared';
    await this.create(input.name, (doc) => {
      outcome = settled(doc) ?? 'declared';
      if (outcome !== 'declared') return undefined;
      return doc && isLive(doc) && doc.definition.source === 'static' && doc.state !== 'completed'
        ? redefine(doc, fresh)
        : fresh;
    });
    return outcome;
  }

  /** Leaves a tombstone that every node knows; a plain add of the name then fails. */
  delete(name: string): Promise<KnownTask> {
    return this.edit(name, (doc, now) =>
      doc.state === 'deleted' ? undefined : { ...doc, state: 'deleted', updatedAt: now },
    );
  }

  /** Brings a deleted task back with its definition, cursor and history; what fell due meanwhile is not made up for. */
  restore(name: string): Promise<KnownTask> {
    return this.change(name, (doc, now) => {
      if (doc.state !== 'deleted')
        throw failure('TASK_STATE', name, `Task "${name}" is ${doc.state}, not deleted: there is nothing to restore`);
      return { ...doc, state: 'active', since: now, updatedAt: now };
    });
  }

  async purge(name: string): Promise<void> {
    await this.scheduler.reach();
    return this.scheduler.writer.purge(name);
  }

  /** No ticks until resumed. Runs that are going on end by themselves. */
  pause(name: string, note?: string): Promise<KnownTask> {
    return this.halt(name, 'paused', note);
  }

  cancel(name: string, note?: string): Promise<KnownTask> {
    return this.halt(name, 'cancelled', note);
  }

  /** Goes on with the next tick; a task with a single tick whose time has passed runs at once. */
  resume(name: string): Promise<KnownTask> {
    return this.edit(name, (doc, now) => {
      if (doc.state === 'active') return undefined;
      if (doc.state === 'completed')
        throw failure(
          'TASK_STATE',
          name,
          `Task "${name}" is completed: it has no tick left. Give it another schedule with putTask`,
        );
      const { note: _note, ...rest } = doc;
      const { schedule } = doc.definition;
      const overdue = 'at' in schedule && schedule.at > doc.since && schedule.at <= now;
      const definition = overdue ? { ...doc.definition, schedule: { at: now + 1 } } : doc.definition;
      return { ...rest, definition, state: 'active', since: now, updatedAt: now };
    });
  }

  /** @throws `INVALID_SCHEDULE` */
  async updateSchedule(name: string, spec: ScheduleSpec): Promise<KnownTask> {
    const problems = scheduleProblems(spec, 'schedule');
    if (problems.length > 0)
      throw failure(
        'INVALID_SCHEDULE',
        name,
        `The new schedule of task "${name}" is not valid: ${problems.join('; ')}`,
      );
    return this.edit(name, (doc, now) => {
      const schedule = normalizeSchedule(spec, { now, timeZone: this.scheduler.options.timeZone });
      if (sameSchedule(schedule, doc.definition.schedule)) return undefined;
      const state = doc.state === 'completed' ? 'active' : doc.state;
      return { ...doc, state, definition: { ...doc.definition, schedule }, since: now, updatedAt: now };
    });
  }

  /** The task as this node knows it. @throws `TASK_NOT_FOUND`, naming the nearest known name */
  require(name: string): KnownTask {
    const { catalog } = this.scheduler.context;
    const task = catalog.get(name);
    if (task && isLive(task.doc)) return task;
    if (task?.doc.state === 'deleted') throw deleted(name, 'use');
    const guess = nearest(
      name,
      [...catalog.values()].map((known) => known.name),
    );
    throw failure('TASK_NOT_FOUND', name, `There is no task "${name}"${guess ? `; did you mean "${guess}"?` : ''}`);
  }

  private halt(name: string, state: 'paused' | 'cancelled', note: string | undefined): Promise<KnownTask> {
    return this.edit(name, (doc, now) => {
      if (doc.state === 'completed')
        throw failure('TASK_STATE', name, `Task "${name}" is completed: it has no tick left`);
      return doc.state === state && doc.note === note
        ? undefined
        : { ...doc, state, updatedAt: now, ...(note !== undefined && { note }) };
    });
  }

  /** A change of a task that is there for its users. */
  private edit(name: string, edit: Edit): Promise<KnownTask> {
    return this.change(name, (doc, now) => {
      if (doc.state === 'deleted') throw deleted(name, 'change');
      return edit(doc, now);
    });
  }

  private change(name: string, edit: Edit): Promise<KnownTask> {
    return this.write(name, (doc) => {
      if (!doc || doc.state === 'purged') {
        this.scheduler.context.catalog.forget(name);
        this.require(name);
      }
      return edit(doc!, this.scheduler.context.clock.now());
    });
  }

  private async create(name: string, decide: TaskDecision): Promise<KnownTask> {
    await this.scheduler.reach();
    return (await this.scheduler.writer.create(name, decide))!;
  }

  private async write(name: string, decide: TaskDecision): Promise<KnownTask> {
    await this.scheduler.reach();
    return (await this.scheduler.writer.change(name, decide))!;
  }

  private newDocument(input: TaskInput, source: TaskSource): TaskDocument {
    const { context, options } = this.scheduler;
    const now = context.clock.now();
    const { timeZone, defaults } = options;
    const { definition, declared } = defineTask(input, { now, timeZone, defaults, source });
    return {
      definition,
      generation: randomId(options.random, 10),
      state: input.disabled ? 'paused' : 'active',
      since: now,
      createdAt: now,
      updatedAt: now,
      ...(source === 'static' && { declared }),
      ...(input.disabled && { note: 'disabled in its definition' }),
    };
  }

  private refusePast(name: string, { definition: { schedule }, since }: TaskDocument): void {
    if (!('at' in schedule) || schedule.at > since) return;
    throw failure(
      'INVALID_SCHEDULE',
      name,
      `Task "${name}" is to run at ${new Date(schedule.at).toISOString()}, which has passed. Use 'now' to run it at once`,
    );
  }
}

/** The task goes on under its new definition; only a changed schedule begins anew. */
function redefine(doc: TaskDocument, fresh: TaskDocument): TaskDocument {
  const same = sameSchedule(doc.definition.schedule, fresh.definition.schedule);
  const schedule = same ? doc.definition.schedule : fresh.definition.schedule;
  const { generation, createdAt } = doc;
  return {
    ...fresh,
    generation,
    createdAt,
    since: same && doc.state === 'active' ? doc.since : fresh.since,
    definition: { ...fresh.definition, schedule },
  };
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function deleted(name: string, what: string): DistributedScheduleError {
  return failure(
    'TASK_DELETED',
    name,
    `Task "${name}" has been deleted; it is no task to ${what}. Use restoreTask to bring it back, putTask to write it anew or purgeTask to forget it`,
  );
}

function failure(code: ErrorCode, task: string, message: string): DistributedScheduleError {
  return new DistributedScheduleError(code, message, { task });
}
