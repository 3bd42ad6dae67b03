import type { Clock } from '../../core/common/clock.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { loadPeer, refuseOptions } from '../../core/registry/adapter-options.js';
import { etcdClients, type EtcdLibrary } from './etcd-library.js';
import { resolveEtcdOptions, type EtcdRegistryOptions } from './etcd-options.js';
import { EtcdRegistry } from './etcd-registry.js';
import { etcdOptionProblems } from './validate-etcd-options.js';

/**
 * A registry on etcd, not connected yet.
 *
 * @throws DistributedScheduleError `INVALID_OPTIONS` with every problem of the options, `MISSING_PEER` without
 * `@grpc/grpc-js` and `@grpc/proto-loader`
 * @example
 * const registry = await createEtcdRegistry({ endpoints: 'http://localhost:2379' });
 * await registry.connect();
 */
export async function createEtcdRegistry(
  options: EtcdRegistryOptions,
  parts: { clock?: Clock; logger?: LoggerPort } = {},
  load: () => Promise<EtcdLibrary> = loadLibrary,
): Promise<EtcdRegistry> {
  refuseOptions('etcd', etcdOptionProblems(options));
  const resolved = resolveEtcdOptions(options);
  const library = await loadPeer('etcd', ['@grpc/grpc-js', '@grpc/proto-loader'], load);
  return new EtcdRegistry({ ...parts, options: resolved, clients: etcdClients(library, resolved.tls) });
}

async function loadLibrary(): Promise<EtcdLibrary> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  return { grpc, loader };
}
