import type { InjectionToken, Provider } from '@nestjs/common';
import type { Clock } from '../core/common/clock.js';
import type { LoggerPort } from '../core/common/logger.js';
import type { Registry } from '../core/registry/registry.js';
import { Scheduler } from '../core/scheduler/scheduler.js';
import { SchedulerService } from '../core/service/scheduler-service.js';
import type { DistributedScheduleOptions } from './distributed-schedule.options.js';
import {
  DISTRIBUTED_SCHEDULE_CLOCK,
  DISTRIBUTED_SCHEDULE_LOGGER,
  DISTRIBUTED_SCHEDULE_SETTINGS,
} from './distributed-schedule.tokens.js';
import { SchedulerHealthIndicator } from './health/scheduler-health.indicator.js';
import { resolveCalendars } from './options/calendars.js';
import { createRegistry } from './options/registries.js';
import { resolveOptions } from './options/resolve-options.js';
import { OWN_SERVICE, SCHEDULER_NAME } from './own-tokens.js';
import { SchedulerLifecycle } from './scheduler-lifecycle.js';
import {
  getSchedulerHealthToken,
  getSchedulerRegistryToken,
  getSchedulerToken,
  lifecycleToken,
} from './scheduler-tokens.js';

/** What each scheduler of an application has under a token of its own. */
export function schedulerProviders(name: string | undefined): Provider[] {
  return [
    { provide: SCHEDULER_NAME, useValue: name },
    {
      provide: getSchedulerRegistryToken(name),
      useFactory: (settings: DistributedScheduleOptions, clock: Clock, logger: LoggerPort): Promise<Registry> =>
        createRegistry(settings.registry ?? { type: 'memory' }, { clock, logger }),
      inject: [DISTRIBUTED_SCHEDULE_SETTINGS, DISTRIBUTED_SCHEDULE_CLOCK, DISTRIBUTED_SCHEDULE_LOGGER],
    },
    {
      provide: Scheduler,
      useFactory: async (
        settings: DistributedScheduleOptions,
        registry: Registry,
        clock: Clock,
        logger: LoggerPort,
      ) => {
        const calendars = await resolveCalendars(settings.calendars);
        return new Scheduler(resolveOptions(settings, { registry, clock, logger, calendars }));
      },
      inject: [
        DISTRIBUTED_SCHEDULE_SETTINGS,
        getSchedulerRegistryToken(name),
        DISTRIBUTED_SCHEDULE_CLOCK,
        DISTRIBUTED_SCHEDULE_LOGGER,
      ],
    },
    {
      provide: getSchedulerToken(name),
      useFactory: (scheduler: Scheduler) => new SchedulerService(scheduler),
      inject: [Scheduler],
    },
    { provide: OWN_SERVICE, useExisting: getSchedulerToken(name) },
    {
      provide: getSchedulerHealthToken(name),
      useFactory: (service: SchedulerService) => new SchedulerHealthIndicator(service),
      inject: [OWN_SERVICE],
    },
    ...(name === undefined ? [] : [{ provide: lifecycleToken(name), useExisting: SchedulerLifecycle }]),
  ];
}

/** What the rest of the application sees of a scheduler. */
export function schedulerExports(name: string | undefined): InjectionToken[] {
  return [
    getSchedulerToken(name),
    getSchedulerHealthToken(name),
    getSchedulerRegistryToken(name),
    lifecycleToken(name),
  ];
}
