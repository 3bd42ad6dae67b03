import { DEFAULT_HANDLER } from '../cluster/node-record.js';
import { DistributedScheduleError } from '../common/errors.js';
import type { TaskSource } from '../task/task-definition.js';
import type { TaskMiddleware } from './middleware.js';
import type { RetryIf } from './retry-if.js';
import type { Handler } from './task-run.js';

export interface HandlerEntry {
  readonly handler: Handler;
  /** Where it is declared, for people. */
  readonly origin: string;
  /** Around each attempt, the first outermost. */
  readonly middlewares: readonly TaskMiddleware[];
  /** Judges what fails, whatever stands around the handler. */
  readonly retryIf?: RetryIf;
}

/** What may stand with a handler. */
export type HandlerExtras = Partial<Pick<HandlerEntry, 'middlewares' | 'retryIf'>>;

/** The handlers this process has, by id. */
export class HandlerTable {
  private readonly handlers = new Map<string, HandlerEntry>();
  private readonly everywhere: TaskMiddleware[] = [];

  /** Around each attempt of every handler, outside of the handler's own. */
  get middlewares(): readonly TaskMiddleware[] {
    return this.everywhere;
  }

  /** Puts these around every handler, inside of those that are there. */
  use(...middlewares: readonly TaskMiddleware[]): void {
    this.everywhere.push(...middlewares);
  }

  /**
   * @param origin where it is declared, for the error that names both places
   * @throws DistributedScheduleError `INVALID_OPTIONS` where the id is taken
   */
  add(id: string, handler: Handler, origin: string, extras: HandlerExtras = {}): void {
    const taken = this.handlers.get(id);
    if (taken) {
      const [what, cure] =
        id === DEFAULT_HANDLER
          ? ['There are two default handlers', 'Give one of them an id']
          : [`Two handlers or tasks are named "${id}"`, 'Give one of them another name'];
      throw new DistributedScheduleError('INVALID_OPTIONS', `${what}: ${taken.origin} and ${origin}. ${cure}`);
    }
    const { middlewares = [], retryIf } = extras;
    this.handlers.set(id, { handler, origin, middlewares, ...(retryIf && { retryIf }) });
  }

  /** As `add`; the same origin may define its own handler anew. */
  define(id: string, handler: Handler, origin: string, extras: HandlerExtras = {}): void {
    if (this.handlers.get(id)?.origin === origin) this.handlers.delete(id);
    this.add(id, handler, origin, extras);
  }

  /**
   * Makes a handler known under a former name too.
   * @throws DistributedScheduleError `INVALID_OPTIONS` where another one has that name
   */
  alias(id: string, former: string): void {
    const { handler, origin, ...extras } = this.handlers.get(id)!;
    this.define(former, handler, origin, extras);
  }

  remove(id: string): void {
    this.handlers.delete(id);
  }

  has(need: { handler: string; source: TaskSource }): boolean {
    return this.find(need) !== undefined;
  }

  /** A static task runs only where its own code is: the default handler stands in for dynamic ones alone. */
  find({ handler, source }: { handler: string; source: TaskSource }): HandlerEntry | undefined {
    const own = this.handlers.get(handler);
    return own ?? (source === 'dynamic' ? this.handlers.get(DEFAULT_HANDLER) : undefined);
  }

  ids(): string[] {
    return [...this.handlers.keys()];
  }
}
