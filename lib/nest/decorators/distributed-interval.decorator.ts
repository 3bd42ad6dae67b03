import type { Duration } from '../../core/common/duration.js';
import type { WithExceptions } from '../../core/schedule/schedule-spec.js';
import { markMethod, type DecoratedTaskOptions } from './task-metadata.js';

/**
 * Runs the method again and again: once per interval in the whole cluster, whoever restarts in between. Intervals are
 * counted from the moment the task was first declared, not from a node's start.
 *
 * @example
 * ```ts
 * @DistributedInterval('30s', { name: 'outbox.flush' })
 * async flush() {}
 * ```
 */
export function DistributedInterval(
  every: Duration,
  options: DecoratedTaskOptions & WithExceptions = {},
): MethodDecorator {
  return markMethod('@DistributedInterval', { kind: 'task', schedule: { every }, options });
}
