import type { Provider } from '@nestjs/common';
import { systemClock } from '../core/common/clock.js';
import { Explorer } from './discovery/explorer.js';
import { HandlerFactory } from './discovery/handler-factory.js';
import { MetadataAccessor } from './discovery/metadata-accessor.js';
import { Registrar } from './discovery/registrar.js';
import { SettledMethods } from './discovery/settled-methods.js';
import {
  DISTRIBUTED_SCHEDULE_CLOCK,
  DISTRIBUTED_SCHEDULE_LOGGER,
  DISTRIBUTED_SCHEDULE_OPTIONS,
  DISTRIBUTED_SCHEDULE_SETTINGS,
} from './distributed-schedule.tokens.js';
import { Features } from './features/features.js';
import { loadTracing, TRACING } from './execution/tracing.js';
import { EVENT_EMITTER, EventBridge, loadEventEmitter } from './execution/event-bridge.js';
import { Enhancers } from './execution/enhancers.js';
import { RunInstances } from './execution/run-instances.js';
import { TaskMiddlewares } from './execution/task-middlewares.js';
import { NestLogger } from './nest-logger.js';
import { requireOptions } from './options/option-problems.js';
import { SCHEDULER_NAME } from './own-tokens.js';
import { ReferenceAnswers } from './references/reference-answers.js';
import { SchedulerLifecycle } from './scheduler-lifecycle.js';

/** The parts of a scheduler that nobody outside sees. None of them connects to anything before the start. */
export const PROVIDERS: Provider[] = [
  { provide: DISTRIBUTED_SCHEDULE_CLOCK, useValue: systemClock },
  {
    provide: DISTRIBUTED_SCHEDULE_LOGGER,
    useFactory: (name: string | undefined) => new NestLogger(name),
    inject: [SCHEDULER_NAME],
  },
  {
    provide: DISTRIBUTED_SCHEDULE_SETTINGS,
    useFactory: requireOptions,
    inject: [DISTRIBUTED_SCHEDULE_OPTIONS, SCHEDULER_NAME],
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
  ReferenceAnswers,
  Features,
  SettledMethods,
  Registrar,
  SchedulerLifecycle,
];
