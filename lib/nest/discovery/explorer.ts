import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { isShared, type DecoratedHost, type DecoratedMethod, type Wrapper } from './decorated-method.js';
import { MetadataAccessor } from './metadata-accessor.js';

export interface Exploration {
  methods: DecoratedMethod[];
  problems: string[];
}

/** Finds the decorated methods of all providers and controllers of the application. */
@Injectable()
export class Explorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly metadata: MetadataAccessor,
  ) {}

  explore(): Exploration {
    const found: Exploration = { methods: [], problems: [] };
    const hosts = new Map<object, DecoratedHost>();
    const idle = new Set<string>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const type = classOf(wrapper);
      if (!type) continue;
      for (const method of this.metadata.idleMiddlewaresOf(type)) idle.add(idleMiddleware(type, method));
      const marks = this.metadata.marksOf(type);
      if (marks.length === 0) continue;
      const host = hostOf(wrapper, type);
      const before = hosts.get(type);
      hosts.set(type, before ?? host);
      if (before) {
        if (!isSameInstance(before, host)) found.problems.push(twice(before, host));
      } else {
        for (const mark of marks) found.methods.push({ host, mark, place: `${host.className}.${String(mark.method)}` });
      }
    }
    found.problems.push(...idle);
    return found;
  }
}

/** The class whose methods will be called; for a request-scoped factory nobody knows it before the first run. */
function classOf(wrapper: Wrapper): Function | undefined {
  if (wrapper.isAlias) return undefined;
  const instance: unknown = isShared(wrapper) ? wrapper.instance : undefined;
  const type: unknown =
    instance !== null && typeof instance === 'object'
      ? (Object.getPrototypeOf(instance) as { constructor?: unknown } | null)?.constructor
      : wrapper.isNotMetatype || wrapper.metatype;
  return typeof type === 'function' ? type : undefined;
}

function hostOf(wrapper: Wrapper, type: Function): DecoratedHost {
  const moduleName = wrapper.host?.metatype.name ?? 'an unknown module';
  return { wrapper, className: type.name, moduleName, isShared: isShared(wrapper) };
}

function idleMiddleware({ name }: Function, method: string | symbol): string {
  return (
    `${name}.${String(method)} (@UseTaskMiddleware): the method is neither a task nor a handler, so nothing would ever ` +
    'call the middleware; add @DistributedCron, @TaskHandler or the like, or leave the middleware out'
  );
}

function isSameInstance(a: DecoratedHost, b: DecoratedHost): boolean {
  return a.isShared && b.isShared && a.wrapper.instance === b.wrapper.instance;
}

function twice(a: DecoratedHost, b: DecoratedHost): string {
  const where =
    a.moduleName === b.moduleName
      ? `${a.moduleName}, as ${tokenOf(a)} and as ${tokenOf(b)}`
      : `${a.moduleName} and in ${b.moduleName}`;
  return (
    `${a.className}: there are two instances of it, provided in ${where}, and each would declare the same tasks. ` +
    'Provide it in one module and export it from there; for a second token use useExisting'
  );
}

function tokenOf({ wrapper }: DecoratedHost): string {
  const { token } = wrapper;
  return typeof token === 'function' ? token.name : String(token);
}
