import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createConsulRegistry } from '../../lib/adapters/consul/create-consul-registry.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { mustCommit } from '../../lib/testing/conformance/lab.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';
import { askConsul } from '../support/consul-lab.js';
import { startConsul } from '../support/servers/consul.js';
import type { RunningServer } from '../support/servers/server.js';
import { freePort } from '../support/servers/start-server.js';

describe('the Consul registry, where there are two datacenters', () => {
  const servers: RunningServer[] = [];
  const open: Registry[] = [];
  const start = async (datacenter: string, args: string[]): Promise<RunningServer> => {
    const place = { datacenter, node: `only-${datacenter}` };
    const given = [...Object.entries(place).map(([name, value]) => `-${name}=${value}`), ...args];
    const server = await startConsul({ killable: true, args: given });
    servers.push(server);
    return server;
  };
  /** Always through the agent of dc1. */
  const registryIn = async (datacenter?: string): Promise<Registry> => {
    const registry = await createConsulRegistry({
      address: servers[0]!.url,
      ...(datacenter !== undefined && { datacenter }),
    });
    open.push(registry);
    await registry.connect();
    return registry;
  };

  beforeAll(async () => {
    const gossip = await freePort();
    const first = await start('dc1', [`-serf-wan-port=${gossip}`, '-hcl=leave_on_terminate = true']);
    await start('dc2', [`-serf-wan-port=${await freePort()}`, `-retry-join-wan=127.0.0.1:${gossip}`]);
    await eventually(
      'one reaches the other',
      async () => (await askConsul(first.url, 'GET', '/v1/catalog/service/consul?dc=dc2')).status === 200,
      30_000,
    );
  }, 180_000);
  afterEach(() => Promise.all(open.splice(0).map((registry) => registry.close())));
  afterAll(async () => {
    // The first would take its time to leave.
    for (const server of servers) await server.kill();
    for (const server of servers) await server.stop();
  });

  it('keeps documents and sessions in the one that is named', async () => {
    const registry = await registryIn('dc2');
    const session = await registry.openSession({ ttlMs: 60_000 });
    await mustCommit(registry, { key: 'ns/docs/a', value: '1', session: session.id });
    expect((await registry.get('ns/docs/a'))?.session).toBe(session.id);
    expect(await session.renew()).toBe('renewed');
    expect(JSON.parse((await askConsul(servers[1]!.url, 'GET', '/v1/session/list')).text)).toMatchObject([
      { ID: session.id, Node: 'only-dc2' },
    ]);
    expect((await askConsul(servers[0]!.url, 'GET', '/v1/kv/nds/?keys')).status).toBe(404);
    await session.end();
    expect(await registry.get('ns/docs/a')).toBeUndefined();
    expect(await registry.describe()).toMatchObject({ topology: 'standalone, datacenter dc2', warnings: [] });
  });

  it.each([undefined, 'dc1'])(
    'keeps sessions with the agent in its own (%j), and warns where it leaves',
    async (dc) => {
      const registry = await registryIn(dc);
      const session = await registry.openSession({ ttlMs: 60_000 });
      expect(JSON.parse((await askConsul(servers[0]!.url, 'GET', '/v1/session/list')).text)).toMatchObject([
        { ID: session.id, Node: 'only-dc1' },
      ]);
      await session.end();
      expect(await registry.describe()).toMatchObject({
        topology: 'standalone, datacenter dc1',
        warnings: [expect.stringMatching(/agent leaves the cluster when it is stopped.*leave_on_terminate to false/)],
      });
    },
  );

  it('refuses one that there is not', async () => {
    await expect(registryIn('dc3')).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringContaining('"datacenter"'),
    });
  });
});
