import { Inject } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';

/**
 * Injects the {@link TaskRun} into a provider and makes that provider request-scoped: each attempt of a run gets an
 * instance of its own. It is Nest's `REQUEST`, so in a provider that also serves HTTP it is the HTTP request there.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class Ledger {
 *   constructor(@InjectTaskRun() private readonly run: TaskRun) {}
 * }
 * ```
 */
export function InjectTaskRun(): ParameterDecorator & PropertyDecorator {
  return Inject(REQUEST);
}
