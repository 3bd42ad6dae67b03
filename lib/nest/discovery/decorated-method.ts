import type { DiscoveryService } from '@nestjs/core';
import type { MethodMark } from '../decorators/task-metadata.js';
import type { Feature } from '../features/features.js';

/** Nest's record of one provider or controller. */
export type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A provider or controller whose class has decorated methods. */
export interface DecoratedHost {
  readonly wrapper: Wrapper;
  readonly className: string;
  readonly moduleName: string;
  /** One instance for the whole application; else every call gets an instance of its own. */
  readonly isShared: boolean;
}

export interface DecoratedMethod {
  readonly host: DecoratedHost;
  readonly mark: MethodMark;
  /** Where it is declared, for people: `Billing.close`. */
  readonly place: string;
  /** What its module says about all of its methods. */
  readonly feature?: Feature | undefined;
}

/** Whether Nest keeps one instance: not for request-scoped, durable and transient providers. */
export function isShared(wrapper: Wrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}
