import { adapterTuningProblems, isRecord } from '../../core/registry/adapter-options.js';
import { urlProblem } from './redis-address.js';

const SOURCES = ['url', 'client', 'cluster', 'sentinels', 'options'] as const;
const OWN = [...SOURCES, 'name', 'unwatched', 'waitReplicas'];

const KEY_PREFIX =
  'keyPrefix: the client library would put it in front of keys but not of channels and scripts, so nodes would not ' +
  'hear of each other; set "prefix" of the registry instead';

/** All that is wrong with the options, each with its path. Values that may hold a secret are never quoted. */
export function redisOptionProblems(options: unknown): string[] {
  if (!isRecord(options)) return ['the Redis options must be an object, as { url: "redis://localhost:6379" }'];
  return [...sourceProblems(options), ...adapterTuningProblems(options, 'redis', OWN), ...ownTuningProblems(options)];
}

function sourceProblems(options: Record<string, unknown>): string[] {
  const given = SOURCES.filter((key) => options[key] !== undefined);
  const places = given.filter((key) => key !== 'options');
  if (given.length === 0) return ['nothing says where Redis is; give one of url, options, client, cluster, sentinels'];
  if (places.length > 1) return [`${places.join(', ')}: give only one of them`];
  const place = places[0] ?? 'options';
  const nested = options.options;
  const problems = PLACE_PROBLEMS[place](options);
  if (nested !== undefined && !isRecord(nested)) problems.push('options: must be an object');
  if (place === 'client' && nested !== undefined) problems.push('options: a client brings its own; leave them out');
  if (place !== 'sentinels' && options.name !== undefined) problems.push('name: goes with sentinels only');
  if (isRecord(nested)) problems.push(...prefixProblems(nested, 'options'));
  return problems;
}

const PLACE_PROBLEMS: Record<(typeof SOURCES)[number], (options: Record<string, unknown>) => string[]> = {
  url: ({ url }) => {
    const problem = urlProblem(url);
    return problem === undefined ? [] : [`url: ${problem}`];
  },
  options: () => [],
  client: ({ client }) => {
    if (!isRecord(client) || typeof client.duplicate !== 'function' || typeof client.evalsha !== 'function') {
      return ['client: must be an ioredis client, new Redis(...) or new Cluster(...)'];
    }
    return isRecord(client.options) ? prefixProblems(client.options, 'client.options') : [];
  },
  cluster: ({ cluster }) =>
    Array.isArray(cluster) && cluster.length > 0 ? [] : ['cluster: must list at least one node, as [{ host, port }]'],
  sentinels: ({ sentinels, name }) => [
    ...(Array.isArray(sentinels) && sentinels.length > 0
      ? []
      : ['sentinels: must list at least one, as [{ host, port }]']),
    ...(typeof name === 'string' && name !== '' ? [] : ['name: must be the name of the master the sentinels watch']),
  ],
};

function prefixProblems(options: Record<string, unknown>, path: string): string[] {
  const inner = options.redisOptions;
  const own = options.keyPrefix ? [`${path}.${KEY_PREFIX}`] : [];
  return own.length === 0 && isRecord(inner) ? prefixProblems(inner, `${path}.redisOptions`) : own;
}

function ownTuningProblems({ unwatched, waitReplicas, cluster, client }: Record<string, unknown>): string[] {
  const problems: string[] = [];
  const isKind = (kind: unknown): boolean => typeof kind === 'string' && /^[^/]+$/.test(kind);
  if (unwatched !== undefined && !(Array.isArray(unwatched) && unwatched.every(isKind))) {
    problems.push('unwatched: must be a list of key segments without a slash');
  }
  if (waitReplicas !== undefined && !(Number.isSafeInteger(waitReplicas) && Number(waitReplicas) >= 0)) {
    problems.push(`waitReplicas: ${JSON.stringify(waitReplicas)} must be a whole number, 0 or more`);
  } else if (waitReplicas && (cluster !== undefined || (isRecord(client) && client.isCluster === true))) {
    problems.push('waitReplicas: not on a Redis Cluster; set min-replicas-to-write on its nodes instead');
  }
  return problems;
}
