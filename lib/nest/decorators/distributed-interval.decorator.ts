import type { Duration } from '../../core/common/duration.js';
import type { WithExceptions } from '../../core/schedule/schedule-spec.js';
import type { Referable, WithReferences } from '../references/with-references.js';
import { markMethod, type DecoratedTaskOptions } from './task-metadata.js';

/**
 * Runs the method again and again: once per interval in the whole cluster, whoever restarts in between. Intervals are
 * counted from the moment the task was first declared, not from a node's start.
 *
 * @param every as each of the options, it may be given by `fromConfig` or `fromProviders`
 * @example
 * ```ts
 * @DistributedInterval('30s', { name: 'outbox.flush' })
 * async flush() {}
 * ```
 */
export function DistributedInterval(
  every: Referable<Duration>,
  options: WithReferences<DecoratedTaskOptions & WithExceptions> = {},
): MethodDecorator {
  const plain = options as DecoratedTaskOptions & WithExceptions;
  return markMethod('@DistributedInterval', { kind: 'task', schedule: every, specOf, options: plain });
}

function specOf(every: unknown): unknown {
  return { every };
}
