import { Module, type DynamicModule } from '@nestjs/common';
import type { TaskPolicies } from '../../core/task/policies.js';
import type { WithReferences } from '../references/with-references.js';

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
export class DistributedScheduleFeatureModule {
  static register(options: FeatureOptions): DynamicModule {
    return {
      module: DistributedScheduleFeatureModule,
      providers: [{ provide: FEATURE_OPTIONS, useValue: options }],
    };
  }
}
