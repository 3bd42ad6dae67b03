import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { DistributedScheduleOptions } from './distributed-schedule.options.js';
import { PROVIDERS } from './distributed-schedule.providers.js';
import { DISTRIBUTED_SCHEDULE_OPTIONS } from './distributed-schedule.tokens.js';
import { schedulerExports, schedulerProviders } from './scheduler.providers.js';

/** What `forRoot` and `forRootAsync` take besides the options of the scheduler. */
export interface ModuleExtras {
  /** Whether what the module provides can be injected everywhere. @default true */
  isGlobal: boolean;
  /**
   * Sets a scheduler apart from others in the same application: decorators then say `scheduler: name`, and its service is
   * injected by `@InjectScheduler(name)`. It is also the default of the option `namespace`. @default none
   */
  name: string | undefined;
}

const DEFAULT_EXTRAS: ModuleExtras = { isGlobal: true, name: undefined };

const builder = new ConfigurableModuleBuilder<DistributedScheduleOptions>({
  optionsInjectionToken: DISTRIBUTED_SCHEDULE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createDistributedScheduleOptions')
  .setExtras(DEFAULT_EXTRAS, (definition, { isGlobal, name }) => ({
    ...definition,
    global: isGlobal,
    providers: [...(definition.providers ?? []), ...schedulerProviders(name)],
    exports: schedulerExports(name),
  }));

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } = builder.build();

/** What `DistributedScheduleModule.forRoot()` takes: the options, the scheduler's name, and whether the module is global. */
export type ForRootOptions = typeof OPTIONS_TYPE;

/** What `DistributedScheduleModule.forRootAsync()` takes. */
export type ForRootAsyncOptions = typeof ASYNC_OPTIONS_TYPE;

/** Holds the parts of one scheduler. Global by default; `DistributedScheduleModule` is what stands in the application's imports. */
@Module({ imports: [DiscoveryModule], providers: PROVIDERS })
export class DistributedScheduleCoreModule extends ConfigurableModuleClass {}
