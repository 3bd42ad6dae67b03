import type { RegistryOptions } from '../../lib/index.js';
import { startRedis } from '../support/servers/redis.js';
import type { RunningServer } from '../support/servers/server.js';

/** A registry that the suite and the soak run on. */
export interface ChaosRegistry {
  readonly name: string;
  /** A server that is ours to kill, and that has on disk whatever it has answered. */
  start(): Promise<RunningServer>;
  /** How the module reaches a server at this address: the server itself, or a proxy in front of it. */
  options(address: { host: string; port: number }): RegistryOptions;
}

/** To add a registry: its entry here. */
export const REGISTRIES: readonly ChaosRegistry[] = [
  {
    name: 'redis',
    // `everysec` may answer while the disk is busy and lose that at a kill: a loss of data, which is another scenario.
    start: () => startRedis({ killable: true, durability: 'always' }),
    options: ({ host, port }) => ({ type: 'redis', url: `redis://${host}:${port}` }),
  },
];
