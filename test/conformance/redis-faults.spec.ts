import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import type { RedisTuning } from '../../lib/adapters/redis/redis-options.js';
import { commitOne, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';
import { RedisLab } from '../support/redis-lab.js';

const TEST_MS = 60_000;

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);
const lost = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};
/** Waits until the registry serves again. */
const works = (registry: Registry): Promise<unknown> =>
  eventually(
    'the registry works again',
    () => commitOne(registry, { key: 'ns/docs/works', value: 'x' }).catch(lost),
    20_000,
  );

describe('the Redis registry under faults', () => {
  let lab: RedisLab;
  const open: Registry[] = [];
  const mirrors: Mirror[] = [];
  const proxied = async (tuning?: RedisTuning): Promise<Registry> => connected(await lab.proxied(tuning));
  const direct = async (tuning?: RedisTuning): Promise<Registry> => connected(await lab.direct(tuning));
  const connected = async (registry: Registry): Promise<Registry> => {
    open.push(registry);
    await registry.connect();
    return registry;
  };
  const mirrorOf = async (registry: Registry, prefix: string): Promise<Mirror> => {
    const mirror = await Mirror.of(registry, prefix);
    mirrors.push(mirror);
    return mirror;
  };

  beforeAll(async () => {
    lab = await RedisLab.start({ killable: true, durability: 'always' });
  }, TEST_MS);
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) mirror.dispose();
    lab.server.resume();
    await lab.proxy.pass();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
    await lab.raw.flushall();
  });
  afterAll(() => lab.stop());

  describe('on the way', () => {
    it(
      'says unknown when a reply is lost, and does not send the write again',
      async () => {
        const registry = await proxied();
        await mustCommit(registry, { key: 'ns/docs/first', value: 'the script is loaded now' });
        const delivered = lab.proxy.deliverThenCut((request) => request.includes('ns/docs/a'));
        const error = await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '1', if: 'absent' }]));
        expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: true });
        await delivered;
        const written = await lab.raw.hget('{nds}:documents', 'ns/docs/a');
        await works(registry);
        expect(await lab.raw.hget('{nds}:documents', 'ns/docs/a')).toBe(written);
        const again = await commitOne(registry, { key: 'ns/docs/a', value: '2', if: 'absent' });
        expect(again).toMatchObject({ ok: false, current: { value: '1' } });
      },
      TEST_MS,
    );

    it(
      'says unknown when a request is lost, and never carries it out',
      async () => {
        const registry = await proxied();
        lab.proxy.blackhole('requests');
        const call = outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '1', if: 'absent' }]));
        lab.proxy.cut();
        expect(await call).toMatchObject({ outcomeUnknown: true });
        await works(registry);
        expect(await registry.get('ns/docs/a')).toBeUndefined();
      },
      TEST_MS,
    );

    it(
      'says that nothing was sent while there is no connection',
      async () => {
        const registry = await proxied();
        await lab.proxy.refuse();
        await eventually('the loss is noticed', async () => {
          const error = await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '1' }]));
          return error instanceof RegistryUnavailableError && !error.outcomeUnknown;
        });
        await lab.proxy.pass();
        await works(registry);
        expect(await registry.get('ns/docs/a')).toBeUndefined();
      },
      TEST_MS,
    );

    it(
      'lets a late write fail once somebody has settled the document',
      async () => {
        const [late, other] = [await proxied(), await direct()];
        const { revision } = await mustCommit(other, { key: 'ns/units/u@1', value: '0' });
        lab.proxy.blackhole('requests');
        const call = outcomeOf(late.commit([{ key: 'ns/units/u@1', value: 'late', if: revision }]));
        expect(await call).toMatchObject({ outcomeUnknown: true });
        await mustCommit(other, { key: 'ns/units/u@1', value: 'settled', if: revision });
        await lab.proxy.pass(); // What was held back arrives now.
        await works(late);
        expect((await mustGet(other, 'ns/units/u@1')).value).toBe('settled');
      },
      TEST_MS,
    );

    it(
      'tells a watcher what it missed without starting over',
      async () => {
        const [watcher, writer] = [await proxied(), await direct()];
        await mustCommit(writer, { key: 'ns/docs/a', value: '0' });
        const mirror = await mirrorOf(watcher, 'ns/docs/');
        await lab.proxy.refuse();
        for (let i = 1; i <= 50; i++) await mustCommit(writer, { key: `ns/docs/${i % 10}`, value: String(i) });
        await lab.proxy.pass();
        await eventually('it has caught up', () => mirror.values()['0'] === '50' && mirror.values()['9'] === '49');
        expect(mirror.resyncs).toBe(0);
      },
      TEST_MS,
    );

    it(
      'says resync when more happened than the log keeps',
      async () => {
        const [watcher, writer] = [await proxied(), await direct()];
        const mirror = await mirrorOf(watcher, 'ns/docs/');
        await lab.proxy.refuse();
        for (let i = 0; i < 8; i++) {
          await writer.commit(Array.from({ length: 500 }, (_, n) => ({ key: `ns/docs/${n}`, value: String(i) })));
        }
        await lab.proxy.pass();
        await eventually(
          'it knows everything',
          () => Object.values(mirror.values()).filter((v) => v === '7').length === 500,
        );
        expect(mirror.resyncs).toBe(1);
        expect(await lab.raw.xlen('{nds}:log')).toBeLessThan(2_200);
      },
      TEST_MS,
    );

    it(
      'drops a subscription that has gone silent, and opens another',
      async () => {
        const [registry, writer] = [await proxied(), await direct()];
        const mirror = await mirrorOf(registry, 'ns/docs/');
        const subscription = async (): Promise<string | undefined> =>
          /\bid=(\d+)/.exec(String(await lab.raw.call('CLIENT', 'LIST', 'TYPE', 'pubsub')))?.[1];
        const before = await eventually('it is subscribed', subscription);
        lab.proxy.blackhole('replies');
        await eventually('the silent one is dropped', async () => (await subscription()) !== before, 20_000);
        await lab.proxy.pass();
        await eventually('it is subscribed again', async () => {
          const now = await subscription();
          return now !== undefined && now !== before;
        });
        await mustCommit(writer, { key: 'ns/docs/a', value: '1' });
        await eventually('the change is told', () => mirror.values().a === '1');
      },
      TEST_MS,
    );

    it(
      'does not stumble over what others publish on its channel',
      async () => {
        const registry = await direct();
        const mirror = await mirrorOf(registry, 'ns/docs/');
        await eventually(
          'it is subscribed',
          async () => ((await lab.raw.pubsub('NUMSUB', '{nds}:log'))[1] as number) === 1,
        );
        for (const message of ['', 'hello', '{}', '[]', '["1","99999999999999999"]'])
          await lab.raw.publish('{nds}:log', message);
        await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        await eventually('the change is told', () => mirror.values().a === '1');
      },
      TEST_MS,
    );

    it(
      'keeps watches going when only the subscription is lost',
      async () => {
        const registry = await direct();
        const mirror = await mirrorOf(registry, 'ns/docs/');
        const subscribers = async (): Promise<number> => (await lab.raw.pubsub('NUMSUB', '{nds}:log'))[1] as number;
        await eventually('it is subscribed', async () => (await subscribers()) === 1);
        await lab.raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        await eventually('the change is told', () => mirror.values().a === '1');
        await eventually('it is subscribed again', async () => (await subscribers()) === 1);
        expect(mirror.resyncs).toBe(0);
      },
      TEST_MS,
    );
  });

  describe('at the server', () => {
    it(
      'notices FLUSHALL: tokens grow on, sessions are over, watchers are told to resync',
      async () => {
        const registry = await direct();
        const session = await registry.openSession({ ttlMs: 60_000 });
        const before = await mustCommit(registry, { key: 'ns/docs/a', value: '1', session: session.id });
        const mirror = await mirrorOf(registry, 'ns/docs/');
        await lab.raw.flushall();
        await eventually('the watcher is told', () => mirror.resyncs > 0 && Object.keys(mirror.values()).length === 0);
        expect(await session.renew()).toBe('expired');
        const after = await mustCommit(registry, { key: 'ns/docs/a', value: '2', if: 'absent' });
        expect(after.token).toBeGreaterThan(before.token);
        await eventually('the watch goes on', () => mirror.values().a === '2');
      },
      TEST_MS,
    );

    it(
      'tells a watcher of FLUSHALL also when a write follows at once',
      async () => {
        const registry = await direct();
        await registry.commit(Array.from({ length: 100 }, (_, i) => ({ key: `ns/docs/${i}`, value: 'x' })));
        const mirror = await mirrorOf(registry, 'ns/docs/');
        await lab.raw.flushall();
        await mustCommit(registry, { key: 'ns/docs/new', value: '1' });
        await eventually('it holds the new one only', () => JSON.stringify(mirror.values()) === '{"new":"1"}');
      },
      TEST_MS,
    );

    it(
      'removes what hundreds of dead nodes left behind, a piece at a time',
      async () => {
        const registry = await direct();
        const mirror = await mirrorOf(registry, 'ns/nodes/');
        const sessions = await Promise.all(Array.from({ length: 300 }, () => registry.openSession({ ttlMs: 1_000 })));
        await registry.commit(
          sessions.flatMap(({ id }, i) =>
            [0, 1, 2, 3].map((n) => ({ key: `ns/nodes/${i}-${n}`, value: '', session: id })),
          ),
        );
        const { id } = await registry.openSession({ ttlMs: 1_000 });
        await registry.commit(
          Array.from({ length: 1_200 }, (_, i) => ({ key: `ns/nodes/big-${i}`, value: '', session: id })),
        );
        await eventually('they are known', () => Object.keys(mirror.values()).length === 2_400);
        await eventually('nobody sees them', async () => (await registry.list('ns/nodes/')).entries.length === 0);
        await eventually('nothing is left of them', async () => {
          const left = await Promise.all([
            lab.raw.hlen('{nds}:documents'),
            lab.raw.zcard('{nds}:sessions'),
            lab.raw.zcard('{nds}:bound'),
          ]);
          return left.every((count) => count === 0);
        });
        await eventually('everybody was told', () => Object.keys(mirror.values()).length === 0);
        expect(await lab.raw.keys('{nds}:index*')).toEqual(['{nds}:index']);
      },
      TEST_MS,
    );

    it(
      'loads its scripts again when the server has lost them',
      async () => {
        const registry = await direct();
        await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        await lab.raw.script('FLUSH');
        const results = await Promise.all(
          Array.from({ length: 50 }, (_, i) => commitOne(registry, { key: 'ns/docs/a', value: String(i) })),
        );
        expect(results.every(({ ok }) => ok)).toBe(true);
        expect((await mustGet(registry, 'ns/docs/a')).value).toBe('49');
      },
      TEST_MS,
    );

    it(
      'refuses writes that do not fit into memory, with advice, and still reads',
      async () => {
        const registry = await direct();
        await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        await lab.raw.config('SET', 'maxmemory', '1mb');
        try {
          const error = await outcomeOf(registry.commit([{ key: 'ns/docs/b', value: '1' }]));
          expect(error).toMatchObject({
            code: 'REGISTRY_REFUSED',
            message: expect.stringContaining('raise maxmemory'),
          });
          expect((await mustGet(registry, 'ns/docs/a')).value).toBe('1');
        } finally {
          await lab.raw.config('SET', 'maxmemory', '0');
        }
        await mustCommit(registry, { key: 'ns/docs/b', value: '1' });
      },
      TEST_MS,
    );

    it(
      'calls a read-only replica unavailable, and writes again when it is promoted',
      async () => {
        const registry = await direct();
        await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        await lab.raw.replicaof('127.0.0.1', 1);
        const error = await outcomeOf(registry.commit([{ key: 'ns/docs/b', value: '1' }]));
        expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: false });
        expect((error as Error).message).toContain('READONLY');
        await lab.raw.replicaof('NO', 'ONE');
        await works(registry);
      },
      TEST_MS,
    );

    it(
      'warns of what weakens its promises',
      async () => {
        const registry = await direct();
        expect((await registry.describe()).warnings).toEqual([]);
        await lab.raw.config('SET', 'maxmemory-policy', 'allkeys-lru');
        await lab.raw.config('SET', 'appendonly', 'no');
        try {
          const { warnings, topology, version } = await registry.describe();
          expect(warnings.join(' ')).toMatch(/noeviction.*appendonly yes/);
          expect([topology, version]).toEqual(['standalone', expect.stringMatching(/^\d+\.\d+/)]);
        } finally {
          await lab.raw.config('SET', 'maxmemory-policy', 'noeviction');
          await lab.raw.config('SET', 'appendonly', 'yes');
        }
      },
      TEST_MS,
    );
  });
});
