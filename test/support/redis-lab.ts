import { Redis } from 'ioredis';
import { createRedisRegistry } from '../../lib/adapters/redis/create-redis-registry.js';
import type { RedisRegistry } from '../../lib/adapters/redis/redis-registry.js';
import type { RedisTuning } from '../../lib/adapters/redis/redis-options.js';
import type { ConformanceFaults } from '../../lib/testing/conformance/subject.js';
import { startRedis, type RedisOptions } from './servers/redis.js';
import type { RunningServer } from './servers/server.js';
import { TcpProxy } from './tcp-proxy.js';

/** A Redis server, a proxy in front of it, registries on either side, and a plain client to look at the server itself. */
export class RedisLab {
  readonly raw: Redis;

  private constructor(
    readonly server: RunningServer,
    readonly proxy: TcpProxy,
  ) {
    this.raw = new Redis({ host: server.host, port: server.port, lazyConnect: true });
    this.raw.on('error', () => undefined); // The server is killed on purpose; commands report what matters.
  }

  static async start(options: RedisOptions = {}): Promise<RedisLab> {
    const server = await startRedis(options);
    return new RedisLab(server, await TcpProxy.to(server));
  }

  /** A registry whose connections go through the proxy. */
  proxied(tuning: RedisTuning = {}): Promise<RedisRegistry> {
    return createRedisRegistry({ url: `redis://${this.proxy.host}:${this.proxy.port}`, ...tuning });
  }

  direct(tuning: RedisTuning = {}): Promise<RedisRegistry> {
    return createRedisRegistry({ url: this.server.url, ...tuning });
  }

  /** The value as the server holds it, past the registry. */
  async peek(key: string): Promise<string | undefined> {
    const document = await this.raw.hget('{nds}:documents', key);
    return document === null ? undefined : /^\d+:[^:]*:([^]*)$/.exec(document)![1];
  }

  get faults(): Omit<ConformanceFaults, 'direct'> {
    return {
      cut: () => this.proxy.cut(),
      partition: () => this.proxy.blackhole(),
      loseReplies: () => this.proxy.dropReplies(),
      heal: () => this.proxy.pass(),
    };
  }

  async stop(): Promise<void> {
    this.raw.disconnect();
    await this.proxy.stop();
    await this.server.stop();
  }
}
