import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import type { ConsulTls } from '../../lib/adapters/consul/consul-options.js';
import { createConsulRegistry } from '../../lib/adapters/consul/create-consul-registry.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { mustCommit } from '../../lib/testing/conformance/lab.js';
import { consul, startConsul } from '../support/servers/consul.js';
import { findProgram } from '../support/servers/programs.js';
import type { RunningServer } from '../support/servers/server.js';

/** A Consul agent that is reached through TLS only, by clients with a certificate of its own authority. */
describe('the Consul registry over TLS', () => {
  let server: RunningServer;
  let door: Server;
  let address: string;
  let folder: string;
  const pem = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const open: Registry[] = [];
  const registryOf = async (tls: ConsulTls, at = address): Promise<Registry> => {
    const registry = await createConsulRegistry({ address: at, tls, connectTimeout: '1s' });
    open.push(registry);
    return registry;
  };
  const failureOf = async (registry: Registry): Promise<unknown> =>
    registry.connect().then(
      () => 'connected',
      (error: unknown) => error,
    );

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'distributed-schedule-tls-'));
    server = await startConsul();
    const { command, env } = await findProgram(consul);
    for (const args of ['ca create', 'cert create -server', 'cert create -client']) {
      execFileSync(command, ['tls', ...args.split(' ')], { cwd: folder, env: { ...process.env, ...env } });
    }
    const [key, cert, ca] = ['dc1-server-consul-0-key.pem', 'dc1-server-consul-0.pem', 'consul-agent-ca.pem'].map(pem);
    door = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
      const agent = connect(server.port, server.host);
      for (const side of [socket, agent]) side.on('error', () => undefined); // One side goes; the other is told by the pipe.
      socket.pipe(agent).pipe(socket);
    });
    await once(door.listen(0, '127.0.0.1'), 'listening');
    address = `https://127.0.0.1:${(door.address() as AddressInfo).port}`;
  }, 180_000);
  afterEach(() => Promise.all(open.splice(0).map((registry) => registry.close())));
  afterAll(async () => {
    door?.close();
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  const own = (): ConsulTls => ({ cert: pem('dc1-client-consul-0.pem'), key: pem('dc1-client-consul-0-key.pem') });
  const ca = (): string => pem('consul-agent-ca.pem');

  it('works with the authority and a certificate of its own, also under the name of the server', async () => {
    for (const serverName of [undefined, 'server.dc1.consul']) {
      const registry = await registryOf({ ca: ca(), ...own(), ...(serverName !== undefined && { serverName }) });
      await registry.connect();
      await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
      expect(await registry.describe()).toMatchObject({ topology: 'standalone, datacenter dc1' });
    }
  });

  it.each<[string, () => ConsulTls]>([
    ['without the authority', own],
    ['under another name', () => ({ ca: ca(), ...own(), serverName: 'somebody.else' })],
  ])('is refused %s, with advice', async (_name, tls) => {
    const error = await failureOf(await registryOf(tls()));
    expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', message: expect.stringContaining('check "tls"') });
  });

  it('is refused where no TLS is spoken, with advice', async () => {
    const error = await failureOf(await registryOf({}, `https://127.0.0.1:${server.port}`));
    expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', message: expect.stringContaining('HTTPS port') });
  });
});
