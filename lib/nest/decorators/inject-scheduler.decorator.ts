import { Inject } from '@nestjs/common';
import { getSchedulerHealthToken, getSchedulerToken } from '../scheduler-tokens.js';

/**
 * Injects the `SchedulerService` of the scheduler with this name, as given to `forRoot({ name })`; without one the same as
 * by its class.
 *
 * @example
 * ```ts
 * constructor(@InjectScheduler('reports') private readonly reports: SchedulerService) {}
 * ```
 */
export function InjectScheduler(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getSchedulerToken(name));
}

/** Injects the `SchedulerHealthIndicator` of the scheduler with this name; without one the same as by its class. */
export function InjectSchedulerHealth(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getSchedulerHealthToken(name));
}
