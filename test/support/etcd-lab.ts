import { createEtcdRegistry } from '../../lib/adapters/etcd/create-etcd-registry.js';
import type { EtcdRegistryOptions } from '../../lib/adapters/etcd/etcd-options.js';
import { RegistryLab, type RegistryLabParts } from './registry-lab.js';
import { startEtcd, type EtcdOptions } from './servers/etcd.js';
import { TcpProxy } from './tcp-proxy.js';

export type EtcdLabTuning = Omit<EtcdRegistryOptions, 'endpoints'>;

/** The lab of an etcd server. The server itself is looked at through its JSON gateway, which shares no code with the registry. */
export class EtcdLab extends RegistryLab<EtcdLabTuning> {
  static async start(options: EtcdOptions = {}): Promise<EtcdLab> {
    const server = await startEtcd(options);
    const parts: RegistryLabParts<EtcdLabTuning> = {
      server,
      proxy: await TcpProxy.to(server),
      create: ({ host, port }, tuning) => createEtcdRegistry({ endpoints: `http://${host}:${port}`, ...tuning }),
      async peek(key) {
        const { kvs } = await etcdGateway(server, 'kv/range', { key: base64(`nds/${key}`) });
        return (kvs as { value?: string }[] | undefined)?.map(({ value = '' }) => textOf(value))[0];
      },
    };
    return new EtcdLab(parts);
  }

  raw(path: string, body: object, token?: string): Promise<Record<string, unknown>> {
    return etcdGateway(this.server, path, body, token);
  }
}

/** One call of the JSON gateway. Bytes are base64 there. */
export async function etcdGateway(
  { host, port }: { host: string; port: number },
  path: string,
  body: object,
  token?: string,
): Promise<Record<string, unknown>> {
  const response = await fetch(`http://${host}:${port}/v3/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: token === undefined ? {} : { authorization: token },
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
const textOf = (bytes: string): string => Buffer.from(bytes, 'base64').toString();
