import type { Referable } from '../references/with-references.js';
import { markMethod } from './task-metadata.js';

/**
 * Makes the method the target of dynamic tasks: of those added with `handler: id`, or, without an id, of every task
 * that no other handler takes. A node is given only tasks whose handler it has.
 *
 * @example
 * ```ts
 * @TaskHandler('send-report')
 * async send(run: TaskRun<{ tenant: string }>) {}
 *
 * await scheduler.addTask({ name: 'report:acme', handler: 'send-report', schedule: { cron: '0 8 * * *' }, payload: { tenant: 'acme' } });
 * ```
 */
export function TaskHandler(id?: Referable<string>): MethodDecorator {
  return markMethod('@TaskHandler', { kind: 'handler', id });
}
