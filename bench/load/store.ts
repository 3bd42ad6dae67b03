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

/** What a server counts itself. */
export interface Served {
  /** Commands, with those inside scripts. */
  readonly commands?: number;
  /** What came in: one for a pipeline or a script, whatever is in it. */
  readonly requests?: number;
}

/** Until now, of servers that tell. */
export async function served(name: StoreName | undefined, address: Address): Promise<Served> {
  if (name === 'redis') {
    const commands = await redisCommand(address, 'INFO commandstats');
    const stats = await redisCommand(address, 'INFO stats');
    return {
      commands: sumOf(commands, /^cmdstat_(?!info)\S+:calls=(\d+)/gm),
      requests: numberIn(stats, /total_reads_processed:(\d+)/),
    };
  }
  if (name === 'zookeeper') {
    return { requests: numberIn(await zookeeperWord(address, 'mntr'), /zk_packets_received\s+(\d+)/) };
  }
  if (name === 'etcd') {
    const metrics = await (await fetch(`http://${address.host}:${address.port}/metrics`)).text();
    return { requests: sumOf(metrics, /^grpc_server_msg_received_total\{\S+ (\S+)$/gm) };
  }
  return {};
}

export const servedSince = (now: Served, before: Served): Served => ({
  ...(now.commands !== undefined && { commands: now.commands - before.commands! }),
  ...(now.requests !== undefined && { requests: now.requests - before.requests! }),
});

const sumOf = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((total, [, figure]) => total + Number(figure), 0);
