import type { PayloadOf, PayloadSchema } from '../../core/execution/payload-schema.js';
import type { TaskRun } from '../../core/execution/task-run.js';
import type { Referable } from '../references/with-references.js';
import { markMethod, type TaskHandlerOptions } from './task-metadata.js';

/** Fits methods that can take what the schema gives: another one does not compile. */
export type PayloadHandlerDecorator<S extends PayloadSchema> = <M extends (run: TaskRun<PayloadOf<S>>) => unknown>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Makes the method the target of dynamic tasks: of those added with `handler: id`, or, without an id, of every task
 * that no other handler takes. A node is given only tasks whose handler it has.
 *
 * @param id it may be given by `fromConfig` or `fromProviders`
 * @example
 * ```ts
 * @TaskHandler('send-report', { payload: z.object({ tenant: z.string() }) })
 * async send(run: TaskRun<{ tenant: string }>) {}
 *
 * await scheduler.addTask({ name: 'report:acme', handler: 'send-report', schedule: { cron: '0 8 * * *' }, payload: { tenant: 'acme' } });
 * ```
 */
export function TaskHandler<S extends PayloadSchema>(
  id: Referable<string> | undefined,
  options: TaskHandlerOptions<S> & { payload: S },
): PayloadHandlerDecorator<S>;
export function TaskHandler(id?: Referable<string>, options?: TaskHandlerOptions): MethodDecorator;
export function TaskHandler(id?: Referable<string>, options: TaskHandlerOptions = {}): MethodDecorator {
  return markMethod('@TaskHandler', { kind: 'handler', id, options });
}
