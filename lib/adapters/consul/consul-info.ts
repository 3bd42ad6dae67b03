import { RegistryRefusedError } from '../../core/registry/registry-errors.js';
import type { RegistryInfo } from '../../core/registry/registry.js';
import { isRecord } from '../../core/registry/adapter-options.js';
import type { ConsulConnection } from './consul-connection.js';

interface Agent {
  readonly version?: string;
  readonly datacenter?: string;
  readonly isForDevelopment: boolean;
  readonly isLeavingOnTerm: boolean;
}

/** Refuses a Consul that is too old. One that does not tell its version is taken as it is. */
export async function requireVersion(connection: ConsulConnection): Promise<void> {
  const { version = '' } = await agentOf(connection);
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  if (major === undefined || major > 1 || (major === 1 && minor! >= 8)) return;
  throw new RegistryRefusedError(`Consul ${version} is older than 1.8, the oldest one supported. Update it.`);
}

/** What Consul says about itself, and what in it weakens a promise. */
export async function describeConsul(connection: ConsulConnection): Promise<RegistryInfo> {
  const { version, datacenter: own, isForDevelopment, isLeavingOnTerm } = await agentOf(connection);
  const { datacenter = own } = connection;
  const { text } = await connection.request({ method: 'GET', path: '/v1/status/peers' });
  const servers = (connection.parsed(text) as string[]).length;
  const place = servers === 1 ? 'standalone' : `cluster of ${servers}`;
  const warnings: string[] = [];
  if (isForDevelopment) {
    warnings.push('Consul runs in development mode: all is gone when it stops. Run it with data_dir and without -dev.');
  }
  // In another datacenter the sessions are not the agent's.
  if (isLeavingOnTerm && datacenter === own) {
    warnings.push(
      'The Consul agent leaves the cluster when it is stopped, and all sessions that were opened through it end at ' +
        'once: set leave_on_terminate to false.',
    );
  }
  if (servers === 2) {
    warnings.push('Consul has two servers: while one of them is down nothing can be written. Run three.');
  }
  return {
    kind: 'consul',
    ...(version !== undefined && { version }),
    topology: datacenter === undefined ? place : `${place}, datacenter ${datacenter}`,
    warnings,
  };
}

/** A token that may not read the agent (`agent_prefix`) is no obstacle: nothing depends on what it says. */
export async function agentOf(connection: ConsulConnection): Promise<Agent> {
  const { status, text } = await connection.request({ method: 'GET', path: '/v1/agent/self', accept: [403] });
  const self = status === 403 ? {} : connection.parsed(text);
  const [config, debug] = isRecord(self) ? [self.Config, self.DebugConfig] : [];
  const of = (from: unknown, name: string): unknown => (isRecord(from) ? from[name] : undefined);
  const [version, datacenter] = [of(config, 'Version'), of(config, 'Datacenter')];
  return {
    ...(typeof version === 'string' && { version }),
    ...(typeof datacenter === 'string' && { datacenter }),
    isForDevelopment: of(debug, 'DevMode') === true,
    isLeavingOnTerm: of(debug, 'LeaveOnTerm') === true,
  };
}
