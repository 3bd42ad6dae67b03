import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import type { TaskMiddleware, TaskMiddlewareClass } from '../../core/execution/middleware.js';

/** A middleware as Nest applications name it: a function, an instance, or the class of a provider. */
export type TaskMiddlewareItem = TaskMiddleware | TaskMiddlewareClass | Type<TaskMiddlewareClass>;

/** By method; those of the class itself under `undefined`. */
export type MiddlewareMarks = ReadonlyMap<string | symbol | undefined, readonly TaskMiddlewareItem[]>;

/** In the global symbol registry, as the marks of methods are. */
export const MIDDLEWARE_MARKS = Symbol.for('nestjs-distributed-schedule/middleware-marks');

/**
 * Puts middlewares around the method's attempts, or around those of all decorated methods of the class. The order is that
 * of reading: the module's, the class's, the method's; of one list the first is outermost. A class is taken from the
 * module that provides the decorated one, or from what that module imports; it may be request-scoped. Where a child class
 * decorates anew, its parent's list for the same class or method is replaced. On a method that is neither a task nor a
 * handler it keeps the application from starting.
 *
 * @example
 * ```ts
 * @UseTaskMiddleware(Audit)
 * @Injectable()
 * export class Billing {
 *   @UseTaskMiddleware((run, next) => transaction(() => next()))
 *   @DistributedCron('0 2 * * *', { name: 'billing.close' })
 *   async close() {}
 * }
 * ```
 */
export function UseTaskMiddleware(...items: TaskMiddlewareItem[]): ClassDecorator & MethodDecorator {
  return (target: object, method?: string | symbol): void => {
    const owner = typeof target === 'function' ? target : target.constructor;
    const marks = (Reflect.getOwnMetadata(MIDDLEWARE_MARKS, owner) ?? new Map()) as MiddlewareMarks;
    // The decorators of one method run from the bottom up; in the list they stand as in the source.
    const list = [...items, ...(marks.get(method) ?? [])];
    Reflect.defineMetadata(MIDDLEWARE_MARKS, new Map([...marks, [method, list]]), owner);
  };
}
