import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createEtcdRegistry } from '../../lib/adapters/etcd/create-etcd-registry.js';
import type { EtcdRegistryOptions } from '../../lib/adapters/etcd/etcd-options.js';
import type { Change, Registry } from '../../lib/core/registry/registry.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import { commitOne, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { eventually, pause } from '../../lib/testing/conformance/real-time.js';
import { base64, EtcdLab } from '../support/etcd-lab.js';
import { startEtcd } from '../support/servers/etcd.js';
import type { RunningServer } from '../support/servers/server.js';
import { certificate } from '../support/tls/certificates.js';

const TEST_MS = 60_000;
const START_MS = 180_000;

const open: Registry[] = [];
const connected = async (options: EtcdRegistryOptions): Promise<Registry> => {
  const registry = await createEtcdRegistry({ callTimeout: '1s', connectTimeout: '2s', ...options });
  open.push(registry);
  await registry.connect();
  return registry;
};
const closeAll = async (): Promise<void> => {
  await Promise.all(open.splice(0).map((registry) => registry.close()));
};
const lost = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};

describe('the etcd registry with users', () => {
  const scheduler = { username: 'scheduler', password: 'p@ss/word' };
  let lab: EtcdLab;
  let endpoints: string;

  beforeAll(async () => {
    // Logins end two seconds after they were used last.
    lab = await EtcdLab.start({ killable: true, args: ['--auth-token-ttl', '2'] });
    endpoints = lab.server.url;
    const users = [{ username: 'root', password: 'root' }, scheduler, { username: 'stranger', password: 'strange' }];
    for (const { username: name, password } of users) await lab.raw('auth/user/add', { name, password });
    for (const name of ['root', 'nds']) await lab.raw('auth/role/add', { name });
    const perm = { permType: 'READWRITE', key: base64('nds/'), range_end: base64('nds0') };
    await lab.raw('auth/role/grant', { name: 'nds', perm });
    await lab.raw('auth/user/grant', { user: 'root', role: 'root' });
    await lab.raw('auth/user/grant', { user: 'scheduler', role: 'nds' });
    await lab.raw('auth/enable', {});
  }, START_MS);
  afterEach(closeAll);
  afterAll(() => lab?.stop());

  it(
    'does everything as a user who may use the prefix and nothing else',
    async () => {
      const registry = await connected({ endpoints, ...scheduler });
      const mirror = await Mirror.of(registry, 'ns/docs/');
      const session = await registry.openSession({ ttlMs: 10_000 });
      await mustCommit(registry, { key: 'ns/docs/a', value: '1', session: session.id });
      await mustCommit(registry, { key: 'ns/docs/b', value: '1', if: 'absent' });
      await eventually('the watch tells', () => mirror.values()['b'] === '1');
      expect(await session.renew()).toBe('renewed');
      await session.end();
      await eventually('the end is told', () => JSON.stringify(mirror.values()) === '{"b":"1"}');
      expect((await registry.describe()).warnings).toEqual([]);
      mirror.dispose();
    },
    TEST_MS,
  );

  it(
    'logs in again when its login has expired',
    async () => {
      const [registry, other] = [
        await connected({ endpoints, ...scheduler }),
        await connected({ endpoints, ...scheduler }),
      ];
      // The server keeps nothing of logins over a restart; so each of these meets an expired one.
      for (let round = 1; round <= 2; round++) {
        await eventually('it works', () => commitOne(other, { key: 'ns/docs/x', value: `${round}` }).catch(lost));
        await lab.server.restart({ keepData: true });
        const values = Array.from({ length: 50 }, (_, i) => `${round}-${i}`);
        const results = await eventually('it works again', () =>
          Promise.all(values.map((value) => commitOne(registry, { key: `ns/docs/${value}`, value }))).catch(lost),
        );
        expect(results.every(({ ok }) => ok)).toBe(true);
      }
    },
    TEST_MS,
  );

  it(
    'keeps a watch going after its login has expired',
    async () => {
      const [registry, writer] = [
        await connected({ endpoints: `http://${lab.proxy.host}:${lab.proxy.port}`, ...scheduler }),
        await connected({ endpoints, ...scheduler }),
      ];
      const mirror = await Mirror.of(registry, 'ns/docs/');
      await lab.proxy.refuse();
      await lab.server.restart({ keepData: true });
      await eventually('a write goes through', () => commitOne(writer, { key: 'ns/docs/w', value: '2' }).catch(lost));
      await lab.proxy.pass();
      await eventually('the watch tells', () => mirror.values()['w'] === '2');
      mirror.dispose();
    },
    TEST_MS,
  );

  it(
    'adds a watch to a stream whose login has expired',
    async () => {
      const registry = await connected({ endpoints, ...scheduler });
      const seen = new Set<string>();
      const look = (change: Change): unknown => change.type === 'put' && seen.add(change.entry.value);
      await registry.watch('ns/first/', look);
      // Only time ends a login, two seconds without a use of it; there is nothing to look at meanwhile.
      await pause(4_000);
      await registry.watch('ns/second/', look);
      await mustCommit(registry, { key: 'ns/first/a', value: '1' });
      await mustCommit(registry, { key: 'ns/second/a', value: '2' });
      await eventually('both tell', () => seen.size === 2);
    },
    TEST_MS,
  );

  it.each([
    [
      'a wrong password',
      { username: 'scheduler', password: 'wr0ng' },
      /authentication failed.*check username and password/,
    ],
    [
      'an unknown user',
      { username: 'nobody', password: 'wr0ng' },
      /authentication failed.*check username and password/,
    ],
    ['no user', {}, /user name is empty.*give username and password in the options/],
    [
      'a user without rights',
      { username: 'stranger', password: 'strange' },
      /permission denied.*grant the user a role/,
    ],
  ])(
    'refuses %s at once, and says what to do',
    async (_what, user, message) => {
      const error = await connected({ endpoints, connectTimeout: '30s', ...user }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', message: expect.stringMatching(message) });
      expect(JSON.stringify([error, String(error), (error as Error).cause])).not.toMatch(/wr0ng|strange"/);
    },
    10_000,
  );

  it(
    'warns when nobody asks for its credentials',
    async () => {
      const free = await EtcdLab.start({ killable: true });
      try {
        const registry = await connected({ endpoints: free.server.url, ...scheduler });
        expect((await registry.describe()).warnings.join()).toMatch(/authentication is off.*etcdctl auth enable/);
        await registry.close();
      } finally {
        await free.stop();
      }
    },
    TEST_MS,
  );
});

describe('the etcd registry with TLS', () => {
  let server: RunningServer;
  let mutual: RunningServer;
  const ca = certificate('ca');
  const own = { cert: certificate('client'), key: Buffer.from(certificate('client-key')) };
  const at = (name: string, { port }: RunningServer): string => `https://${name}:${port}`;
  const works = async (options: EtcdRegistryOptions): Promise<void> => {
    const registry = await connected(options);
    await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
    expect((await mustGet(registry, 'ns/docs/a')).value).toBe('1');
  };

  beforeAll(async () => {
    server = await startEtcd({ killable: true, tls: 'server' });
    mutual = await startEtcd({ killable: true, tls: 'mutual' });
  }, START_MS);
  afterEach(closeAll);
  afterAll(() => Promise.all([server?.stop(), mutual?.stop()]));

  it('trusts the given authority, by address and by name', async () => {
    await works({ endpoints: at('127.0.0.1', server), tls: { ca } });
    await works({ endpoints: at('localhost', server), tls: { ca: Buffer.from(ca) } });
    await works({ endpoints: at('127.0.0.1', server), tls: { ca, serverName: 'registry.test' } });
  });

  it('shows its own certificate where one is wanted', async () => {
    await works({ endpoints: at('127.0.0.1', mutual), tls: { ca, ...own } });
  });

  it.each<[string, (server: RunningServer, mutual: RunningServer) => EtcdRegistryOptions, RegExp]>([
    [
      'an unknown authority',
      (one) => ({ endpoints: at('127.0.0.1', one) }),
      /self-signed certificate|unable to verify/,
    ],
    [
      'another name',
      (one) => ({ endpoints: at('127.0.0.1', one), tls: { ca, serverName: 'other.test' } }),
      /does not match certificate's altnames/,
    ],
    ['no certificate of ours', (_one, two) => ({ endpoints: at('127.0.0.1', two), tls: { ca } }), /No connection/],
    ['http', (one) => ({ endpoints: at('127.0.0.1', one).replace('https', 'http') }), /No connection to etcd within/],
  ])(
    'does not connect with %s, and says why',
    async (_what, options, message) => {
      const connecting = connected({ connectTimeout: '1s', ...options(server, mutual) });
      await expect(connecting).rejects.toMatchObject({
        code: 'REGISTRY_UNAVAILABLE',
        message: expect.stringMatching(message),
      });
    },
    TEST_MS,
  );
});
