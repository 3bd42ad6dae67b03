import type { Clock } from '../../core/common/clock.js';
import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';
import type { LoggerPort } from '../../core/common/logger.js';
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
  const problems = redisOptionProblems(options);
  if (problems.length > 0) {
    const message = `The Redis registry cannot be created:\n${problems.map((problem) => `- ${problem}`).join('\n')}`;
    throw new DistributedScheduleError('INVALID_OPTIONS', message);
  }
  const tuning = resolveTuning(options);
  const library = 'client' in options ? undefined : await loadLibrary(load);
  return new RedisRegistry({ ...parts, tuning, clients: redisClients(options, tuning.callTimeoutMs, library) });
}

/** A missing library is told with its cure; one that is there and does not load is told as it is. */
async function loadLibrary(load: () => Promise<IoRedis>): Promise<IoRedis> {
  try {
    return await load();
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    if (!isMissing || !/Cannot find (?:package|module) 'ioredis'/.test(errorMessage(error))) throw error;
    const message = 'The Redis registry needs the package ioredis, which is not installed: npm install ioredis';
    throw new DistributedScheduleError('MISSING_PEER', message, { cause: error });
  }
}
