import { Redis } from 'ioredis';
import { createRedisRegistry } from '../../lib/adapters/redis/create-redis-registry.js';
import type { RedisTuning } from '../../lib/adapters/redis/redis-options.js';
import { RegistryLab, type RegistryLabParts } from './registry-lab.js';
import { startRedis, type RedisOptions } from './servers/redis.js';
import { TcpProxy } from './tcp-proxy.js';

/** The lab of a Redis server, with a plain client that looks at the server itself. */
export class RedisLab extends RegistryLab<RedisTuning> {
  private constructor(
    parts: RegistryLabParts<RedisTuning>,
    readonly raw: Redis,
  ) {
    super(parts);
  }

  static async start(options: RedisOptions = {}): Promise<RedisLab> {
    const server = await startRedis(options);
    const raw = new Redis({ host: server.host, port: server.port, lazyConnect: true });
    raw.on('error', () => undefined); // The server is killed on purpose; commands report what matters.
    const parts: RegistryLabParts<RedisTuning> = {
      server,
      proxy: await TcpProxy.to(server),
      create: ({ host, port }, tuning) => createRedisRegistry({ url: `redis://${host}:${port}`, ...tuning }),
      async peek(key) {
        const document = await raw.hget('{nds}:documents', key);
        return document === null ? undefined : /^\d+:[^:]*:([^]*)$/.exec(document)![1];
      },
      stop: () => raw.disconnect(),
    };
    return new RedisLab(parts, raw);
  }
}
