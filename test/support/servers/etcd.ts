import { request } from 'node:https';
import { certificate, certificatePath } from '../tls/certificates.js';
import type { RunningServer, ServerKind, StartOptions } from './server.js';
import { startServer, startServers } from './start-server.js';

export interface EtcdOptions extends StartOptions {
  /** What was answered survives the end of the machine, at the pace of its disk. A kill loses nothing either way. Default false. */
  durable?: boolean;
  /** Clients must use TLS; with `'mutual'` they must show a certificate. Default: no TLS. */
  tls?: 'server' | 'mutual';
}

export const etcd: ServerKind<EtcdOptions> = {
  name: 'etcd',
  variable: 'ETCD_ENDPOINTS',
  program: { executable: 'etcd', packages: ['etcd-server'] },
  ports: 2,
  url: (port) => `http://127.0.0.1:${port}`,
  commandLine({ ports: [client], dir, index, members }, { durable = false, tls }) {
    const peer = ({ host, ports }: { host: string; ports: readonly number[] }): string => `http://${host}:${ports[1]}`;
    const own = `${tls ? 'https' : 'http'}://127.0.0.1:${client}`;
    const pair = ['--cert-file', certificatePath('server'), '--key-file', certificatePath('server-key')];
    const trust = ['--client-cert-auth', '--trusted-ca-file', certificatePath('ca')];
    return [
      ...['--name', `n${index}`, '--data-dir', dir],
      ...['--listen-client-urls', own, '--advertise-client-urls', own],
      ...['--listen-peer-urls', peer(members[index]!), '--initial-advertise-peer-urls', peer(members[index]!)],
      ...['--initial-cluster', members.map((member, i) => `n${i}=${peer(member)}`).join(',')],
      ...['--logger', 'zap', '--log-level', 'warn'],
      ...(durable ? [] : ['--unsafe-no-fsync']),
      ...(tls ? pair : []),
      ...(tls === 'mutual' ? trust : []),
    ];
  },
  /** Healthy means that a linearizable read goes through, which takes a leader. */
  async answers({ host, port }) {
    const url = `http://${host}:${port}/health`;
    const health = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.text(),
      () => secureHealth(host, port),
    );
    return /"true"/.test(health);
  },
};

export const startEtcd = (options: EtcdOptions = {}): Promise<RunningServer> => startServer(etcd, options);

/** Members of one cluster. */
export const startEtcdCluster = (count: number, options: EtcdOptions = {}): Promise<RunningServer[]> =>
  startServers(etcd, count, options);

function secureHealth(host: string, port: number): Promise<string> {
  const tls = { ca: certificate('ca'), cert: certificate('client'), key: certificate('client-key') };
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path: '/health', timeout: 1_000, agent: false, ...tls }, (response) => {
      let text = '';
      response.on('data', (piece) => (text += String(piece)));
      response.on('end', () => resolve(text));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}
