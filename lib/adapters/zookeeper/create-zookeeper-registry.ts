import type { Clock } from '../../core/common/clock.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { refuseOptions } from '../../core/registry/adapter-options.js';
import { resolveZookeeperOptions, type ZookeeperRegistryOptions } from './zookeeper-options.js';
import { ZookeeperRegistry } from './zookeeper-registry.js';
import { zookeeperOptionProblems } from './validate-zookeeper-options.js';

/**
 * A registry on ZooKeeper, not connected yet. It brings its own client: no package is needed.
 *
 * @throws DistributedScheduleError `INVALID_OPTIONS` with every problem of the options
 * @example
 * const registry = await createZookeeperRegistry({ connect: 'zk1:2181,zk2:2181,zk3:2181/apps/shop' });
 * await registry.connect();
 */
export async function createZookeeperRegistry(
  options: ZookeeperRegistryOptions,
  parts: { clock?: Clock; logger?: LoggerPort } = {},
): Promise<ZookeeperRegistry> {
  refuseOptions('ZooKeeper', zookeeperOptionProblems(options));
  return new ZookeeperRegistry({ ...parts, options: resolveZookeeperOptions(options) });
}
