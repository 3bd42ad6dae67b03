import { MemoryRegistry } from '../../adapters/memory/memory-registry.js';
import type { Clock } from '../../core/common/clock.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { show } from '../../core/common/show.js';
import type { Registry } from '../../core/registry/registry.js';
import type { RegistryOptions } from '../distributed-schedule.options.js';
import { hint, isObject, section } from './checks.js';

interface RegistryKind<O> {
  problems(options: O, path: string): Promise<string[]>;
  /** Not connected yet. */
  create(options: O, parts: { clock: Clock; logger: LoggerPort }): Promise<Registry>;
}

/** Every registry that options can name, loaded when it is named. To add one: its adapter, and its lines here. */
const KINDS: { [T in RegistryOptions['type']]: RegistryKind<Extract<RegistryOptions, { type: T }>> } = {
  memory: {
    problems: async (options, path) => section({ type: () => [] })(options, path),
    create: async (_options, { clock }) => new MemoryRegistry({ clock }),
  },
  redis: {
    problems: async (options, path) =>
      at(path, (await import('../../adapters/redis/validate-redis-options.js')).redisOptionProblems(options)),
    create: async (options, parts) =>
      (await import('../../adapters/redis/create-redis-registry.js')).createRedisRegistry(options, parts),
  },
  etcd: {
    problems: async (options, path) =>
      at(path, (await import('../../adapters/etcd/validate-etcd-options.js')).etcdOptionProblems(options)),
    create: async (options, parts) =>
      (await import('../../adapters/etcd/create-etcd-registry.js')).createEtcdRegistry(options, parts),
  },
  zookeeper: {
    problems: async (options, path) =>
      at(
        path,
        (await import('../../adapters/zookeeper/validate-zookeeper-options.js')).zookeeperOptionProblems(options),
      ),
    create: async (options, parts) =>
      (await import('../../adapters/zookeeper/create-zookeeper-registry.js')).createZookeeperRegistry(options, parts),
  },
  consul: {
    problems: async (options, path) =>
      at(path, (await import('../../adapters/consul/validate-consul-options.js')).consulOptionProblems(options)),
    create: async (options, parts) =>
      (await import('../../adapters/consul/create-consul-registry.js')).createConsulRegistry(options, parts),
  },
};

const at = (path: string, problems: readonly string[]): string[] => problems.map((problem) => `${path}: ${problem}`);

/** `'a', 'b' or 'c'` */
const listed = (names: readonly string[]): string =>
  names.map((name, i) => (i === 0 ? '' : i === names.length - 1 ? ' or ' : ', ') + `'${name}'`).join('');

/** Whether this is a registry itself, and not options for one. */
export function isRegistry(given: RegistryOptions | Registry): given is Registry {
  return isObject(given) && 'openSession' in given && 'commit' in given;
}

export async function registryProblems(given: unknown, path: string): Promise<string[]> {
  if (isRegistry(given as Registry)) return [];
  const names = Object.keys(KINDS);
  const types = listed(names);
  // What was given is not shown: it may be an address with a password.
  if (!isObject(given))
    return [`${path}: a ${typeof given} is not a registry; give { type: ${types}, … } or a Registry`];
  const { type } = given;
  if (typeof type === 'string' && Object.hasOwn(KINDS, type))
    return kind(type as 'memory').problems(given as { type: 'memory' }, path);
  if (type === undefined) return [`${path}.type: it is missing; give ${types}`];
  return [`${path}.type: ${show(type)} is not known; ${hint(typeof type === 'string' ? type : '', names)}`];
}

/** The registry that checked options describe; one that was given ready is handed through. */
export async function createRegistry(
  given: RegistryOptions | Registry,
  parts: { clock: Clock; logger: LoggerPort },
): Promise<Registry> {
  return isRegistry(given) ? given : kind(given.type).create(given, parts);
}

/** The compiler cannot see that a type and its options go together; `registryProblems` has made sure. */
const kind = (type: RegistryOptions['type']) => KINDS[type] as RegistryKind<RegistryOptions>;
