import type { LocalScheduleOptions, ScheduleSpec } from '../../core/schedule/schedule-spec.js';
import type { Referable, WithReferences } from '../references/with-references.js';
import { markMethod, type DecoratedTaskOptions } from './task-metadata.js';

export interface DistributedCronOptions extends DecoratedTaskOptions, LocalScheduleOptions {}

/**
 * Runs the method on a cron schedule, or on any other: each tick once, on one node of the cluster. Repeatable, if each has
 * a `name`.
 *
 * Guarantee: a tick is settled once, for ever; with the default `recovery: 'none'` the method starts at most once per
 * tick. The method gets a {@link TaskRun}; it may take no argument at all. What it throws is recorded and never ends
 * the process.
 *
 * @param schedule a cron expression of 5 fields, or 6 with seconds first; a `Date`, for one tick at that instant; or a
 * schedule of another kind, as `{ daily: '02:00' }`; or `fromConfig` or `fromProviders`, which may stand for any of these
 * @param options each may be given by `fromConfig` or `fromProviders`
 * @example
 * ```ts
 * @DistributedCron('0 2 * * *', { name: 'billing.close', timeZone: 'Europe/London', timeout: '10m' })
 * async close(run: TaskRun) {}
 *
 * @DistributedCron({ monthly: { day: 'last', at: '18:00' } }, { name: 'billing.statements', timeZone: 'Europe/London' })
 * async statements() {}
 * ```
 */
export function DistributedCron(
  schedule: Referable<string | Date | Exclude<ScheduleSpec, 'now'>>,
  options: WithReferences<DistributedCronOptions> = {},
): MethodDecorator {
  return markMethod('@DistributedCron', { kind: 'task', schedule, specOf, options: options as DistributedCronOptions });
}

function specOf(given: unknown): unknown {
  return given instanceof Date ? { at: given } : typeof given === 'string' ? { cron: given } : given;
}
