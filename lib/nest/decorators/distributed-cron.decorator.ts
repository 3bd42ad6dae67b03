import { markMethod, type DecoratedTaskOptions } from './task-metadata.js';

export interface DistributedCronOptions extends DecoratedTaskOptions {
  /** An IANA name, as `'Europe/London'`. @default the module's `timeZone`, which is UTC */
  timeZone?: string;
}

/**
 * Runs the method on a cron schedule: each tick once, on one node of the cluster. Repeatable, if each has a `name`.
 *
 * Guarantee: a tick is settled once, for ever; with the default `recovery: 'none'` the method starts at most once per
 * tick. The method gets a {@link TaskRun}; it may take no argument at all. What it throws is recorded and never ends
 * the process.
 *
 * @param expression 5 fields, or 6 with seconds first; or a `Date`, for one tick at that instant
 * @example
 * ```ts
 * @DistributedCron('0 2 * * *', { name: 'billing.close', timeZone: 'Europe/London', timeout: '10m' })
 * async close(run: TaskRun) {}
 * ```
 */
export function DistributedCron(expression: string | Date, options: DistributedCronOptions = {}): MethodDecorator {
  const schedule = expression instanceof Date ? { at: expression } : { cron: expression };
  return markMethod('@DistributedCron', { kind: 'task', schedule, options });
}
