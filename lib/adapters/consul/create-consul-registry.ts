import type { Clock } from '../../core/common/clock.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { loadPeer, refuseOptions } from '../../core/registry/adapter-options.js';
import type { Undici } from './consul-connection.js';
import { resolveConsulOptions, type ConsulRegistryOptions } from './consul-options.js';
import { ConsulRegistry } from './consul-registry.js';
import { consulOptionProblems } from './validate-consul-options.js';

/**
 * A registry on Consul, not connected yet.
 *
 * @throws DistributedScheduleError `INVALID_OPTIONS` with every problem of the options, `MISSING_PEER` without `undici`
 * @example
 * const registry = await createConsulRegistry({ address: 'http://127.0.0.1:8500' });
 * await registry.connect();
 */
export async function createConsulRegistry(
  options: ConsulRegistryOptions,
  parts: { clock?: Clock; logger?: LoggerPort } = {},
  load: () => Promise<Undici> = () => import('undici'),
): Promise<ConsulRegistry> {
  refuseOptions('Consul', consulOptionProblems(options));
  const client = await loadPeer('Consul', ['undici'], load);
  return new ConsulRegistry({ ...parts, client, options: resolveConsulOptions(options) });
}
