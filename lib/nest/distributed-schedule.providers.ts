import type { Provider } from '@nestjs/common';
import { systemClock, type Clock } from '../core/common/clock.js';
import type { LoggerPort } from '../core/common/logger.js';
import type { Registry } from '../core/registry/registry.js';
import { Scheduler } from '../core/scheduler/scheduler.js';
import { SchedulerService } from '../core/service/scheduler-service.js';
import { Explorer } from './discovery/explorer.js';
import { HandlerFactory } from './discovery/handler-factory.js';
import { MetadataAccessor } from './discovery/metadata-accessor.js';
import { Registrar } from './discovery/registrar.js';
import type { DistributedScheduleOptions } from './distributed-schedule.options.js';
import {
  DISTRIBUTED_SCHEDULE_CLOCK,
  DISTRIBUTED_SCHEDULE_LOGGER,
  DISTRIBUTED_SCHEDULE_OPTIONS,
  DISTRIBUTED_SCHEDULE_REGISTRY,
  DISTRIBUTED_SCHEDULE_SETTINGS,
} from './distributed-schedule.tokens.js';
import { loadTracing, TRACING } from './execution/tracing.js';
import { EVENT_EMITTER, EventBridge, loadEventEmitter } from './execution/event-bridge.js';
import { Enhancers } from './execution/enhancers.js';
import { RunInstances } from './execution/run-instances.js';
import { TaskMiddlewares } from './execution/task-middlewares.js';
import { SchedulerHealthIndicator } from './health/scheduler-health.indicator.js';
import { NestLogger } from './nest-logger.js';
import { resolveCalendars } from './options/calendars.js';
import { requireOptions } from './options/option-problems.js';
import { createRegistry } from './options/registries.js';
import { resolveOptions } from './options/resolve-options.js';
import { SchedulerLifecycle } from './scheduler-lifecycle.js';

/** Every part of the module, from the options to the service. None of them connects to anything before the start. */
export const PROVIDERS: Provider[] = [
  { provide: DISTRIBUTED_SCHEDULE_CLOCK, useValue: systemClock },
  { provide: DISTRIBUTED_SCHEDULE_LOGGER, useClass: NestLogger },
  { provide: DISTRIBUTED_SCHEDULE_SETTINGS, useFactory: requireOptions, inject: [DISTRIBUTED_SCHEDULE_OPTIONS] },
  {
    provide: DISTRIBUTED_SCHEDULE_REGISTRY,
    useFactory: (settings: DistributedScheduleOptions, clock: Clock, logger: LoggerPort): Promise<Registry> =>
      createRegistry(settings.registry ?? { type: 'memory' }, { clock, logger }),
    inject: [DISTRIBUTED_SCHEDULE_SETTINGS, DISTRIBUTED_SCHEDULE_CLOCK, DISTRIBUTED_SCHEDULE_LOGGER],
  },
  {
    provide: Scheduler,
    useFactory: async (settings: DistributedScheduleOptions, registry: Registry, clock: Clock, logger: LoggerPort) => {
      const calendars = await resolveCalendars(settings.calendars);
      return new Scheduler(resolveOptions(settings, { registry, clock, logger, calendars }));
    },
    inject: [
      DISTRIBUTED_SCHEDULE_SETTINGS,
      DISTRIBUTED_SCHEDULE_REGISTRY,
      DISTRIBUTED_SCHEDULE_CLOCK,
      DISTRIBUTED_SCHEDULE_LOGGER,
    ],
  },
  {
    provide: SchedulerService,
    useFactory: (scheduler: Scheduler) => new SchedulerService(scheduler),
    inject: [Scheduler],
  },
  { provide: EVENT_EMITTER, useFactory: loadEventEmitter, inject: [DISTRIBUTED_SCHEDULE_SETTINGS] },
  { provide: TRACING, useFactory: loadTracing, inject: [DISTRIBUTED_SCHEDULE_SETTINGS] },
  EventBridge,
  MetadataAccessor,
  Explorer,
  RunInstances,
  Enhancers,
  TaskMiddlewares,
  HandlerFactory,
  Registrar,
  SchedulerLifecycle,
  SchedulerHealthIndicator,
];
