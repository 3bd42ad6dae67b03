import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { requireDuration, type Duration } from '../../core/common/duration.js';

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

export interface RedisTuning {
  type?: 'redis';
  /** First part of every Redis key and channel. Registries with different prefixes never meet. @default 'nds' */
  prefix?: string;
  /** How long one request may take before its outcome counts as unknown. @default '2s' */
  callTimeout?: Duration;
  /** How long `connect()` tries before it rejects. @default '5s' */
  connectTimeout?: Duration;
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
  prefix: 'nds',
  callTimeout: '2s',
  connectTimeout: '5s',
  unwatched: ['units', 'history', 'feed'],
  waitReplicas: 0,
} as const satisfies Required<Omit<RedisTuning, 'type'>>;

/** The tuning with defaults in place and durations in milliseconds. */
export interface ResolvedTuning {
  readonly prefix: string;
  readonly callTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly unwatched: readonly string[];
  readonly waitReplicas: number;
}

export function resolveTuning(tuning: RedisTuning): ResolvedTuning {
  const { prefix, callTimeout, connectTimeout, unwatched, waitReplicas } = REDIS_DEFAULTS;
  return {
    prefix: tuning.prefix ?? prefix,
    callTimeoutMs: requireDuration(tuning.callTimeout ?? callTimeout, 'callTimeout'),
    connectTimeoutMs: requireDuration(tuning.connectTimeout ?? connectTimeout, 'connectTimeout'),
    unwatched: tuning.unwatched ?? unwatched,
    waitReplicas: tuning.waitReplicas ?? waitReplicas,
  };
}
