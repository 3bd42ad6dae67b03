import { redisCommand } from '../../test/support/servers/redis.js';
import { startPostgres } from '../../test/support/servers/postgres.js';
import { zookeeperWord } from '../../test/support/servers/zookeeper.js';
import { numberIn, STORES, withServer, type Address, type Store } from '../registries/stores.js';
import type { StoreName } from './contestant.js';

const POSTGRES: Pick<Store, 'start'> = { start: () => startPostgres({ killable: true, durability: 'always' }) };

/** Runs with the contestant's store up, set up as for those of ours: durable, and new for each trial. */
export function withStore<T>(name: StoreName | undefined, run: (address: Address) => Promise<T>): Promise<T> {
  const store = name === 'postgres' ? POSTGRES : name && STORES[name];
  return withServer(store ?? {}, run);
}

/** How many commands or requests the server says it has served until now; the commands inside scripts are among them. */
export async function served(name: StoreName | undefined, address: Address): Promise<number | undefined> {
  if (name === 'redis') {
    const stats = await redisCommand(address, 'INFO commandstats');
    return [...stats.matchAll(/^cmdstat_(?!info)\S+:calls=(\d+)/gm)].reduce(
      (total, [, calls]) => total + Number(calls),
      0,
    );
  }
  if (name === 'zookeeper') return numberIn(await zookeeperWord(address, 'mntr'), /zk_packets_received\s+(\d+)/);
  if (name === 'etcd') {
    const metrics = await (await fetch(`http://${address.host}:${address.port}/metrics`)).text();
    const received = metrics.matchAll(/^grpc_server_msg_received_total\{\S+ (\S+)$/gm);
    return [...received].reduce((total, [, messages]) => total + Number(messages), 0);
  }
  return undefined;
}
