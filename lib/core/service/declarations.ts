import { errorMessage } from '../common/errors.js';
import {
  requireHandler,
  requireMiddlewares,
  type TaskMiddleware,
  type TaskMiddlewareClass,
} from '../execution/middleware.js';
import type { Handler } from '../execution/task-run.js';
import { RegistryUnavailableError } from '../registry/registry-errors.js';
import { adopted } from '../scheduler/orphans.js';
import { Renames } from '../scheduler/renames.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import { TaskMover } from '../scheduler/task-mover.js';
import type { TaskInput } from '../task/task-definition.js';
import type { TaskCommands } from './task-commands.js';

/** A static task without a decorator: each replica declares it with its own function. */
export interface StaticTaskInput<P = unknown> extends Omit<TaskInput, 'handler'> {
  run: Handler<P>;
  /** Around each attempt, inside of the module's: functions, or objects with a method `use`. @default none */
  middleware?: readonly (TaskMiddleware | TaskMiddlewareClass)[];
}

interface Declaration {
  input: TaskInput;
  force: boolean;
  /** Registered by this process before. */
  done: boolean;
  /** It has been told that the task goes on under a former name. */
  isWaiting: boolean;
}

/** The tasks that this process declares in code, registered at every join. */
export class Declarations {
  private readonly noted = new Map<string, Declaration>();
  private readonly renames: Renames;
  private hasRenewedCalendars = false;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly commands: TaskCommands,
  ) {
    const { context, view, handlers, writer, options } = scheduler;
    this.renames = new Renames(context.catalog, view, handlers, new TaskMover(context, writer, options.random));
  }

  /** Notes a task with its function, and registers it at once where this node works. @throws `INVALID_TASK` */
  async define<P>(task: StaticTaskInput<P>, options: { force?: boolean }): Promise<void> {
    const { run, middleware = [], ...input } = task ?? ({} as StaticTaskInput<P>);
    this.commands.check(input);
    requireHandler(input.name, run);
    const middlewares = requireMiddlewares(input.name, middleware);
    const retryIf = input.retry?.retryIf;
    const origin = `defineTask('${input.name}')`;
    this.scheduler.handlers.define(input.name, run as Handler, origin, { middlewares, ...(retryIf && { retryIf }) });
    this.note(input, options);
    if (this.scheduler.state !== 'working') return;
    await this.scheduler.republish();
    await this.declare(input.name);
  }

  /** @throws DistributedScheduleError `INVALID_OPTIONS` where one of its aliases is the name of another task */
  note(input: TaskInput, { force = false }: { force?: boolean } = {}): void {
    for (const alias of input.aliases ?? []) this.scheduler.handlers.alias(input.name, alias);
    this.noted.set(input.name, { input, force, done: false, isWaiting: false });
  }

  /** A task that cannot be declared is told of and must not keep the node, with all other tasks, out of the cluster. */
  async declareAll(): Promise<void> {
    await this.declareEach([...this.noted.keys()]);
    await this.tolerantly(this.renewCalendars(), 'Tasks could not be given the calendars of this node');
  }

  /** At each resync: versions of the code that call a task by another name have come or gone. */
  settleRenames(): Promise<void> {
    const noted = [...this.noted.values()].filter(({ input }) =>
      this.renames.concerns(input.name, input.aliases ?? []),
    );
    return this.declareEach(noted.map(({ input }) => input.name));
  }

  async declare(name: string): Promise<void> {
    const declaration = this.noted.get(name)!;
    const { input, force, done } = declaration;
    await this.adopt(name);
    const settled = await this.renames.settle(name, input.aliases ?? [], (former) =>
      this.commands.hashesOf(input, former),
    );
    if (!settled.isFree) return this.tellOfWaiting(declaration);
    if (force && !done) await this.commands.put(input, 'static');
    else if ((await this.commands.declare(input, { again: done, ...settled })) === 'deleted' && !done) {
      const message = `Task "${name}" is declared in code but was deleted by an operator, and stays so; restoreTask brings it back`;
      this.scheduler.options.logger.warn(message);
    }
    declaration.done = true;
  }

  private async declareEach(names: readonly string[]): Promise<void> {
    const declare = (name: string): Promise<void> =>
      this.tolerantly(this.declare(name), `Task "${name}" could not be declared`);
    await Promise.all(names.map(declare));
  }

  private async tolerantly(work: Promise<unknown>, what: string): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (error instanceof RegistryUnavailableError) throw error;
      this.scheduler.options.logger.error(what, { reason: errorMessage(error) });
    }
  }

  private tellOfWaiting(declaration: Declaration): void {
    if (declaration.isWaiting) return;
    declaration.isWaiting = true;
    const { name, aliases = [] } = declaration.input;
    const message = `Task "${name}" goes on under its former name until no node is left that knows only that`;
    this.scheduler.options.logger.log(message, { aliases });
  }

  /** It may have been without any code until now, and even be purged this very moment. */
  private async adopt(name: string): Promise<void> {
    const { context, writer } = this.scheduler;
    if (context.catalog.get(name)?.doc.orphanedSince === undefined) return;
    if (!(await writer.change(name, adopted))) await writer.refresh(name);
  }

  /** Once per process, as with a changed declaration: a newer deploy may have changed them since. */
  private async renewCalendars(): Promise<void> {
    if (this.hasRenewedCalendars) return;
    const tasks = await this.commands.renewCalendars();
    this.hasRenewedCalendars = true;
    if (tasks.length > 0) this.scheduler.options.logger.log(`Tasks follow a changed calendar`, { tasks });
  }
}
