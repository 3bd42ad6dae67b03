import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { DistributedScheduleOptions } from './distributed-schedule.options.js';
import { PROVIDERS } from './distributed-schedule.providers.js';
import { DISTRIBUTED_SCHEDULE_OPTIONS, DISTRIBUTED_SCHEDULE_REGISTRY } from './distributed-schedule.tokens.js';
import { SchedulerHealthIndicator } from './health/scheduler-health.indicator.js';
import { SchedulerLifecycle } from './scheduler-lifecycle.js';
import { SchedulerService } from '../core/service/scheduler-service.js';

const builder = new ConfigurableModuleBuilder<DistributedScheduleOptions>({
  optionsInjectionToken: DISTRIBUTED_SCHEDULE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createDistributedScheduleOptions')
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }));

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } = builder.build();

/** What `DistributedScheduleModule.forRoot()` takes: the options, and whether the module is global. */
export type ForRootOptions = typeof OPTIONS_TYPE;

/** What `DistributedScheduleModule.forRootAsync()` takes. */
export type ForRootAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

const exported = [SchedulerService, SchedulerHealthIndicator, SchedulerLifecycle, DISTRIBUTED_SCHEDULE_REGISTRY];

/** Holds the providers. Global by default; `DistributedScheduleModule` is what stands in the application's imports. */
@Module({ imports: [DiscoveryModule], providers: PROVIDERS, exports: exported })
export class DistributedScheduleCoreModule extends ConfigurableModuleClass {}
