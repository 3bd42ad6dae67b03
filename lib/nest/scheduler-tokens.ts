import type { InjectionToken } from '@nestjs/common';
import type { Registry } from '../core/registry/registry.js';
import { SchedulerService } from '../core/service/scheduler-service.js';
import { DISTRIBUTED_SCHEDULE_REGISTRY } from './distributed-schedule.tokens.js';
import { SchedulerHealthIndicator } from './health/scheduler-health.indicator.js';
import { SchedulerLifecycle } from './scheduler-lifecycle.js';

/**
 * What a scheduler is injected by: without a name the class `SchedulerService` itself.
 *
 * @param name as given to `forRoot({ name })`
 * @example app.get<SchedulerService>(getSchedulerToken('reports'))
 */
export function getSchedulerToken(name?: string): InjectionToken<SchedulerService> {
  return name === undefined ? SchedulerService : `SchedulerService:${name}`;
}

/** What the health indicator of a scheduler is injected by: without a name the class `SchedulerHealthIndicator` itself. */
export function getSchedulerHealthToken(name?: string): InjectionToken<SchedulerHealthIndicator> {
  return name === undefined ? SchedulerHealthIndicator : `SchedulerHealthIndicator:${name}`;
}

/** What the registry of a scheduler is injected, and in a test overridden, by: without a name `DISTRIBUTED_SCHEDULE_REGISTRY`. */
export function getSchedulerRegistryToken(name?: string): InjectionToken<Registry> {
  return name === undefined ? DISTRIBUTED_SCHEDULE_REGISTRY : `SchedulerRegistry:${name}`;
}

/** What the module that hears Nest's hooks takes. */
export function lifecycleToken(name?: string): InjectionToken<SchedulerLifecycle> {
  return name === undefined ? SchedulerLifecycle : `SchedulerLifecycle:${name}`;
}
