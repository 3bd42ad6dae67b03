import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { DistributedScheduleError } from '../../core/common/errors.js';
import type { TaskPolicies } from '../../core/task/policies.js';
import { schedulerNames, type ModuleRecord } from '../own-tokens.js';
import type { WithReferences } from '../references/with-references.js';
import { strangerProblem } from '../stranger-problem.js';

/** The options of a feature, as they were given. */
export const FEATURE_OPTIONS = Symbol('FEATURE_OPTIONS');

/**
 * What holds for the decorated methods of one module.
 *
 * @example
 * ```ts
 * DistributedScheduleModule.forFeature({ namePrefix: 'billing.', defaults: { timeout: '10m', retry: { attempts: 3 } } })
 * ```
 */
export interface FeatureOptions {
  /**
   * Policies of the tasks that do not set them themselves. They go before module option `defaults`, each as a whole: a `retry`
   * here replaces the one there. `fromConfig` and `fromProviders` may stand for any of them. @default none
   */
  defaults?: WithReferences<Omit<TaskPolicies, 'description' | 'tags' | 'startAt' | 'endAt'>>;
  /** Stands before the name of each task, also of those named after class and method. Ids of handlers stay as they are. @default '' */
  namePrefix?: string;
  /** The name of the scheduler of all decorated methods that name none. @default the scheduler without a name */
  scheduler?: string;
}

/** Stands among the imports of a module whose decorated methods have something in common. */
@Module({})
export class DistributedScheduleFeatureModule implements OnModuleInit {
  static register(options: FeatureOptions): DynamicModule {
    return {
      module: DistributedScheduleFeatureModule,
      providers: [{ provide: FEATURE_OPTIONS, useValue: options }],
    };
  }

  constructor(private readonly modules: ModulesContainer) {}

  /** Without any scheduler nobody would look at features, and what is decorated would never run. */
  onModuleInit(): void {
    if (schedulerNames(this.modules).length > 0) return;
    const lines = [...this.modules.values()].flatMap((module) =>
      featuresOf(module).map((given) => `\n  - ${module.name} (forFeature): ${missing(given)}`),
    );
    throw new DistributedScheduleError(
      'INVALID_OPTIONS',
      `The application has no scheduler, so no decorated method would ever run:${lines.join('')}`,
    );
  }
}

/** What the imports of a module say of it, each as it was given: more than one is a mistake. */
export function featuresOf({ imports }: ModuleRecord): unknown[] {
  return [...imports].flatMap(({ providers }) => {
    const feature = providers.get(FEATURE_OPTIONS);
    return feature ? [feature.instance as unknown] : [];
  });
}

function missing(given: unknown): string {
  const { scheduler } = (given ?? {}) as FeatureOptions;
  return scheduler === undefined
    ? 'import DistributedScheduleModule.forRoot() in the root module'
    : strangerProblem(scheduler, []);
}
