import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Registry } from '../../lib/core/registry/registry.js';
import { mustCommit } from '../../lib/testing/conformance/lab.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';
import { askConsul, startConsulLab, type ConsulTuning } from '../support/consul-lab.js';
import type { RegistryLab } from '../support/registry-lab.js';

const MANAGEMENT = '11111111-2222-3333-4444-555555555555';
const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

describe('the Consul registry, where access is controlled', () => {
  let lab: RegistryLab<ConsulTuning>;
  const open: Registry[] = [];
  const registryOf = async (token?: string): Promise<Registry> => {
    const registry = await lab.direct(token === undefined ? {} : { token });
    open.push(registry);
    return registry;
  };
  const manage = async (path: string, body: object): Promise<Record<string, string>> => {
    const { status, text } = await askConsul(lab.server.url, 'PUT', path, JSON.stringify(body), MANAGEMENT);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text) as Record<string, string>;
  };
  const tokenFor = async (name: string, rules: string): Promise<string> => {
    await manage('/v1/acl/policy', { Name: name, Rules: rules });
    return (await manage('/v1/acl/token', { Policies: [{ Name: name }] })).SecretID!;
  };

  beforeAll(async () => {
    lab = await startConsulLab({ killable: true, managementToken: MANAGEMENT });
    // The server answers before its own token may do everything.
    await eventually('the token counts', () => manage('/v1/acl/policy', { Name: 'first' }).then(Boolean, () => false));
  }, 180_000);
  afterEach(() => Promise.all(open.splice(0).map((registry) => registry.close())));
  afterAll(() => lab?.stop());

  it('needs a token that may write its prefix and sessions, and no more', async () => {
    const rules = 'key_prefix "nds/" { policy = "write" } session_prefix "" { policy = "write" }';
    const registry = await registryOf(await tokenFor('enough', rules));
    await registry.connect();
    const session = await registry.openSession({ ttlMs: 60_000 });
    const told = new Set<string>();
    await registry.watch('ns/docs/', (change) => change.type === 'put' && told.add(change.entry.key));
    await mustCommit(registry, { key: 'ns/docs/a', value: '1', session: session.id });
    await eventually('the write is told', () => told.has('ns/docs/a'));
    expect(await session.renew()).toBe('renewed');
    await session.end();
    expect(await registry.list('ns/docs/')).toEqual({ entries: [] });
    // What it may not read of the agent is left out.
    expect(await registry.describe()).toEqual({ kind: 'consul', topology: 'standalone', warnings: [] });
  });

  it('tells more with a token that may read the agent', async () => {
    const registry = await registryOf(MANAGEMENT);
    await registry.connect();
    expect(await registry.describe()).toEqual({
      kind: 'consul',
      version: expect.stringMatching(/^\d+\.\d+/),
      topology: 'standalone, datacenter dc1',
      warnings: [],
    });
  });

  it.each<[string, string | undefined]>([
    ['without a token', undefined],
    ['with a token that there is not', '99999999-2222-3333-4444-555555555555'],
  ])('is refused at once %s, with advice', async (_name, token) => {
    const registry = await registryOf(token);
    const error = await outcomeOf(registry.connect());
    expect(error).toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringMatching(/"token".*key_prefix "nds\/" \{ policy = "write" \}.*session_prefix ""/),
    });
    if (token !== undefined) expect(JSON.stringify([error, (error as Error).stack])).not.toContain(token);
  });

  it('is refused what its token may not do, with advice', async () => {
    const reader = await registryOf(await tokenFor('reader', 'key_prefix "nds/" { policy = "read" }'));
    const refused = { code: 'REGISTRY_REFUSED', message: expect.stringContaining('policy = "write"') };
    expect(
      await outcomeOf(reader.connect().then(() => reader.commit([{ key: 'ns/docs/a', value: '1' }]))),
    ).toMatchObject(refused);
    const keysOnly = await registryOf(await tokenFor('keys', 'key_prefix "nds/" { policy = "write" }'));
    await keysOnly.connect();
    expect(await outcomeOf(keysOnly.openSession({ ttlMs: 1_000 }))).toMatchObject(refused);
  });
});
