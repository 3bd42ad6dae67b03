import type { EpochMs } from '../common/clock.js';
import { DistributedScheduleError, taskError } from '../common/errors.js';
import { randomId } from '../common/ids.js';
import { nearest } from '../common/nearest.js';
import { scheduleProblems } from '../schedule/schedule-problems.js';
import {
  normalizeSchedule,
  sameSchedule,
  type ScheduleContext,
  type ScheduleSpec,
  withCalendars,
} from '../schedule/schedule-spec.js';
import type { DeclaredAs } from '../scheduler/task-mover.js';
import type { TaskDecision } from '../scheduler/task-writer.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { KnownTask } from '../task/catalog.js';
import { isLive, isPresent, type TaskDocument, type TaskInput, type TaskSource } from '../task/task-definition.js';
import { type DefinitionContext, definitionProblems, defineTask } from '../task/validate.js';
import { requireName } from './arguments.js';
import { PayloadChecks } from './payload-checks.js';
import {
  afterHalt,
  beginsAnew,
  hasSameTicks,
  isOver,
  isPutAgain,
  redefine,
  replace,
  withNewCalendars,
} from './redefine.js';

export type Edit = (doc: TaskDocument, now: EpochMs) => TaskDocument | undefined;

/**
 * Changes of tasks, each a conditional write: two admins at once never lose an update. When the promise resolves the
 * change is in force on every node, however stale that node's own view is.
 */
export class TaskCommands {
  private readonly payloads: PayloadChecks;

  constructor(private readonly scheduler: Scheduler) {
    this.payloads = new PayloadChecks(scheduler.handlers);
  }

  /** @throws `TASK_EXISTS`, `TASK_DELETED`, `INVALID_TASK`, also for a payload that the handler on this node refuses */
  async add(input: TaskInput): Promise<KnownTask> {
    await this.scheduler.reach();
    const fresh = this.newDocument(input, 'dynamic');
    this.refusePast(input.name, fresh);
    await this.payloads.require(input.name, fresh.definition);
    return this.create(input.name, (doc) => {
      if (doc?.generation === fresh.generation) return undefined; // an earlier attempt of this write went through
      refuseOnTheMove(input.name, doc);
      if (doc?.state === 'deleted') throw deleted(input.name, 'add');
      if (doc && isLive(doc)) {
        throw taskError(
          'TASK_EXISTS',
          input.name,
          `There is a task "${input.name}" already. Use putTask to replace it, or another name`,
        );
      }
      return fresh;
    });
  }

  /** Everything wrong with a task declared in code, each problem with its path. */
  problemsOf(input: TaskInput): string[] {
    return definitionProblems(input, this.definitionContext('static'));
  }

  /** @throws `INVALID_TASK` where it could not be added as it is */
  check(input: TaskInput): void {
    this.newDocument(input, 'static');
  }

  /** Creates or replaces, clearing a tombstone. A task that goes on keeps its cursor and history. */
  async put(input: TaskInput, source: TaskSource = 'dynamic'): Promise<KnownTask> {
    await this.scheduler.reach();
    const fresh = this.newDocument(input, source);
    await this.payloads.require(input.name, fresh.definition);
    return this.create(input.name, (doc) => {
      if (doc?.generation === fresh.generation) return undefined; // an earlier attempt of this write went through
      refuseOnTheMove(input.name, doc);
      // put again at a restart, as its caller does each time: what has had its ticks is left as it is
      if (doc && isPutAgain(doc, fresh)) return undefined;
      if (isOver(fresh)) {
        if (doc && isLive(doc) && hasSameTicks(doc.definition, fresh.definition)) return undefined;
        this.refusePast(input.name, fresh);
      }
      return doc && isLive(doc) && doc.state !== 'completed' ? redefine(doc, fresh) : replace(doc, fresh);
    });
  }

  /**
   * A task declared in code, as each replica declares it. The code wins where its declaration has changed; where it has
   * not, whatever an operator made of the task stays, be it a schedule, a pause or a tombstone. `again`: this process has
   * declared it before, and only makes good what the registry has lost; a newer deploy may have changed it since.
   * `over`: the generation of a renamed task that may be written over.
   */
  async declare(
    input: TaskInput,
    { again = false, over }: { again?: boolean; over?: string } = {},
  ): Promise<'declared' | 'unchanged' | 'deleted'> {
    const held = this.scheduler.context.catalog.get(input.name)?.doc;
    // at every join, for every static task: not worth defining it anew to find that it is there
    if (again && isPresent(held) && isDeclared(held)) return held.state === 'deleted' ? 'deleted' : 'unchanged';
    await this.scheduler.reach();
    const fresh = this.newDocument(input, 'static');
    const settled = (doc: TaskDocument | undefined): 'unchanged' | 'deleted' | undefined =>
      doc?.state === 'deleted'
        ? 'deleted'
        : doc && isLive(doc) && ((again && isDeclared(doc)) || doc.declared === fresh.declared)
          ? 'unchanged'
          : doc?.rename && doc.generation !== over
            ? 'unchanged' // on its way to or from another name; the next resync declares it
            : undefined;
    const known = settled(held);
    if (known) return known;
    let outcome: 'declared' | 'unchanged' | 'deleted' = 'declared';
    await this.create(input.name, (doc) => {
      outcome = settled(doc) ?? 'declared';
      if (outcome !== 'declared') return undefined;
      return doc && isLive(doc) && doc.definition.source === 'static' && doc.state !== 'completed'
        ? redefine(doc, fresh)
        : replace(doc, fresh);
    });
    if (outcome === 'declared' && isOver(fresh))
      this.scheduler.options.logger.warn(
        `Task "${input.name}" is declared in code and has no tick left: it never runs`,
      );
    return outcome;
  }

  /** Hash of the task's declaration, as it would be under another name and as it is. */
  hashesOf(input: TaskInput, former: string): DeclaredAs {
    const hash = (handler: string): string => this.newDocument({ ...input, handler }, 'static').declared!;
    return { former: hash(former), name: hash(input.name) };
  }

  /** Leaves a tombstone that every node knows; a plain add of the name then fails. */
  delete(name: string): Promise<KnownTask> {
    return this.edit(name, (doc, now) =>
      doc.state === 'deleted' ? undefined : { ...doc, state: 'deleted', was: doc.state, updatedAt: now },
    );
  }

  /** Brings a deleted task back with its definition, cursor and history; what fell due meanwhile is not made up for. */
  restore(name: string): Promise<KnownTask> {
    return this.change(name, (doc, now) => {
      if (doc.state !== 'deleted')
        throw taskError('TASK_STATE', name, `Task "${name}" is ${doc.state}, not deleted: there is nothing to restore`);
      const { was = 'active', definition, orphanedSince: _until, ...rest } = doc;
      const schedule = withCalendars(definition.schedule, this.terms().calendars ?? {});
      return {
        ...rest,
        definition: { ...definition, schedule },
        state: was,
        since: beginsAnew(doc, now),
        restoredAt: now,
        updatedAt: now,
      };
    });
  }

  async purge(name: string): Promise<void> {
    requireName(name);
    await this.scheduler.reach();
    return this.scheduler.writer.purge(name);
  }

  /** @throws `INVALID_SCHEDULE` */
  async updateSchedule(name: string, spec: ScheduleSpec): Promise<KnownTask> {
    const problems = scheduleProblems(spec, 'schedule');
    if (problems.length > 0)
      throw taskError(
        'INVALID_SCHEDULE',
        name,
        `The new schedule of task "${name}" is not valid: ${problems.join('; ')}`,
      );
    await this.scheduler.reach();
    // 'now' is this moment, however often the write has to be tried
    const asked = { ...this.terms(), seed: name };
    return this.edit(name, ({ backfill: _backfill, ...doc }, now) => {
      const { startAt, maxRuns } = doc.definition.policies ?? {};
      const schedule = normalizeSchedule(spec, { ...asked, ...(startAt !== undefined && { startAt }) });
      if (sameSchedule(schedule, doc.definition.schedule)) return undefined;
      const definition = { ...doc.definition, schedule };
      const changed = { ...doc, definition, since: Math.min(now, asked.now), updatedAt: now };
      this.refusePast(name, changed);
      const state = doc.state === 'completed' ? 'active' : doc.state;
      // what has had all its runs begins to count anew
      const generation = state !== doc.state && maxRuns !== undefined ? this.newGeneration() : doc.generation;
      return { ...changed, state, generation, since: afterHalt(doc, changed) };
    });
  }

  /** Gives tasks that name a calendar of this node's options its days as they are there now; ticks begin anew then. */
  async renewCalendars(): Promise<string[]> {
    const { calendars = {} } = this.scheduler.options;
    const renewed = (doc: TaskDocument, now: EpochMs): TaskDocument | undefined => {
      const next = withNewCalendars(doc, calendars, now);
      const isOverBy = ({ definition, since }: TaskDocument): boolean =>
        isOver({ definition, since: Math.max(since, now) });
      return next && isOverBy(next) && !isOverBy(doc) ? undefined : next; // a calendar that ends a task is most likely wrong
    };
    const outdated = [...this.scheduler.context.catalog.values()].filter(
      ({ doc }) => isLive(doc) && renewed(doc, this.scheduler.context.clock.now()) !== undefined,
    );
    await Promise.all(outdated.map(({ name }) => this.edit(name, renewed)));
    return outdated.map(({ name }) => name);
  }

  /** The task as this node knows it. @throws `TASK_NOT_FOUND`, naming the nearest known name */
  require(name: string): KnownTask {
    requireName(name);
    const { catalog } = this.scheduler.context;
    const task = catalog.get(name);
    if (task && isLive(task.doc)) return task;
    if (task?.doc.state === 'deleted') throw deleted(name, 'use');
    throw this.notFound(name, task?.doc);
  }

  /** The task as it is in the registry now. @throws as `require` */
  async readAnew(name: string): Promise<KnownTask> {
    requireName(name);
    await this.scheduler.reach();
    await this.scheduler.writer.refresh(name);
    return this.require(name);
  }

  private notFound(name: string, doc: TaskDocument | undefined): DistributedScheduleError {
    const { catalog } = this.scheduler.context;
    if (doc?.rename) return taskError('TASK_NOT_FOUND', name, `Task "${name}" is called "${doc.rename.to}" now`);
    const guess = nearest(
      name,
      [...catalog.values()].map((known) => known.name),
    );
    return taskError('TASK_NOT_FOUND', name, `There is no task "${name}"${guess ? `; did you mean "${guess}"?` : ''}`);
  }

  /** A change of a task that is there for its users; `undefined` leaves it as it is. */
  edit(name: string, edit: Edit): Promise<KnownTask> {
    return this.change(name, (doc, now) => {
      if (doc.state === 'deleted') throw deleted(name, 'change');
      return edit(doc, now);
    });
  }

  private async change(name: string, edit: Edit): Promise<KnownTask> {
    requireName(name);
    return this.write(name, (doc) => {
      if (!isPresent(doc)) throw this.notFound(name, doc);
      return edit(doc, this.scheduler.context.clock.now());
    });
  }

  private async create(name: string, decide: TaskDecision): Promise<KnownTask> {
    return (await this.scheduler.writer.create(name, decide))!;
  }

  private async write(name: string, decide: TaskDecision): Promise<KnownTask> {
    await this.scheduler.reach();
    return (await this.scheduler.writer.change(name, decide))!;
  }

  private newDocument(input: TaskInput, source: TaskSource): TaskDocument {
    const context = this.definitionContext(source);
    const { now } = context;
    const { definition, declared } = defineTask(input, context);
    return {
      definition,
      generation: this.newGeneration(),
      state: input.disabled ? 'paused' : 'active',
      since: now,
      createdAt: now,
      updatedAt: now,
      ...(source === 'static' && { declared }),
      ...(input.disabled && { note: 'disabled in its definition' }),
    };
  }

  private definitionContext(source: TaskSource): DefinitionContext {
    const { defaults, version, groups } = this.scheduler.options;
    return { ...this.terms(), defaults, source, ...(version !== undefined && { version }), ...(groups && { groups }) };
  }

  /** What a schedule is read by: the time, the zone and the calendars of this node. */
  private terms(): Pick<ScheduleContext, 'now' | 'timeZone' | 'calendars'> {
    const { timeZone, calendars = {} } = this.scheduler.options;
    return { now: this.scheduler.context.clock.now(), timeZone, calendars };
  }

  private newGeneration(): string {
    return randomId(this.scheduler.options.random, 10);
  }

  private refusePast(name: string, doc: TaskDocument): void {
    const { schedule } = doc.definition;
    if (!isOver(doc)) return;
    if (!('at' in schedule))
      throw taskError(
        'INVALID_SCHEDULE',
        name,
        `Task "${name}" has no tick from now on: see its endAt, and its exceptions`,
      );
    throw taskError(
      'INVALID_SCHEDULE',
      name,
      `Task "${name}" is to run at ${new Date(schedule.at).toISOString()}, which has passed. Use 'now' to run it at once`,
    );
  }
}

/** Half of the task is under another name already. */
function refuseOnTheMove(name: string, doc: TaskDocument | undefined): void {
  if (!doc?.rename || doc.rename.step === 'done') return;
  const message = `Task "${name}" is being renamed to "${doc.rename.to}" at this moment. Try again in a minute`;
  throw new DistributedScheduleError('TASK_STATE', message, { task: name, retryable: true });
}

/** What came under this name from another one has yet to be declared under this one. */
function isDeclared({ definition, declared }: TaskDocument): boolean {
  return definition.source !== 'static' || declared !== undefined;
}

function deleted(name: string, what: string): DistributedScheduleError {
  return taskError(
    'TASK_DELETED',
    name,
    `Task "${name}" has been deleted; it is no task to ${what}. Use restoreTask to bring it back, putTask to write it anew or purgeTask to forget it`,
  );
}
