import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import {
  ADAPTER_DEFAULTS,
  resolveAdapterTuning,
  type AdapterTuning,
  type ResolvedAdapterTuning,
} from '../../core/registry/adapter-options.js';

/** Where Redis is. Exactly one of these. */
export type RedisSource =
  /** `redis://` or `rediss://` (TLS), with user, password and database number if need be. */
  | { url: string; options?: RedisOptions }
  /** As `new Redis(options)` takes them: host, port, path, tls, username, password, db … */
  | { options: RedisOptions }
  /**
   * A client of yours. It is never used, closed or reconfigured: the registry opens connections of its own with
   * `client.duplicate()`, to the same place with the same credentials, and with its own settings for failures.
   */
  | { client: Redis | Cluster }
  /** Nodes of a Redis Cluster to begin with. */
  | { cluster: readonly ClusterNode[]; options?: ClusterOptions }
  /** Sentinels and the name of the master they watch. */
  | { sentinels: readonly { host?: string; port?: number }[]; name: string; options?: RedisOptions };

export interface RedisTuning extends AdapterTuning {
  type?: 'redis';
  /**
   * Second segments of document keys that nobody watches: changes under them are not logged, a watch that would need
   * them is refused, and on a Redis Cluster they are spread over many slots. Every node must name the same ones.
   * @default ['units', 'history', 'feed']
   */
  unwatched?: readonly string[];
  /**
   * Replicas that must have received a commit before it counts as done; with fewer its outcome is unknown. Narrows what
   * a failover can lose, at the price of one more step per commit. Not on a Redis Cluster. @default 0
   */
  waitReplicas?: number;
}

export type RedisRegistryOptions = RedisTuning & RedisSource;

export const REDIS_DEFAULTS = {
  ...ADAPTER_DEFAULTS,
  unwatched: ['units', 'history', 'feed'],
  waitReplicas: 0,
} as const satisfies Required<Omit<RedisTuning, 'type'>>;

/** The tuning with defaults in place and durations in milliseconds. */
export interface ResolvedTuning extends ResolvedAdapterTuning {
  readonly unwatched: readonly string[];
  readonly waitReplicas: number;
}

export function resolveTuning(tuning: RedisTuning): ResolvedTuning {
  const { unwatched, waitReplicas } = REDIS_DEFAULTS;
  return {
    ...resolveAdapterTuning(tuning),
    unwatched: tuning.unwatched ?? unwatched,
    waitReplicas: tuning.waitReplicas ?? waitReplicas,
  };
}
