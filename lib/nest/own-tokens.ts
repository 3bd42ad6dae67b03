import type { ModulesContainer } from '@nestjs/core';

/** Nest's record of a module. */
export type ModuleRecord = ReturnType<ModulesContainer['get']> & {};

/** The name of a scheduler, in the module that holds its parts; `undefined` where it has none. */
export const SCHEDULER_NAME = Symbol('SCHEDULER_NAME');

/** The `SchedulerService` of the same module: by its class every module would find the one without a name. */
export const OWN_SERVICE = Symbol('OWN_SERVICE');

/** The names of all schedulers of the application, `undefined` for the one without. */
export function schedulerNames(modules: ModulesContainer): (string | undefined)[] {
  return [...modules.values()].filter(isSchedulerModule).map(schedulerNameOf);
}

export function isSchedulerModule({ providers }: ModuleRecord): boolean {
  return providers.has(SCHEDULER_NAME);
}

export function schedulerNameOf({ providers }: ModuleRecord): string | undefined {
  return providers.get(SCHEDULER_NAME)?.instance as string | undefined;
}
