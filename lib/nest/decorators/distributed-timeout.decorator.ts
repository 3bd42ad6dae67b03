import type { Duration } from '../../core/common/duration.js';
import type { Referable, WithReferences } from '../references/with-references.js';
import { markMethod, type DecoratedTaskOptions } from './task-metadata.js';

/**
 * Runs the method once in the cluster: so long after the task was first declared, or at an instant. A restart does not
 * run it again, as long as the declaration stays as it is; what becomes of it afterwards says `afterRun`.
 *
 * @param delay as each of the options, it may be given by `fromConfig` or `fromProviders`; from there, text as
 * `'2030-01-31T09:00:00Z'` is an instant
 * @example
 * ```ts
 * @DistributedTimeout('5s', { name: 'cache.warm-up' })
 * async warmUp() {}
 * ```
 */
export function DistributedTimeout(
  delay: Referable<Duration | Date>,
  options: WithReferences<DecoratedTaskOptions> = {},
): MethodDecorator {
  const plain = options as DecoratedTaskOptions;
  return markMethod('@DistributedTimeout', { kind: 'task', schedule: delay, specOf, options: plain });
}

/** A configuration has instants as text. */
const INSTANT = /^\d{4}-\d{2}/;

function specOf(given: unknown): unknown {
  const isInstant = given instanceof Date || (typeof given === 'string' && INSTANT.test(given));
  return isInstant ? { at: given } : { delay: given };
}
