import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createEtcdRegistry } from '../../lib/adapters/etcd/create-etcd-registry.js';
import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import type { Registry, Write } from '../../lib/core/registry/registry.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import { commitOne, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';
import { base64, EtcdLab, type EtcdLabTuning } from '../support/etcd-lab.js';

const TEST_MS = 60_000;
const ERA = base64('nds//era');

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);
const lost = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};
/** Waits until the registry serves again. */
const works = (registry: Registry): Promise<unknown> =>
  eventually('it works again', () => commitOne(registry, { key: 'ns/docs/works', value: 'x' }).catch(lost), 20_000);

describe('the etcd registry under faults', () => {
  let lab: EtcdLab;
  const open: Registry[] = [];
  const mirrors: Mirror[] = [];
  const connected = async (registry: Registry): Promise<Registry> => {
    open.push(registry);
    await registry.connect();
    return registry;
  };
  const proxied = async (tuning: EtcdLabTuning = {}): Promise<Registry> =>
    connected(await lab.proxied({ callTimeout: '1s', ...tuning }));
  const direct = async (tuning?: EtcdLabTuning): Promise<Registry> => connected(await lab.direct(tuning));
  const mirrorOf = async (registry: Registry, prefix = 'ns/docs/'): Promise<Mirror> => {
    const mirror = await Mirror.of(registry, prefix);
    mirrors.push(mirror);
    return mirror;
  };
  /** The server forgets everything before its newest revision. */
  const compact = async (): Promise<void> => {
    const { header } = (await lab.raw('kv/range', { key: ERA })) as { header: { revision: string } };
    await lab.raw('kv/compaction', { revision: header.revision, physical: true });
  };

  beforeAll(async () => {
    lab = await EtcdLab.start({ killable: true });
  }, 180_000);
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) mirror.dispose();
    await lab.proxy.pass();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
    await lab.raw('kv/deleterange', { key: base64('nds/ns/'), range_end: base64('nds/ns0') });
  });
  afterAll(() => lab?.stop());

  describe('on the way', () => {
    it(
      'says unknown when a reply is lost, and does not send the write again',
      async () => {
        const registry = await proxied();
        const delivered = lab.proxy.deliverThenCut((request) => request.includes('ns/docs/a'));
        const error = await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '1' }]));
        expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: true });
        await delivered;
        const { token } = await mustGet(await direct(), 'ns/docs/a');
        await works(registry);
        expect((await mustGet(registry, 'ns/docs/a')).token).toBe(token);
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
        const mirror = await mirrorOf(watcher);
        await lab.proxy.refuse();
        for (let i = 1; i <= 50; i++) await mustCommit(writer, { key: `ns/docs/${i % 10}`, value: String(i) });
        await lab.proxy.pass();
        await eventually('it has caught up', () => mirror.values()['0'] === '50' && mirror.values()['9'] === '49');
        expect(mirror.resyncs).toBe(0);
        expect(mirror.story('ns/docs/0')).toEqual(['10', '20', '30', '40', '50']);
      },
      TEST_MS,
    );

    it(
      'says resync when the server has forgotten what a watcher missed, and goes on',
      async () => {
        const [watcher, writer] = [await proxied(), await direct()];
        await mustCommit(writer, { key: 'ns/docs/gone', value: '0' });
        const mirror = await mirrorOf(watcher);
        await lab.proxy.refuse();
        await mustCommit(writer, { key: 'ns/docs/a', value: '1' });
        await mustCommit(writer, { key: 'ns/docs/gone' });
        await compact();
        await lab.proxy.pass();
        await eventually('it knows what is there', () => JSON.stringify(mirror.values()) === '{"a":"1"}');
        expect(mirror.resyncs).toBe(1);
        await mustCommit(writer, { key: 'ns/docs/b', value: '2' });
        await eventually('it goes on', () => mirror.values()['b'] === '2');
        expect(mirror.resyncs).toBe(1);
      },
      TEST_MS,
    );

    it(
      'notices within seconds that a watch has gone silent, and opens another connection',
      async () => {
        const warnings: object[] = [];
        const logger = { ...SILENT_LOGGER, warn: (_message: string, data?: object) => void warnings.push(data ?? {}) };
        const endpoints = `http://${lab.proxy.host}:${lab.proxy.port}`;
        const [watcher, writer] = [
          await connected(await createEtcdRegistry({ endpoints, callTimeout: '1s' }, { logger })),
          await direct(),
        ];
        const mirror = await mirrorOf(watcher);
        await mustCommit(writer, { key: 'ns/docs/a', value: '1' });
        await eventually('it follows', () => mirror.values()['a'] === '1');
        lab.proxy.dropReplies(); // Nothing ever makes up for these.
        await mustCommit(writer, { key: 'ns/docs/a', value: '2' });
        await eventually('it is noticed', () => JSON.stringify(warnings).includes('gone silent'), 6_000);
        await lab.proxy.pass();
        await eventually('it has caught up', () => mirror.values()['a'] === '2');
        expect(mirror.resyncs).toBe(0);
      },
      TEST_MS,
    );

    it(
      'leaves no connection behind',
      async () => {
        const registry = await proxied();
        await mirrorOf(registry);
        await registry.openSession({ ttlMs: 60_000 });
        await registry.close();
        await eventually('all are closed', () => lab.proxy.connections === 0);
      },
      TEST_MS,
    );
  });

  describe('at the server', () => {
    it(
      'is not disturbed by a compaction',
      async () => {
        const [idle, busy] = [await direct(), await direct()];
        const { revision } = await mustCommit(idle, { key: 'ns/docs/a', value: '1' });
        await mustCommit(busy, { key: 'ns/docs/b', value: '1' });
        await compact();
        expect((await mustGet(idle, 'ns/docs/b')).value).toBe('1');
        await mustCommit(busy, { key: 'ns/docs/b', value: '2' });
        await compact();
        await mustCommit(idle, { key: 'ns/docs/a', value: '2', if: revision });
      },
      TEST_MS,
    );

    it(
      'begins another era when its own key was removed: tokens grow, old names are void, watchers start over',
      async () => {
        const [registry, other] = [await direct(), await direct()];
        const session = await registry.openSession({ ttlMs: 60_000 });
        const before = await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        const mirror = await mirrorOf(other);
        await lab.raw('kv/deleterange', { key: ERA });
        const stale = await commitOne(registry, { key: 'ns/docs/a', value: '2', if: before.revision });
        expect(stale).toMatchObject({ ok: false, current: { value: '1' } });
        const current = await mustGet(other, 'ns/docs/a');
        expect(current.token).toBeGreaterThan(before.token);
        expect(stale).toMatchObject({ current });
        await eventually('the watcher is told', () => mirror.resyncs > 0);
        const late: Write = { key: 'ns/docs/b', value: '1', session: session.id };
        expect(await commitOne(registry, late)).toEqual({ ok: false, sessionExpired: true });
        expect(await session.renew()).toBe('expired');
        await session.end();
      },
      TEST_MS,
    );

    it(
      'never has a token twice when somebody with a slower clock began the era',
      async () => {
        const registry = await direct();
        const before = await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        const slow = JSON.stringify({ era: 'slowpoke', base: '1' });
        await lab.raw('kv/put', { key: ERA, value: base64(slow) });
        expect((await mustGet(registry, 'ns/docs/a')).token).toBeGreaterThan(before.token);
        expect((await mustGet(await direct(), 'ns/docs/a')).token).toBeGreaterThan(before.token);
      },
      TEST_MS,
    );

    it(
      'refuses to work where its keys hold something else',
      async () => {
        await lab.raw('kv/put', { key: base64('theirs//era'), value: base64('hello') });
        const registry = await lab.direct({ prefix: 'theirs' });
        open.push(registry);
        await expect(registry.connect()).rejects.toMatchObject({
          code: 'REGISTRY_REFUSED',
          message: expect.stringMatching(/theirs\/\/era .*prefix of its own/),
        });
      },
      TEST_MS,
    );

    it(
      'tells which writes were for a session that is over, and does the others',
      async () => {
        const registry = await direct();
        const [over, alive] = [
          await registry.openSession({ ttlMs: 2_000 }),
          await registry.openSession({ ttlMs: 60_000 }),
        ];
        for (const name of ['there', 'kept', 'gone'])
          await mustCommit(registry, { key: `ns/docs/${name}`, value: '0' });
        await over.end();
        const results = await registry.commit([
          { key: 'ns/docs/free', value: '1' },
          { key: 'ns/docs/late', value: '1', session: over.id },
          { key: 'ns/docs/there', value: '1', if: 'absent', session: over.id },
          { key: 'ns/docs/bound', value: '1', session: alive.id },
          { key: 'ns/docs/strange', value: '1', session: 'nonsense' },
          { key: 'ns/docs/kept', session: over.id },
          { key: 'ns/docs/kept', session: 'nonsense' },
          { key: 'ns/docs/gone', session: alive.id },
        ]);
        expect(results).toMatchObject([
          { ok: true },
          { ok: false, sessionExpired: true },
          { ok: false, current: { value: '0' } },
          { ok: true },
          { ok: false, sessionExpired: true },
          { ok: false, sessionExpired: true },
          { ok: false, sessionExpired: true },
          { ok: true },
        ]);
        const kept = await mustGet(registry, 'ns/docs/kept');
        const conditional = { key: kept.key, if: kept.revision };
        expect(await commitOne(registry, { ...conditional, session: over.id })).toMatchObject({ sessionExpired: true });
        expect(await registry.get('ns/docs/gone')).toBeUndefined();
        const many = Array.from({ length: 130 }, (_, i): Write => ({ key: `ns/many/${i}`, session: alive.id }));
        expect(await registry.commit([{ ...conditional, session: alive.id }, ...many])).toMatchObject([
          { ok: true },
          ...many.map(() => ({ ok: true })),
        ]);
      },
      TEST_MS,
    );

    it(
      'takes ten thousand writes at once, and hundreds of callers',
      async () => {
        const [one, two] = [await direct(), await direct()];
        const keys = Array.from({ length: 10_000 }, (_, i) => `ns/units/${i}@x`);
        const claim = (registry: Registry, value: string) =>
          registry.commit(keys.map((key): Write => ({ key, value, if: 'absent' })));
        const [first, second] = await Promise.all([claim(one, 'one'), claim(two, 'two')]);
        first.forEach((result, i) => expect(result.ok).toBe(!second[i]!.ok));
        const singles = await Promise.all(
          keys.slice(0, 512).map((key, i) => commitOne(one, { key, value: String(i), if: 'absent' })),
        );
        expect(singles.every((result) => !result.ok && result.current !== undefined)).toBe(true);
      },
      TEST_MS,
    );

    it(
      'takes the largest values there are, and lists them',
      async () => {
        const registry = await direct();
        const value = 'ä'.repeat(registry.capabilities.maxValueBytes / 2);
        const names = Array.from({ length: 12 }, (_, i) => `ns/docs/${i}`.padEnd(1_024, 'k'));
        const write = (key: string): Write => ({ key, value, if: 'absent' });
        expect(await registry.commit(names.map(write))).toMatchObject(names.map(() => ({ ok: true })));
        expect(await registry.commit(names.map(write))).toMatchObject(names.map(() => ({ current: { value } })));
        expect((await registry.list('ns/docs/')).entries.every((entry) => entry.value === value)).toBe(true);
      },
      TEST_MS,
    );

    it(
      'tells no time while its server is paused, not even for the first time',
      async () => {
        const registry = await direct({ callTimeout: '500ms' });
        try {
          lab.server.pause();
          await expect(registry.serverTime!()).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
        } finally {
          lab.server.resume();
        }
        expect(await eventually('it tells', () => registry.serverTime!().catch(lost))).toEqual(expect.any(Number));
      },
      TEST_MS,
    );

    it(
      'describes itself without a warning',
      async () => {
        expect(await (await direct()).describe()).toEqual({
          kind: 'etcd',
          version: expect.stringMatching(/^3\.\d+\.\d+/),
          topology: 'standalone',
          warnings: [],
        });
      },
      TEST_MS,
    );
  });
});
