import { createConsulRegistry } from '../../lib/adapters/consul/create-consul-registry.js';
import { createEtcdRegistry } from '../../lib/adapters/etcd/create-etcd-registry.js';
import { MemoryRegistry } from '../../lib/adapters/memory/memory-registry.js';
import { MemoryStore } from '../../lib/adapters/memory/memory-store.js';
import { createRedisRegistry } from '../../lib/adapters/redis/create-redis-registry.js';
import { createZookeeperRegistry } from '../../lib/adapters/zookeeper/create-zookeeper-registry.js';
import { systemClock } from '../../lib/core/common/clock.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { startConsul } from '../../test/support/servers/consul.js';
import { startEtcd } from '../../test/support/servers/etcd.js';
import { redisCommand, startRedis } from '../../test/support/servers/redis.js';
import type { RunningServer } from '../../test/support/servers/server.js';
import { startZookeeper, zookeeperWord } from '../../test/support/servers/zookeeper.js';
import type { BenchClient } from './client.js';
import { RawConsul } from './raw-consul.js';
import { RawEtcd } from './raw-etcd.js';
import { RawRedis } from './raw-redis.js';
import { RawZooKeeper } from './raw-zookeeper.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One kind of store, set up as somebody who wants to keep the data would run it. */
export interface Store {
  readonly settings: string;
  /** Absent: it lives in this process. */
  start?(): Promise<RunningServer>;
  /** Another client of the store, not connected. */
  registry(address: Address): Promise<Registry>;
  /** The same writes without the library. */
  raw?(address: Address): Promise<BenchClient>;
  /** How much the store says it holds; its own words, so compare it with nothing but itself. */
  heldBytes?(address: Address): Promise<number>;
}

/** One for all nodes of this process. */
const memory = new MemoryStore(systemClock);

export const STORES: Readonly<Record<string, Store>> = {
  memory: {
    settings: 'in this process, kept nowhere',
    registry: async () => new MemoryRegistry({ store: memory }),
  },
  redis: {
    settings: 'appendonly yes, appendfsync everysec',
    start: () => startRedis({ killable: true, durability: 'everysec' }),
    registry: (address) => createRedisRegistry({ url: `redis://${address.host}:${address.port}` }),
    raw: async (address) => new RawRedis(address),
    heldBytes: async (address) => numberIn(await redisCommand(address, 'INFO memory'), /used_memory:(\d+)/),
  },
  etcd: {
    settings: 'one member, fsync on',
    start: () => startEtcd({ killable: true, durable: true }),
    registry: ({ host, port }) => createEtcdRegistry({ endpoints: `http://${host}:${port}` }),
    raw: async (address) => new RawEtcd(address),
    heldBytes: async ({ host, port }) =>
      numberIn(
        await (await fetch(`http://${host}:${port}/metrics`)).text(),
        /^etcd_mvcc_db_total_size_in_use_in_bytes (\S+)/m,
      ),
  },
  zookeeper: {
    settings: 'one server, forceSync on, small heap and quick compiler of the test harness',
    start: () => startZookeeper({ killable: true, durable: true }),
    registry: ({ host, port }) => createZookeeperRegistry({ connect: `${host}:${port}` }),
    raw: (address) => RawZooKeeper.open(address),
    heldBytes: async (address) => numberIn(await zookeeperWord(address, 'mntr'), /zk_approximate_data_size\s+(\d+)/),
  },
  consul: {
    settings: 'one server, raft on disk',
    start: () => startConsul({ killable: true }),
    registry: ({ host, port }) => createConsulRegistry({ address: `http://${host}:${port}` }),
    raw: async (address) => new RawConsul(address),
  },
};

/** The stores that an option names: `redis,etcd`, or `all`. */
export function storesNamed(names: string): [name: string, store: Store][] {
  const wanted = names === 'all' ? Object.keys(STORES) : names.split(',');
  return wanted.map((name) => {
    const found = Object.hasOwn(STORES, name) ? STORES[name] : undefined;
    if (!found) throw new Error(`There is no registry "${name}"; there are ${Object.keys(STORES).join(', ')} and all.`);
    return [name, found];
  });
}

/** Runs with the store's server up, which is gone afterwards whatever happens. */
export async function withServer<T>(
  store: Pick<Store, 'start'>,
  run: (address: Address, server: RunningServer | undefined) => Promise<T>,
): Promise<T> {
  const server = await store.start?.();
  try {
    return await run(server ?? { host: 'in process', port: 0 }, server);
  } finally {
    await server?.stop();
  }
}

export function numberIn(text: string, pattern: RegExp): number {
  const [, number] = pattern.exec(text) ?? [];
  if (number === undefined) throw new Error(`${pattern} is not in ${text.slice(0, 200)}`);
  return Number(number);
}
