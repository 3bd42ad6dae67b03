import { DEFAULT_HANDLER } from '../cluster/node-record.js';
import { DistributedScheduleError } from '../common/errors.js';
import type { TaskSource } from '../task/task-definition.js';
import type { Handler } from './task-run.js';

/** The handlers this process has, by id. */
export class HandlerTable {
  private readonly handlers = new Map<string, { handler: Handler; origin: string }>();

  /**
   * @param origin where it is declared, for the error that names both places
   * @throws DistributedScheduleError `INVALID_OPTIONS` where the id is taken
   */
  add(id: string, handler: Handler, origin: string): void {
    const taken = this.handlers.get(id);
    if (taken) {
      const [what, cure] =
        id === DEFAULT_HANDLER
          ? ['There are two default handlers', 'Give one of them an id']
          : [`Two handlers or tasks are named "${id}"`, 'Give one of them another name'];
      throw new DistributedScheduleError('INVALID_OPTIONS', `${what}: ${taken.origin} and ${origin}. ${cure}`);
    }
    this.handlers.set(id, { handler, origin });
  }

  /** As `add`; the same origin may define its own handler anew. */
  define(id: string, handler: Handler, origin: string): void {
    if (this.handlers.get(id)?.origin === origin) this.handlers.delete(id);
    this.add(id, handler, origin);
  }

  /**
   * Makes a handler known under a former name too.
   * @throws DistributedScheduleError `INVALID_OPTIONS` where another one has that name
   */
  alias(id: string, former: string): void {
    const { handler, origin } = this.handlers.get(id)!;
    this.define(former, handler, origin);
  }

  remove(id: string): void {
    this.handlers.delete(id);
  }

  has(need: { handler: string; source: TaskSource }): boolean {
    return this.find(need) !== undefined;
  }

  /** A static task runs only where its own code is: the default handler stands in for dynamic ones alone. */
  find({ handler, source }: { handler: string; source: TaskSource }): Handler | undefined {
    const own = this.handlers.get(handler);
    return (own ?? (source === 'dynamic' ? this.handlers.get(DEFAULT_HANDLER) : undefined))?.handler;
  }

  ids(): string[] {
    return [...this.handlers.keys()];
  }
}
