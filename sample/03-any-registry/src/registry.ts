import type { RegistryOptions } from 'nestjs-distributed-schedule';

/** Which registry, and where it is: the only thing that differs from one to the other. */
export function registryOf(env: NodeJS.ProcessEnv): RegistryOptions {
  if (env.REDIS_URL) return { type: 'redis', url: env.REDIS_URL };
  if (env.ETCD_ENDPOINTS) return { type: 'etcd', endpoints: env.ETCD_ENDPOINTS };
  if (env.ZOOKEEPER_CONNECT) return { type: 'zookeeper', connect: env.ZOOKEEPER_CONNECT };
  if (env.CONSUL_HTTP_ADDR) return { type: 'consul', address: withScheme(env.CONSUL_HTTP_ADDR) };
  return { type: 'memory' };
}

/** Consul's own tools take the address without one too. */
const withScheme = (address: string): string => (/^https?:\/\//.test(address) ? address : `http://${address}`);
