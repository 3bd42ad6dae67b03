import type { Clock } from '../../core/common/clock.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { loadPeer, refuseOptions } from '../../core/registry/adapter-options.js';
import { redisClients, type IoRedis } from './redis-clients.js';
import { resolveTuning, type RedisRegistryOptions } from './redis-options.js';
import { RedisRegistry } from './redis-registry.js';
import { redisOptionProblems } from './validate-redis-options.js';

/**
 * A registry on Redis, not connected yet.
 *
 * @throws DistributedScheduleError `INVALID_OPTIONS` with every problem of the options, `MISSING_PEER` without `ioredis`
 * @example
 * const registry = await createRedisRegistry({ url: 'redis://localhost:6379' });
 * await registry.connect();
 */
export async function createRedisRegistry(
  options: RedisRegistryOptions,
  parts: { clock?: Clock; logger?: LoggerPort } = {},
  load: () => Promise<IoRedis> = () => import('ioredis'),
): Promise<RedisRegistry> {
  refuseOptions('Redis', redisOptionProblems(options));
  const tuning = resolveTuning(options);
  const library = 'client' in options ? undefined : await loadPeer('Redis', ['ioredis'], load);
  return new RedisRegistry({ ...parts, tuning, clients: redisClients(options, tuning.callTimeoutMs, library) });
}
