import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { systemRandom } from '../../core/common/ids.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import { optionsOfUrl, secretsOf } from './redis-address.js';
import type { RedisClient, RedisClients } from './redis-client.js';
import type { RedisSource } from './redis-options.js';

/** The client library. Loaded on use, and only where the registry makes its clients itself. */
export interface IoRedis {
  Redis: new (options: RedisOptions) => Redis;
  Cluster: new (nodes: ClusterNode[], options: ClusterOptions) => Cluster;
}

/**
 * Opens connections whose settings keep a claim safe; they win over given ones. With the library's own defaults a
 * command whose reply was lost is sent again and then reports as lost a race that was won; commands wait without limit
 * while the server is away and are carried out long after the caller gave up; a connection gone silent is not noticed.
 */
export function redisClients(source: RedisSource, callTimeoutMs: number, library: IoRedis | undefined): RedisClients {
  const secrets = secretsOf(source);
  const forever = safeSettings(callTimeoutMs);
  const untilItEnds = { ...forever, retryStrategy: null };
  if ('cluster' in source || ('client' in source && isCluster(source.client))) {
    const settings = clusterSettings(forever);
    const open = (): Cluster => {
      if ('client' in source) return (source.client as Cluster).duplicate([], settings);
      const { cluster, options } = source as { cluster: readonly ClusterNode[]; options?: ClusterOptions };
      const redisOptions = { ...options?.redisOptions, ...settings.redisOptions };
      return new library!.Cluster([...cluster], { ...options, ...settings, redisOptions });
    };
    const masters = (client: RedisClient): Redis[] => (client as unknown as Cluster).nodes('master');
    return {
      topology: 'cluster',
      secrets,
      commands: () => asClient(connectingEagerly(open())),
      subscriber: (client) => asClient(oneOf(masters(client)).duplicate(untilItEnds)),
      servers: (client) => masters(client).map(asClient),
    };
  }
  const open = (settings: RedisOptions): RedisClient => {
    if ('client' in source) return asClient((source.client as Redis).duplicate(settings));
    return asClient(new library!.Redis({ ...placeOf(source), ...settings }));
  };
  const { sentinels } = 'client' in source ? (source.client as Redis).options : placeOf(source);
  return {
    topology: sentinels ? 'sentinel' : 'standalone',
    secrets,
    commands: () => open(forever),
    subscriber: () => open(untilItEnds),
    servers: (client) => [client],
  };
}

export const isCluster = (client: Redis | Cluster): client is Cluster => client.isCluster;

/** Measured against lost replies, lost requests, resets and silent connections, one option at a time and together. */
function safeSettings(callTimeoutMs: number) {
  return {
    lazyConnect: true,
    // Nothing waits for a connection, and nothing is sent twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // The library subscribes again without catching errors; ours is opened anew instead.
    autoResubscribe: false,
    enableAutoPipelining: false,
    commandTimeout: callTimeoutMs,
    connectTimeout: callTimeoutMs,
    // A connection that was asked something and stays silent is dropped.
    socketTimeout: Math.ceil(callTimeoutMs * 1.5),
    // Closing never waits for a peer that may be gone.
    disconnectTimeout: 1,
    retryStrategy: (attempt: number): number => Math.min(100 * attempt, 1_000) * (0.5 + systemRandom() / 2),
    sentinelRetryStrategy: (attempt: number): number => Math.min(50 * attempt, 500),
    // After a failover the old primary may still answer: look for the new one, without sending the command again.
    reconnectOnError: (error: Error): 1 | false => (/READONLY/.test(error.message) ? 1 : false),
    role: 'master',
    readOnly: false,
    keyPrefix: '',
    stringNumbers: false,
    replyMapping: 'legacy',
  } as const satisfies RedisOptions;
}

function clusterSettings(redisOptions: ReturnType<typeof safeSettings>) {
  return {
    redisOptions,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    keyPrefix: '',
    scaleReads: 'master',
    shardedSubscribers: false,
    // Redirections are safe, the command was not run; a closed connection says nothing, so nothing is sent again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: redisOptions.commandTimeout,
    slotsRefreshInterval: 5_000,
    clusterRetryStrategy: redisOptions.retryStrategy,
  } as const satisfies ClusterOptions;
}

/**
 * The library connects to a node with the first command for it, and rejects every other one until that is done. So each
 * primary is connected to once it is known: not before the cluster is ready, because the library's own check would be
 * rejected likewise, and one step later, because the command that found the node counts as the first.
 */
function connectingEagerly(cluster: Cluster): Cluster {
  const connect = (node: Redis): void =>
    queueMicrotask(() => {
      if (cluster.status !== 'ready' || node.status !== 'wait' || node.options.readOnly) return;
      node.connect().catch(() => undefined); // The cluster tells it as 'node error'.
    });
  cluster.on('+node', connect);
  cluster.on('ready', () => cluster.nodes('master').forEach(connect));
  return cluster;
}

function placeOf(source: Exclude<RedisSource, { client: unknown } | { cluster: unknown }>): RedisOptions {
  if ('url' in source) return { ...source.options, ...optionsOfUrl(source.url) };
  if ('sentinels' in source) return { ...source.options, sentinels: [...source.sentinels], name: source.name };
  return source.options;
}

/** The two classes differ in the types of what they share; `RedisClient` names the part that means the same in both. */
const asClient = (client: Redis | Cluster): RedisClient => client as unknown as RedisClient;

function oneOf(nodes: Redis[]): Redis {
  const node = nodes[Math.floor(systemRandom() * nodes.length)];
  if (node) return node;
  throw new RegistryUnavailableError('No node of the Redis Cluster is known yet.', { outcomeUnknown: false });
}
