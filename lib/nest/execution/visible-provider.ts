import type { Type } from '@nestjs/common';
import type { Wrapper } from '../discovery/decorated-method.js';

export type NestModule = NonNullable<Wrapper['host']>;

/** What Nest would inject for this class into a provider of the module: its own, or what its imports export. */
export function visibleProvider(module: NestModule, type: Type): Wrapper | undefined {
  return module.providers.get(type) ?? firstOf(module.imports, (one) => exported(one, type, new Set()));
}

function exported(module: NestModule, type: Type, seen: Set<NestModule>): Wrapper | undefined {
  if (seen.has(module)) return undefined;
  seen.add(module);
  const own = module.exports.has(type) ? module.providers.get(type) : undefined;
  const reExported = [...module.imports].filter(({ metatype }) => module.exports.has(metatype));
  return own ?? firstOf(reExported, (one) => exported(one, type, seen));
}

export function firstOf<A, B>(all: Iterable<A>, find: (one: A) => B | undefined): B | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
