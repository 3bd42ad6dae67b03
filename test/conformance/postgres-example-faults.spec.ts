import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PostgresRegistry, type PostgresRegistryOptions } from '../../docs/examples/postgres-registry.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { commitOne, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { eventually, timed } from '../../lib/testing/conformance/real-time.js';
import { PostgresLab } from '../support/postgres-lab.js';
import { freePort } from '../support/servers/start-server.js';

const START_MS = 180_000;
const TEST_MS = 60_000;
const PREFIX = 'ns/docs/';

const outcomeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: unknown) => error,
  );
const lost = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};
const write = (registry: Registry, name: string, value: string): Promise<{ revision: string; token: bigint }> =>
  mustCommit(registry, { key: PREFIX + name, value });

describe('the PostgreSQL registry of the documentation', () => {
  let lab: PostgresLab;
  const open: Registry[] = [];
  const mirrors: Mirror[] = [];
  const connected = async (registry: Registry): Promise<Registry> => {
    open.push(registry);
    await registry.connect();
    return registry;
  };
  const direct = async (): Promise<Registry> => connected(await lab.direct());
  const proxied = async (): Promise<Registry> => connected(await lab.proxied());
  const mirrorOf = async (registry: Registry): Promise<Mirror> => {
    const mirror = await Mirror.of(registry, PREFIX);
    mirrors.push(mirror);
    return mirror;
  };
  /** One on a server that is not like that of the lab: another user, another database, another port. */
  const other = (change: (url: URL) => void, options: Partial<PostgresRegistryOptions> = {}): Registry => {
    const url = new URL(lab.server.url);
    change(url);
    const registry = new PostgresRegistry({ connection: { connectionString: url.href }, ...options });
    open.push(registry);
    return registry;
  };

  beforeAll(async () => {
    lab = await PostgresLab.start({ killable: true });
  }, START_MS);
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) mirror.dispose();
    await lab.proxy.pass();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
    await lab.raw.query('DROP SCHEMA IF EXISTS nds CASCADE');
  });
  afterAll(() => lab?.stop());

  it('is told what to do when the server refuses it, and can connect once that is done', async () => {
    await lab.raw.query(`CREATE ROLE shop LOGIN PASSWORD 'right'`);
    const shop = (password: string) => (url: URL) => Object.assign(url, { username: 'shop', password });
    const cases: [Registry, RegExp][] = [
      [other(shop('wrong-secret')), /authentication failed for user "shop"\): check the user and the password/],
      [other(shop('')), /SASL.*: check the user and the password/],
      [other((url) => (url.username = 'nobody')), /authentication failed|password/],
      [other((url) => (url.pathname = '/none')), /"none" does not exist\): create the database/],
      [other(shop('right')), /permission denied for database postgres\): let this user create a schema/],
    ];
    for (const [registry, message] of cases) {
      const error = (await outcomeOf(registry.connect())) as Error;
      expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', message: expect.stringMatching(message) });
      expect(JSON.stringify(error) + String(error.stack)).not.toContain('wrong-secret');
    }
    await lab.raw.query('CREATE SCHEMA nds AUTHORIZATION shop');
    await cases.at(-1)![0].connect();
    await write(cases.at(-1)![0], 'a', '1');
    await cases.at(-1)![0].close();
    await lab.raw.query('DROP SCHEMA nds CASCADE; DROP ROLE shop');
    expect(() => other(() => undefined, { schema: 'No such; name' })).toThrow('must be at most 51 lower-case letters');
  });

  it('says that nothing was sent where nobody listens', async () => {
    const port = await freePort();
    const error = await outcomeOf(other((url) => (url.port = String(port))).connect());
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: false });
    expect((error as Error).message).toContain('ECONNREFUSED');
  });

  it('says unknown when a reply is lost, and does not send the write again', async () => {
    const registry = await proxied();
    const delivered = lab.proxy.deliverThenCut((request) => request.includes(`${PREFIX}a`));
    const error = await outcomeOf(registry.commit([{ key: `${PREFIX}a`, value: '1', if: 'absent' }]));
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: true });
    await delivered;
    const again = await eventually('it works again', () =>
      commitOne(registry, { key: `${PREFIX}a`, value: '2', if: 'absent' }).catch(lost),
    );
    expect(again).toMatchObject({ ok: false, current: { value: '1' } });
  });

  it('says that nothing was done when its turn did not come in time', async () => {
    const registry = await direct();
    await write(registry, 'a', '1');
    const holder = await lab.raw.connect();
    await holder.query(`SELECT pg_advisory_lock(hashtextextended('nds', 0))`);
    try {
      const error = await outcomeOf(registry.commit([{ key: `${PREFIX}a`, value: '2' }]));
      expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: false });
      expect((await mustGet(registry, `${PREFIX}a`)).value).toBe('1'); // Readers do not wait.
    } finally {
      await holder.query('SELECT pg_advisory_unlock_all()');
      holder.release();
    }
    await write(registry, 'a', '3');
  });

  it.each([
    ['dropped', 'DROP SCHEMA nds CASCADE'],
    ['truncated', 'TRUNCATE nds.documents, nds.sessions, nds.log'],
  ])('goes on when its tables are %s under its open connections', async (_what, statement) => {
    const [writer, watcher] = [await direct(), await direct()];
    const mirror = await mirrorOf(watcher);
    const session = await writer.openSession({ ttlMs: 60_000 });
    const before = await write(writer, 'a', '1');
    await write(writer, 'b', '1');
    await eventually('the watcher knows', () => mirror.values().b === '1');
    await lab.raw.query(statement);
    expect(await session.renew()).toBe('expired');
    const stale = await commitOne(writer, { key: `${PREFIX}a`, value: '2', if: before.revision });
    expect(stale).toEqual({ ok: false });
    expect((await write(writer, 'a', '3')).token).toBeGreaterThan(before.token);
    await eventually('the watcher knows', () => mirror.values().a === '3' && mirror.values().b === undefined);
  });

  it('hears of changes again when the connection for notifications was ended', async () => {
    const [writer, watcher] = [await direct(), await direct()];
    const mirror = await mirrorOf(watcher);
    const ended = await lab.raw.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query = 'SELECT 1'`,
    );
    expect(ended.rowCount).toBeGreaterThanOrEqual(2);
    await write(writer, 'a', '1');
    await eventually('the poll tells it', () => mirror.values().a === '1');
    const ears = `SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query = 'SELECT 1'`;
    await eventually('both listen again', async () => (await lab.raw.query(ears)).rowCount === 2);
    expect(mirror.resyncs).toBe(0);
    expect((await watcher.describe()).warnings.filter((warning) => warning.includes('Changes are seen'))).toEqual([]);
  });

  it(
    'says resync to a watcher whose place in the log was trimmed while it was away',
    async () => {
      const [writer, watcher] = [await direct(), await proxied()];
      const mirror = await mirrorOf(watcher);
      await write(writer, 'a', '1');
      await eventually('the watcher knows', () => mirror.values().a === '1');
      lab.proxy.blackhole();
      await write(writer, 'a', '2');
      await write(writer, 'b', '1');
      // As the log would be an hour later.
      await lab.raw.query(
        'UPDATE nds.log SET token = token - 3600000000 WHERE token < (SELECT max(token) FROM nds.log)',
      );
      await eventually('it is trimmed', async () => (await lab.raw.query('SELECT FROM nds.log')).rowCount === 2);
      await lab.proxy.pass();
      await eventually('the watcher knows', () => mirror.values().a === '2' && mirror.values().b === '1', 20_000);
      expect(mirror.resyncs).toBeGreaterThan(0);
    },
    TEST_MS,
  );

  it('takes hundreds of commits at once, from several nodes', async () => {
    const registries = [await direct(), await direct(), await direct()];
    const results = await Promise.all(
      Array.from({ length: 768 }, (_, i) =>
        commitOne(registries[i % 3]!, { key: `${PREFIX}${i % 256}`, value: `${i}`, if: 'absent' }),
      ),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(256);
  });

  it('closes within a second, with requests that wait for an answer and for a connection', async () => {
    const registry = await proxied();
    await write(registry, 'a', '1');
    lab.proxy.blackhole();
    const calls = Array.from({ length: 50 }, () => outcomeOf(registry.get(`${PREFIX}a`)));
    await timed('close', registry.close(), 1_000);
    const outcomes = await Promise.all(calls);
    expect(outcomes.every((outcome) => outcome instanceof RegistryUnavailableError)).toBe(true);
    expect(await outcomeOf(registry.connect())).toMatchObject({ code: 'REGISTRY_REFUSED' });
  });

  it(
    'does not work with a standby, and works with it when it takes over',
    async () => {
      const registry = await direct();
      await write(registry, 'a', '1');
      await lab.server.kill();
      writeFileSync(join(lab.server.scratch!, 'data', 'standby.signal'), '');
      await lab.server.restart({ keepData: true });
      const error = await eventually('it serves readers', async () => {
        const outcome = await outcomeOf(registry.get(`${PREFIX}a`));
        return /standby/.test(String(outcome)) && outcome;
      });
      expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: false });
      await lab.raw.query('SELECT pg_promote()');
      await eventually('it works', () => commitOne(registry, { key: `${PREFIX}a`, value: '2' }).catch(lost), 20_000);
      expect((await mustGet(registry, `${PREFIX}a`)).value).toBe('2');
      expect(await registry.describe()).toMatchObject({
        kind: 'postgres',
        topology: 'standalone',
        warnings: [expect.stringContaining('fsync is off')],
      });
    },
    TEST_MS,
  );
});
