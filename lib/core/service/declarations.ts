import { errorMessage } from '../common/errors.js';
import { RegistryUnavailableError } from '../registry/registry-errors.js';
import { adopted } from '../scheduler/orphans.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { TaskInput } from '../task/task-definition.js';
import type { TaskCommands } from './task-commands.js';

interface Declaration {
  input: TaskInput;
  force: boolean;
  /** Registered by this process before. */
  done: boolean;
}

/** The tasks that this process declares in code, registered at every join. */
export class Declarations {
  private readonly noted = new Map<string, Declaration>();
  private hasRenewedCalendars = false;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly commands: TaskCommands,
  ) {}

  note(input: TaskInput, { force = false }: { force?: boolean } = {}): void {
    this.noted.set(input.name, { input, force, done: false });
  }

  /** A task that cannot be declared is told of and must not keep the node, with all other tasks, out of the cluster. */
  async declareAll(): Promise<void> {
    const { logger } = this.scheduler.options;
    const tolerantly = (work: Promise<unknown>, what: string): Promise<unknown> =>
      work.catch((error: unknown) => {
        if (error instanceof RegistryUnavailableError) throw error;
        logger.error(what, { reason: errorMessage(error) });
      });
    await Promise.all(
      [...this.noted.keys()].map((name) => tolerantly(this.declare(name), `Task "${name}" could not be declared`)),
    );
    await tolerantly(this.renewCalendars(), 'Tasks could not be given the calendars of this node');
  }

  async declare(name: string): Promise<void> {
    const declaration = this.noted.get(name)!;
    const { input, force, done } = declaration;
    await this.adopt(name);
    if (force && !done) await this.commands.put(input, 'static');
    else if ((await this.commands.declare(input, { again: done })) === 'deleted' && !done) {
      const message = `Task "${name}" is declared in code but was deleted by an operator, and stays so; restoreTask brings it back`;
      this.scheduler.options.logger.warn(message);
    }
    declaration.done = true;
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
