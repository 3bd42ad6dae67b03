import type { RegistryOptions } from '../../lib/index.js';
import { startConsul } from '../support/servers/consul.js';
import { startEtcd } from '../support/servers/etcd.js';
import { startRedis } from '../support/servers/redis.js';
import type { RunningServer } from '../support/servers/server.js';
import { startZookeeper } from '../support/servers/zookeeper.js';

/** A registry that the suite and the soak run on. */
export interface ChaosRegistry {
  readonly name: string;
  /** A server that is ours to kill, and that has on disk whatever it has answered. */
  start(): Promise<RunningServer>;
  /** How the module reaches a server at this address: the server itself, or a proxy in front of it. */
  options(address: { host: string; port: number }): RegistryOptions;
  /** How well it tells the time, and so how early a node with a wrong clock may start a tick. */
  readonly clockErrorMs: number;
  /** How long random faults go on. On the first one long, since it is the same code above all of them. */
  readonly randomMs: number;
}

/** To add a registry: its entry here. */
export const REGISTRIES: readonly ChaosRegistry[] = [
  {
    name: 'redis',
    // `everysec` may answer while the disk is busy and lose that at a kill: a loss of data, which is another scenario.
    start: () => startRedis({ killable: true, durability: 'always' }),
    options: ({ host, port }) => ({ type: 'redis', url: `redis://${host}:${port}` }),
    clockErrorMs: 100,
    randomMs: 100_000,
  },
  {
    name: 'etcd',
    start: () => startEtcd({ killable: true }),
    options: ({ host, port }) => ({ type: 'etcd', endpoints: `http://${host}:${port}` }),
    clockErrorMs: 600,
    randomMs: 40_000,
  },
  {
    name: 'zookeeper',
    start: () => startZookeeper({ killable: true }),
    options: ({ host, port }) => ({ type: 'zookeeper', connect: `${host}:${port}` }),
    clockErrorMs: 100,
    randomMs: 40_000,
  },
  {
    name: 'consul',
    start: () => startConsul({ killable: true }),
    options: ({ host, port }) => ({ type: 'consul', address: `http://${host}:${port}` }),
    clockErrorMs: 600,
    randomMs: 40_000,
  },
];
