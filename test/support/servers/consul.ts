import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunningServer, ServerKind, StartOptions } from './server.js';
import { startServer, startServers } from './start-server.js';

export interface ConsulOptions extends StartOptions {
  /** Access control on, everything denied, and this secret is all-powerful. */
  managementToken?: string;
}

/** Server mode with its data on disk: the development mode would lose everything at a restart. */
export const consul: ServerKind<ConsulOptions> = {
  name: 'consul',
  variable: 'CONSUL_HTTP_ADDR',
  program: { executable: 'consul', packages: ['consul'], suite: 'bullseye' },
  ports: 3,
  url: (port) => `http://127.0.0.1:${port}`,
  commandLine({ ports, dir, index, members }, { managementToken }) {
    const [http, server, gossip] = ports;
    const settings = {
      node_name: `consul-${index}`,
      data_dir: dir,
      server: true,
      bootstrap_expect: members.length,
      retry_join: members.filter((_, i) => i !== index).map(({ host, ports: [, , port] }) => `${host}:${port}`),
      retry_interval: '1s',
      bind_addr: '127.0.0.1',
      client_addr: '127.0.0.1',
      ports: { http, server, serf_lan: gossip, serf_wan: -1, dns: -1, grpc: -1, https: -1 },
      performance: { raft_multiplier: 1 },
      limits: { http_max_conns_per_client: 1_000 },
      log_level: 'warn',
      disable_update_check: true,
      leave_on_terminate: false,
      ...(managementToken !== undefined && {
        acl: { enabled: true, default_policy: 'deny', tokens: { master: managementToken, agent: managementToken } },
      }),
    };
    const file = join(dirname(dir), 'consul.json');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(settings, undefined, 2));
    return ['agent', `-config-file=${file}`];
  },
  /** With a leader elected, which has also taken over its state: only then is anything written. */
  async answers({ host, port }) {
    const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`http://${host}:${port}${path}`, { ...init, signal: AbortSignal.timeout(1_000) });
    const leader = await ask('/v1/status/leader');
    if ((await leader.text()).length < 4) return false;
    const write = await ask('/v1/kv/answers', { method: 'PUT', body: '' });
    // Where access control is on, being turned away is an answer too.
    return write.status === 200 || write.status === 403;
  },
};

export const startConsul = (options: ConsulOptions = {}): Promise<RunningServer> => startServer(consul, options);

/** Servers of one cluster; it keeps working while more than half of them do. */
export const startConsuls = (count: number, options: ConsulOptions = {}): Promise<RunningServer[]> =>
  startServers(consul, count, options);
