import type { Duration } from '../../core/common/duration.js';
import { markMethod, type DecoratedTaskOptions } from './task-metadata.js';

/**
 * Runs the method once in the cluster: so long after the task was first declared, or at an instant. A restart does not
 * run it again, as long as the declaration stays as it is; what becomes of it afterwards says `afterRun`.
 *
 * @example
 * ```ts
 * @DistributedTimeout('5s', { name: 'cache.warm-up' })
 * async warmUp() {}
 * ```
 */
export function DistributedTimeout(delay: Duration | Date, options: DecoratedTaskOptions = {}): MethodDecorator {
  const schedule = delay instanceof Date ? { at: delay } : { delay };
  return markMethod('@DistributedTimeout', { kind: 'task', schedule, options });
}
