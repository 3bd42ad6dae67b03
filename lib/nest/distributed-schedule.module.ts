import {
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import {
  DistributedScheduleCoreModule,
  type ForRootAsyncOptions,
  type ForRootOptions,
} from './distributed-schedule-core.module.js';
import { DistributedScheduleFeatureModule, type FeatureOptions } from './features/feature.module.js';
import { FirstToCloseModule, SchedulerLifecycles } from './first-to-close.module.js';
import { SchedulerLifecycle } from './scheduler-lifecycle.js';
import { lifecycleToken } from './scheduler-tokens.js';
import { requireSingle } from './single-module.js';

/**
 * Cluster-wide scheduling. Import it once, in the root module; decorate methods of any provider or controller. A second
 * scheduler in the same application, with a registry or a namespace of its own, needs a `name`.
 *
 * It is not global itself, only what it exports is: Nest starts global modules first, and tasks want to start when everything
 * they use is there. At shutdown their runs end before anything else is closed.
 *
 * Call `app.enableShutdownHooks()`: without it Nest does not hear SIGTERM, the process dies in the middle of its runs,
 * and its tasks wait for the session to expire before another node takes them.
 *
 * @example
 * ```ts
 * @Module({ imports: [DistributedScheduleModule.forRoot()] })
 * @Module({ imports: [DistributedScheduleModule.forRootAsync(scheduleConfig.asProvider())] })
 * @Module({ imports: [DistributedScheduleModule.forRoot(), DistributedScheduleModule.forRoot({ name: 'reports' })] })
 * ```
 */
@Module({ imports: [FirstToCloseModule] })
export class DistributedScheduleModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly lifecycle: SchedulerLifecycle,
    private readonly lifecycles: SchedulerLifecycles,
  ) {
    lifecycles.all.add(lifecycle);
  }

  /** @param options every one may be left out; with none of them tasks run in this process alone */
  static forRoot(options: ForRootOptions = {}): DynamicModule {
    return around(DistributedScheduleCoreModule.forRoot(options), options.name);
  }

  /** Options from a factory, a class, or `config.asProvider()` of `@nestjs/config`. */
  static forRootAsync(options: ForRootAsyncOptions): DynamicModule {
    return around(DistributedScheduleCoreModule.forRootAsync(options), options.name);
  }

  /**
   * What the tasks of one module have in common: import it in the module whose providers and controllers are decorated. It
   * holds for them alone, not for modules that these import. Of defaults, those of a decorator go before those of the
   * feature, and these before the module's. Without any `forRoot()` the application does not start.
   */
  static forFeature(options: FeatureOptions): DynamicModule {
    return DistributedScheduleFeatureModule.register(options);
  }

  onModuleInit(): void {
    requireSingle(this.modules, DistributedScheduleModule);
  }

  /** Nothing starts before all schedulers of the application are found to be in order; if one cannot start, none goes on. */
  async onApplicationBootstrap(): Promise<void> {
    const all = [...this.lifecycles.all];
    await Promise.all(all.map((lifecycle) => lifecycle.prepare()));
    try {
      await this.lifecycle.start();
    } catch (error) {
      await Promise.all(all.map((lifecycle) => lifecycle.stop())); // Nest may not call the hooks of an application that failed
      throw error;
    }
  }

  onApplicationShutdown(): Promise<void> {
    return this.lifecycle.stop();
  }
}

/** @param name of the scheduler whose life follows that of the application */
function around(core: DynamicModule, name: string | undefined): DynamicModule {
  const providers = name === undefined ? [] : [{ provide: SchedulerLifecycle, useExisting: lifecycleToken(name) }];
  return { module: DistributedScheduleModule, imports: [core], providers, exports: [core] };
}
