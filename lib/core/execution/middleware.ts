import { isObservable, lastValueFrom } from 'rxjs';
import { show } from '../common/show.js';
import { isThenable } from '../common/thenable.js';
import { invalidTask } from '../task/validate.js';
import type { Handler, TaskRun } from './task-run.js';

/**
 * Wraps each attempt of a run: call `next` to go on inwards, return what it gives or something else, look at what it
 * throws, or do not call it at all. What a middleware throws fails the attempt, which is retried as the task's policies
 * say.
 *
 * Guarantee: an attempt is not over before everything that `next` began has ended, also where the middleware did not wait
 * for it; a failure of it that the middleware never looked at fails the attempt.
 *
 * @example
 * ```ts
 * const timed: TaskMiddleware = async (run, next) => {
 *   const stop = histogram.startTimer({ task: run.task });
 *   try {
 *     return await next();
 *   } finally {
 *     stop();
 *   }
 * };
 * ```
 */
export type TaskMiddleware = (run: TaskRun, next: () => Promise<unknown>) => unknown;

/** A middleware with dependencies: an injectable provider, named by its class. See {@link TaskMiddleware}. */
export interface TaskMiddlewareClass {
  use(run: TaskRun, next: () => Promise<unknown>): unknown;
}

/** The function of a middleware given as a function or an object; `undefined` where it is neither. */
export function middlewareOf(given: unknown): TaskMiddleware | undefined {
  if (typeof given === 'function') return isClass(given) ? undefined : (given as TaskMiddleware);
  const object = given as TaskMiddlewareClass | null | undefined;
  return typeof object?.use === 'function' ? (run, next) => object.use(run, next) : undefined;
}

/** Whether it is the class itself, of which somebody has to make an instance. */
export function isMiddlewareClass(given: unknown): given is new (...args: never[]) => TaskMiddlewareClass {
  return typeof given === 'function' && typeof (given.prototype as TaskMiddlewareClass | undefined)?.use === 'function';
}

function isClass(given: Function): boolean {
  return isMiddlewareClass(given) || /^class\b/.test(Function.prototype.toString.call(given));
}

/** @throws DistributedScheduleError `INVALID_TASK` where it is no function */
export function requireHandler(task: string, run: unknown): void {
  if (typeof run === 'function') return;
  throw invalidTask(task, [`run: ${show(run)} is no function; give the one that the task runs`]);
}

/** @throws DistributedScheduleError `INVALID_TASK` naming the task and everything that is no middleware */
export function requireMiddlewares(task: string, given: unknown): TaskMiddleware[] {
  const expected = 'a function (run, next) => …, or an object with a method use(run, next)';
  if (!Array.isArray(given)) throw invalidTask(task, [`middleware: ${show(given)} is no list; give [${expected}]`]);
  const problems: string[] = [];
  const middlewares = given.flatMap((one: unknown, index) => {
    const middleware = middlewareOf(one);
    if (middleware) return middleware;
    const what = isMiddlewareClass(one) ? `the class ${one.name}` : show(one);
    problems.push(`middleware[${index}]: ${what} is no middleware; give ${expected}`);
    return [];
  });
  if (problems.length > 0) throw invalidTask(task, problems);
  return middlewares;
}

/** The handler with these around it, the first outermost. */
export function around(middlewares: readonly TaskMiddleware[], handler: Handler): Handler {
  const innermost: Handler = (run) => lastValue(handler(run));
  return middlewares.reduceRight<Handler>((inner, middleware) => within(middleware, inner), innermost);
}

function within(middleware: TaskMiddleware, inner: Handler): Handler {
  return async (run) => {
    const begun: { work: Promise<unknown>; outcome: Outcome }[] = [];
    let isOver = false;
    const next = (): Promise<unknown> => {
      const work = isOver ? Promise.reject(tooLate(run)) : (async () => inner(run))();
      const outcome = new Outcome((resolve) => resolve(work));
      begun.push({ work, outcome });
      return outcome;
    };
    const ended = async (): Promise<void> => {
      isOver = true;
      const results = await Promise.allSettled(begun.map(({ work }) => work));
      const unseen = results.find((result, index) => result.status === 'rejected' && !begun[index]!.outcome.isSeen);
      if (unseen?.status === 'rejected') throw unseen.reason;
    };
    let value: unknown;
    try {
      value = await lastValue(middleware(run, next));
    } catch (error) {
      await ended().catch(() => undefined);
      throw error;
    }
    await ended();
    return value;
  };
}

/** Knows whether anybody looked at it. Where nobody does, it must neither be lost nor end the process. */
class Outcome extends Promise<unknown> {
  isSeen = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(...args: ConstructorParameters<typeof Promise<unknown>>) {
    super(...args);
    super.then(undefined, () => undefined);
  }

  // oxlint-disable-next-line no-thenable -- awaiting it is what it exists for
  override then<A = unknown, B = never>(...listeners: Parameters<typeof Promise.prototype.then<A, B>>): Promise<A | B> {
    this.isSeen = true;
    return super.then(...listeners);
  }
}

/** Another call would let the handler go on after its run is recorded as over. */
function tooLate({ id, task }: TaskRun): Error {
  return new Error(`A middleware of task "${task}" called next() after it had returned; run ${id} is over`);
}

/** Of an observable, also of a promised one, its last value, once it has completed. */
function lastValue(value: unknown): unknown {
  if (isObservable(value)) return lastValueFrom(value, { defaultValue: undefined });
  return isThenable(value) ? Promise.resolve(value).then(lastValue) : value;
}
