import { createConsulRegistry } from '../../lib/adapters/consul/create-consul-registry.js';
import { ConsulLayout, pathOf } from '../../lib/adapters/consul/consul-keys.js';
import type { AdapterTuning } from '../../lib/core/registry/adapter-options.js';
import { RegistryLab } from './registry-lab.js';
import { startConsul, type ConsulOptions } from './servers/consul.js';
import { TcpProxy } from './tcp-proxy.js';

export type ConsulTuning = AdapterTuning & { token?: string };

/** A request to the server itself, past the registry. */
export async function askConsul(
  url: string,
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  body?: string | Uint8Array,
  token?: string,
): Promise<{ status: number; text: string }> {
  const headers = token === undefined ? undefined : { 'x-consul-token': token };
  const answer = await fetch(url + path, { method, body, headers } as RequestInit);
  return { status: answer.status, text: await answer.text() };
}

/** A Consul server, a proxy in front of it, and registries on either side. */
export async function startConsulLab(options: ConsulOptions = {}): Promise<RegistryLab<ConsulTuning>> {
  const server = await startConsul(options);
  const layout = new ConsulLayout('nds');
  return new RegistryLab({
    server,
    proxy: await TcpProxy.to(server),
    create: ({ host, port }, tuning) => createConsulRegistry({ address: `http://${host}:${port}`, ...tuning }),
    async peek(key) {
      const { status, text } = await askConsul(
        `http://${server.host}:${server.port}`,
        'GET',
        `${pathOf(layout.placeOf(key))}?raw`,
      );
      return status === 404 ? undefined : text;
    },
  });
}
