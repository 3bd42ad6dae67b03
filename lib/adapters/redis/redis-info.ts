import { RegistryRefusedError } from '../../core/registry/registry-errors.js';
import type { RegistryInfo } from '../../core/registry/registry.js';
import type { RedisClient } from './redis-client.js';
import type { RedisConnection } from './redis-connection.js';

/** What the servers say about themselves, and what in it weakens a promise. */
export async function describeRedis(connection: RedisConnection, waitReplicas: number): Promise<RegistryInfo> {
  const { topology } = connection.clients;
  const servers = connection.clients.servers(connection.requireClient());
  const described = await Promise.all(servers.map((server) => describeServer(connection, server)));
  const replicas = described.reduce((sum, { info }) => sum + Number(info.connected_slaves ?? 0), 0);
  const warnings = described.flatMap((server) => serverWarnings(server));
  if (replicas > 0 || topology !== 'standalone') warnings.push(failoverWarning(waitReplicas));
  const version = described[0]?.info.redis_version;
  const place = topology === 'cluster' ? `cluster of ${servers.length}` : topology;
  return {
    kind: 'redis',
    ...(version !== undefined && { version }),
    topology: replicas > 0 ? `${place}, ${replicas} replica(s)` : place,
    warnings: [...new Set(warnings)],
  };
}

interface ServerFacts {
  readonly info: Record<string, string | undefined>;
  /** The `save` setting; undefined where the server does not tell. */
  readonly snapshots: string | undefined;
}

async function describeServer(connection: RedisConnection, server: RedisClient): Promise<ServerFacts> {
  const text = String(await connection.sendTo(server, 'info'));
  const info = Object.fromEntries(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  ) as Record<string, string>;
  // Managed services refuse CONFIG; then the warning says that it is not known.
  const config = await connection.sendTo(server, 'config', 'get', 'save').catch((error: unknown) => {
    if (error instanceof RegistryRefusedError) return undefined;
    throw error;
  });
  const snapshots = Array.isArray(config) ? String(config[1] ?? '') : undefined;
  return { info, snapshots };
}

function serverWarnings({ info, snapshots }: ServerFacts): string[] {
  const warnings: string[] = [];
  const version = info.redis_version ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2))
    warnings.push(`Redis ${version} is older than 6.2, the oldest one supported.`);
  const policy = info.maxmemory_policy;
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `maxmemory-policy is ${policy}: under memory pressure Redis may drop claims and tasks, and ticks may run twice. Set it to noeviction.`,
    );
  }
  if (info.aof_enabled !== '1') {
    if (snapshots === '') {
      warnings.push(
        'Redis keeps nothing on disk: after a restart all dynamic tasks and claims are gone. Set appendonly yes.',
      );
    } else if (snapshots === undefined) {
      warnings.push('Redis does not tell whether it keeps data on disk. Make sure that persistence is on.');
    } else {
      warnings.push('Redis keeps snapshots only: a crash loses the claims since the last one. Set appendonly yes.');
    }
  }
  if (info.role === 'slave')
    warnings.push('Connected to a read-only replica: nothing can be written. Connect to the primary.');
  return warnings;
}

function failoverWarning(waitReplicas: number): string {
  const cure = waitReplicas > 0 ? `waitReplicas is ${waitReplicas}, which narrows it.` : 'waitReplicas narrows it.';
  return `Best effort across failover: Redis replicates late, so a promoted replica may lack the last claims. ${cure}`;
}
