import { Pool } from 'pg';
import { PostgresRegistry } from '../../docs/examples/postgres-registry.js';
import { ADAPTER_DEFAULTS, type AdapterTuning } from '../../lib/core/registry/adapter-options.js';
import { requireDuration } from '../../lib/core/common/duration.js';
import { RegistryLab, type RegistryLabParts } from './registry-lab.js';
import { startPostgres, type PostgresOptions } from './servers/postgres.js';
import { TcpProxy } from './tcp-proxy.js';

/** The lab of a PostgreSQL server, with plain connections that look at the server itself. */
export class PostgresLab extends RegistryLab {
  private constructor(
    parts: RegistryLabParts,
    readonly raw: Pool,
  ) {
    super(parts);
  }

  static async start(options: PostgresOptions = {}): Promise<PostgresLab> {
    const server = await startPostgres(options);
    const raw = new Pool({ connectionString: server.url, max: 1 });
    raw.on('error', () => undefined); // The server is killed on purpose; queries report what matters.
    const parts: RegistryLabParts = {
      server,
      proxy: await TcpProxy.to(server),
      async create({ host, port }, { callTimeout = ADAPTER_DEFAULTS.callTimeout }: AdapterTuning) {
        const url = new URL(server.url);
        url.host = `${host}:${port}`;
        return new PostgresRegistry({
          connection: { connectionString: url.href },
          callTimeoutMs: requireDuration(callTimeout, 'callTimeout'),
        });
      },
      async peek(key) {
        const { rows } = await raw.query<{ value: Buffer }>('SELECT value FROM nds.documents WHERE key = $1', [key]);
        return rows[0]?.value.toString();
      },
      stop: () => raw.end(),
    };
    return new PostgresLab(parts, raw);
  }
}
