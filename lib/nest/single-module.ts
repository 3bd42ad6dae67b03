import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { DistributedScheduleError } from '../core/common/errors.js';

/**
 * Two schedulers in one application would both find every decorated method, and each tick would run twice.
 * Two applications in one process are no trouble.
 * @throws DistributedScheduleError `INVALID_OPTIONS` naming the modules that import it
 */
export function requireSingle(modules: ModulesContainer, core: Type, outer: Type): void {
  const all = [...modules.values()];
  const cores = all.filter(({ metatype }) => metatype === core);
  if (cores.length < 2) return;
  const outers = all.filter(({ metatype, imports }) => metatype === outer && cores.some((one) => imports.has(one)));
  const importers = all
    .filter(({ imports }) => outers.some((one) => imports.has(one)))
    .map(({ metatype }) => metatype.name);
  const message =
    `DistributedScheduleModule.forRoot() stands in the imports of ${[...new Set(importers)].join(' and of ')}: ${cores.length} times in one ` +
    'application, where every task would run as often. Keep the one in the root module; what it provides is global';
  throw new DistributedScheduleError('INVALID_OPTIONS', message);
}
