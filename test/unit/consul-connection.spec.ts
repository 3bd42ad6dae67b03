import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { ConsulConnection } from '../../lib/adapters/consul/consul-connection.js';
import { createSession } from '../../lib/adapters/consul/consul-node.js';
import { resolveConsulOptions } from '../../lib/adapters/consul/consul-options.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { pause } from '../../lib/testing/conformance/real-time.js';

const ending: (() => unknown)[] = [];
const connectionTo = async (
  answer: (path: string, response: ServerResponse) => unknown,
  options: { datacenter?: string } = {},
): Promise<ConsulConnection> => {
  const server = createServer((request, response) => void answer(request.url!, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const resolved = resolveConsulOptions({ address: `http://127.0.0.1:${port}`, callTimeout: '500ms', ...options });
  const connection = new ConsulConnection({ Pool }, resolved, systemClock);
  connection.open();
  ending.push(
    () => server.close(),
    () => connection.close(),
  );
  return connection;
};
afterEach(async () => {
  while (ending.length > 0) await ending.pop()!();
});

describe('an answer of Consul that takes long', () => {
  const waits = (ms: number) => ({ ms, signal: new AbortController().signal });
  const request = { method: 'GET', path: '/v1/kv/nds/' } as const;

  it('is waited for as long as more of it comes', async () => {
    const connection = await connectionTo(async (_path, response) => {
      for (let i = 0; i < 20; i++) {
        response.write('é'.repeat(3));
        await pause(50);
      }
      response.end();
    });
    const { text } = await connection.request({ ...request, waits: waits(0) });
    expect(text).toBe('é'.repeat(60));
  });

  it('is given up when no more of it comes', async () => {
    const connection = await connectionTo((_path, response) => void response.write('['));
    await expect(connection.request({ ...request, waits: waits(60_000) })).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: 'Consul fell silent in its answer to /v1/kv/nds/.',
    });
  });
});

describe('the node of a session in another datacenter', () => {
  const missing = 'Missing node registration';
  it.each<[string, string | undefined, number, unknown]>([
    ['where the servers are hidden', 'dc1', 200, []],
    ['where asking for the servers is denied', 'dc1', 403, 'Permission denied'],
    ['where the agent does not tell its own either', undefined, 200, []],
  ])('is refused with advice %s', async (_name, own, status, servers) => {
    const connection = await connectionTo(
      (path, response) => {
        if (path.startsWith('/v1/agent/self')) {
          response.statusCode = own === undefined ? 403 : 200;
          return response.end(JSON.stringify({ Config: { Datacenter: own } }));
        }
        const isCatalog = path.startsWith('/v1/catalog/service/consul');
        response.statusCode = isCatalog ? status : 500;
        return response.end(isCatalog ? JSON.stringify(servers) : missing);
      },
      { datacenter: 'dc2' },
    );
    await expect(createSession(connection, {})).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringMatching(/datacenter dc2.*service_prefix "" .*node_prefix ""/),
    });
  });

  it('is the agent where its rights hide everything but it is the own one', async () => {
    const connection = await connectionTo(
      (path, response) => {
        const isCreate = path.startsWith('/v1/session/create');
        response.statusCode = isCreate ? 200 : 403;
        return response.end(isCreate ? '{"ID":"7"}' : '');
      },
      { datacenter: 'dc1' },
    );
    expect(await createSession(connection, {})).toBe('7');
  });
});
