import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { DistributedScheduleError } from '../core/common/errors.js';
import { isSchedulerModule, schedulerNameOf, type ModuleRecord } from './own-tokens.js';

/**
 * Two schedulers of one name in one application would both find every decorated method, and each tick would run twice.
 * Two applications in one process are no trouble.
 * @throws DistributedScheduleError `INVALID_OPTIONS` naming the modules that import it
 */
export function requireSingle(modules: ModulesContainer, outer: Type): void {
  const cores = new Map<string | undefined, ModuleRecord[]>();
  for (const core of [...modules.values()].filter(isSchedulerModule)) {
    const name = schedulerNameOf(core);
    cores.set(name, [...(cores.get(name) ?? []), core]);
  }
  const double = [...cores].find(([, same]) => same.length > 1);
  if (double)
    throw new DistributedScheduleError('INVALID_OPTIONS', doubleMessage(...double, [...modules.values()], outer));
}

function doubleMessage(
  name: string | undefined,
  cores: readonly ModuleRecord[],
  all: readonly ModuleRecord[],
  outer: Type,
): string {
  const outers = all.filter(({ metatype, imports }) => metatype === outer && cores.some((one) => imports.has(one)));
  const importers = all
    .filter(({ imports }) => outers.some((one) => imports.has(one)))
    .map(({ metatype }) => metatype.name);
  const [call, cure] =
    name === undefined
      ? ['forRoot()', "a name of its own, as forRoot({ name: 'reports' })"]
      : [`forRoot({ name: '${name}' })`, 'a name of its own'];
  return (
    `DistributedScheduleModule.${call} stands in the imports of ${[...new Set(importers)].join(' and of ')}: ${cores.length} times in one ` +
    `application, where every task would run as often. Keep the one in the root module; what it provides is global. A second scheduler needs ${cure}`
  );
}
