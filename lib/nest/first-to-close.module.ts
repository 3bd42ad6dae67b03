import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { SchedulerLifecycle } from './scheduler-lifecycle.js';

/** Closer to the root than the root itself, whose distance is one. */
const BEFORE_ROOT = -1;

/** The lives of all schedulers of an application. */
@Injectable()
export class SchedulerLifecycles {
  readonly all = new Set<SchedulerLifecycle>();
}

/**
 * Lets runs end before anything they use is closed, wherever that stands in the application.
 *
 * Nest closes in three rounds, `onModuleDestroy`, `beforeApplicationShutdown`, HTTP, `onApplicationShutdown`, and most
 * providers close their connections in the first. A round goes from module to module, by distance from the root, and of
 * equal distance those imported last come first: a database could close before its tasks have ended. So this module says
 * that it stands before the root, and its round comes before all others'.
 */
@Module({ providers: [SchedulerLifecycles], exports: [SchedulerLifecycles] })
export class FirstToCloseModule implements OnModuleDestroy {
  constructor(
    modules: ModulesContainer,
    private readonly lifecycles: SchedulerLifecycles,
  ) {
    for (const own of modules.values()) if (own.metatype === FirstToCloseModule) own.distance = BEFORE_ROOT;
  }

  async onModuleDestroy(): Promise<void> {
    const all = [...this.lifecycles.all];
    await Promise.all(all.map((lifecycle) => lifecycle.leave()));
    await Promise.all(all.map((lifecycle) => lifecycle.drain()));
  }
}
