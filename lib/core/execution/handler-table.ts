import { DistributedScheduleError } from '../common/errors.js';
import type { Handler } from './task-run.js';

/** The id of the handler that takes every task which has no handler of its own. */
const DEFAULT_ID = '*';

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
        id === DEFAULT_ID
          ? ['There are two default handlers', 'Give one of them an id']
          : [`Two handlers or tasks are named "${id}"`, 'Give one of them another name'];
      throw new DistributedScheduleError('INVALID_OPTIONS', `${what}: ${taken.origin} and ${origin}. ${cure}`);
    }
    this.handlers.set(id, { handler, origin });
  }

  remove(id: string): void {
    this.handlers.delete(id);
  }

  has(id: string): boolean {
    return this.handlers.has(id) || this.handlers.has(DEFAULT_ID);
  }

  find(id: string): Handler | undefined {
    return (this.handlers.get(id) ?? this.handlers.get(DEFAULT_ID))?.handler;
  }

  ids(): string[] {
    return [...this.handlers.keys()];
  }
}
