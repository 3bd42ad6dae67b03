import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisRegistry } from '../../lib/adapters/redis/create-redis-registry.js';
import type { RedisRegistryOptions } from '../../lib/adapters/redis/redis-options.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { commitOne, mustCommit } from '../../lib/testing/conformance/lab.js';
import { eventually, timed } from '../../lib/testing/conformance/real-time.js';
import { RedisLab } from '../support/redis-lab.js';

const PASSWORD = 'correct horse: battery/staple?';
const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

describe('the Redis registry and its clients', () => {
  let lab: RedisLab;
  const open: Registry[] = [];
  const clients: Redis[] = [];
  const create = async (options: RedisRegistryOptions): Promise<Registry> => {
    const registry = await createRedisRegistry(options);
    open.push(registry);
    return registry;
  };
  const ownClient = (options: object = {}): Redis => {
    const client = new Redis({ host: lab.server.host, port: lab.server.port, ...options });
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    lab = await RedisLab.start({ killable: true });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((registry) => registry.close()));
    for (const client of clients.splice(0)) client.disconnect();
    await lab.raw.config('SET', 'requirepass', '');
    await lab.raw.acl('DELUSER', 'limited');
    await lab.raw.flushall();
  });
  afterAll(() => lab.stop());

  it('neither uses, closes nor changes a client that was handed in', async () => {
    const client = ownClient({ maxRetriesPerRequest: null, commandTimeout: 12_345 });
    const before = { ...client.options };
    const registry = await create({ client });
    await registry.connect();
    await registry.watch('ns/docs/', () => undefined);
    await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
    await registry.close();
    expect({ ...client.options }).toEqual(before);
    expect(client.status).toBe('ready');
    expect(await client.ping()).toBe('PONG');
  });

  it('works with a client that has not connected yet, and leaves it so', async () => {
    const client = ownClient({ lazyConnect: true });
    const registry = await create({ client });
    await registry.connect();
    await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
    expect(client.status).toBe('wait');
  });

  it('leaves no connection on the server after close', async () => {
    const connections = async (): Promise<number> =>
      String(await lab.raw.client('LIST'))
        .trim()
        .split('\n').length;
    const before = await connections();
    const registry = await create({ url: lab.server.url });
    await registry.connect();
    const watch = await registry.watch('ns/docs/', () => undefined);
    await eventually('it has its two connections', async () => (await connections()) === before + 2);
    await registry.close();
    await registry.close();
    watch.dispose();
    await eventually('they are gone', async () => (await connections()) === before);
    const after = await outcomeOf(registry.get('ns/docs/a'));
    expect(after).toMatchObject({ code: 'REGISTRY_REFUSED', message: expect.stringContaining('closed') });
    expect(await outcomeOf(registry.connect())).toMatchObject({ code: 'REGISTRY_REFUSED' });
  });

  it('closes while it connects', async () => {
    await lab.proxy.refuse();
    try {
      const registry = await create({ url: `redis://${lab.proxy.host}:${lab.proxy.port}` });
      const connecting = outcomeOf(registry.connect());
      expect(await timed('close', registry.close(), 5_000)).toBeLessThan(1_000);
      await timed('connect', connecting, 1_000);
      expect(await connecting).toMatchObject({ code: 'REGISTRY_REFUSED' });
    } finally {
      await lab.proxy.pass();
    }
  });

  it('keeps stores with different prefixes apart', async () => {
    const [one, two] = [await create({ url: lab.server.url }), await create({ url: lab.server.url, prefix: 'other' })];
    await one.connect();
    await two.connect();
    await mustCommit(one, { key: 'ns/docs/a', value: '1', if: 'absent' });
    await mustCommit(two, { key: 'ns/docs/a', value: '2', if: 'absent' });
    expect((await one.get('ns/docs/a'))?.value).toBe('1');
  });

  it('uses the database of the address', async () => {
    const registry = await create({ url: `${lab.server.url}/3` });
    await registry.connect();
    await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
    expect(await lab.raw.dbsize()).toBe(0);
  });

  describe('with credentials', () => {
    const address = (password: string): string =>
      `redis://:${encodeURIComponent(password)}@${lab.server.host}:${lab.server.port}`;

    it('connects with the right ones', async () => {
      await lab.raw.config('SET', 'requirepass', PASSWORD);
      const registry = await create({ url: address(PASSWORD) });
      await registry.connect();
      await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
      expect(JSON.stringify(await registry.describe())).not.toContain('horse');
    });

    it.each([
      ['none', (): string => lab.server.url],
      ['wrong ones', (): string => address('guess')],
    ])('is refused at once with %s, and shows no secret', async (_name, url) => {
      await lab.raw.config('SET', 'requirepass', PASSWORD);
      const registry = await create({ url: url() });
      const connecting = outcomeOf(registry.connect());
      await timed('the refusal', connecting, 2_000);
      expect(await connecting).toMatchObject({ code: 'REGISTRY_REFUSED', retryable: false });
      const { inspect } = await import('node:util');
      expect(inspect(await connecting, { depth: 10 })).not.toMatch(/guess|horse/);
    });

    it('says why when the password was changed under it, and recovers when it is right again', async () => {
      await lab.raw.config('SET', 'requirepass', PASSWORD);
      const registry = await create({ url: address(PASSWORD) });
      await registry.connect();
      await lab.raw.config('SET', 'requirepass', 'changed');
      await lab.raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await eventually('it says why', async () => {
        const error = await outcomeOf(registry.get('ns/docs/a'));
        return (error as { code?: string } | undefined)?.code === 'REGISTRY_REFUSED';
      });
      await lab.raw.config('SET', 'requirepass', PASSWORD);
      await eventually('it works again', () =>
        outcomeOf(commitOne(registry, { key: 'ns/docs/a', value: '1' })).then((r) => (r as { ok?: boolean }).ok),
      );
    });

    it('is refused at connect when the user may not run scripts, and is told what to allow', async () => {
      await lab.raw.acl('SETUSER', 'limited', 'on', '>pw', '~*', '&*', '+@all', '-evalsha', '-eval');
      const registry = await create({
        options: { host: lab.server.host, port: lab.server.port, username: 'limited', password: 'pw' },
      });
      const error = await outcomeOf(registry.connect());
      expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', message: expect.stringContaining('+@scripting') });
    });

    it('watches by polling when the user may not subscribe', async () => {
      await lab.raw.acl('SETUSER', 'limited', 'on', '>pw', '~*', '&*', '+@all', '-subscribe');
      const registry = await create({
        options: { host: lab.server.host, port: lab.server.port, username: 'limited', password: 'pw' },
      });
      await registry.connect();
      const seen: string[] = [];
      await registry.watch('ns/docs/', (change) => change.type === 'put' && seen.push(change.entry.value));
      await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
      await eventually('the change is told', () => seen.includes('1'));
      expect((await registry.describe()).warnings.join(' ')).toContain('Watches run on polling (NOPERM');
    });

    it('works with no more rights than the error names', async () => {
      const rights = '~{nds}* &{nds}* +@read +@write +@scripting +@pubsub +@connection +time +info'.split(' ');
      await lab.raw.acl('SETUSER', 'limited', 'on', '>pw', ...rights);
      const registry = await create({
        options: { host: lab.server.host, port: lab.server.port, username: 'limited', password: 'pw' },
      });
      await registry.connect();
      const session = await registry.openSession({ ttlMs: 1_000 });
      const seen: string[] = [];
      await registry.watch('ns/docs/', (change) => change.type === 'put' && seen.push(change.entry.value));
      await registry.commit(
        Array.from({ length: 300 }, (_, i) => ({ key: `ns/docs/${i}`, value: String(i), session: session.id })),
      );
      await eventually('the changes are told', () => seen.length >= 300);
      expect(await session.renew()).toBe('renewed');
      await session.end();
      expect(await registry.list('ns/docs/')).toEqual({ entries: [] });
      expect((await registry.describe()).warnings.join(' ')).toContain('does not tell whether');
    });
  });
});
