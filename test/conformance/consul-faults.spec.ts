import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Pool } from 'undici';
import { createConsulRegistry } from '../../lib/adapters/consul/create-consul-registry.js';
import { systemClock } from '../../lib/core/common/clock.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry, RegistrySession, Write } from '../../lib/core/registry/registry.js';
import { commitOne, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { elapsedMs, eventually, pause } from '../../lib/testing/conformance/real-time.js';
import { askConsul, startConsulLab, type ConsulTuning } from '../support/consul-lab.js';
import type { RegistryLab } from '../support/registry-lab.js';

const TEST_MS = 60_000;

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);
const unavailable = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};
/** Waits until the registry serves again. */
const works = (registry: Registry): Promise<unknown> =>
  eventually('the registry works again', () =>
    commitOne(registry, { key: 'ns/docs/works', value: 'x' }).catch(unavailable),
  );

describe('the Consul registry', () => {
  let lab: RegistryLab<ConsulTuning>;
  const open: Registry[] = [];
  const mirrors: Mirror[] = [];
  const connected = async (creating: Promise<Registry>): Promise<Registry> => {
    const registry = await creating;
    open.push(registry);
    await registry.connect();
    return registry;
  };
  const proxied = (tuning?: ConsulTuning): Promise<Registry> => connected(lab.proxied(tuning));
  const direct = (tuning?: ConsulTuning): Promise<Registry> => connected(lab.direct(tuning));
  const mirrorOf = async (registry: Registry, prefix: string): Promise<Mirror> => {
    const mirror = await Mirror.of(registry, prefix);
    mirrors.push(mirror);
    return mirror;
  };
  const ask = (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string | Uint8Array) =>
    askConsul(lab.server.url, method, path, body);
  const versionOf = async (place: string): Promise<number> => {
    const { text } = await ask('GET', `/v1/kv/${place}`);
    return (JSON.parse(text) as [{ ModifyIndex: number }])[0].ModifyIndex;
  };

  beforeAll(async () => {
    lab = await startConsulLab({ killable: true });
  }, 180_000);
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) mirror.dispose();
    await lab.proxy.pass();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
    await ask('DELETE', '/v1/kv/nds/?recurse');
  });
  afterAll(() => lab?.stop());

  describe('on the way', () => {
    it('says unknown when a reply is lost, and does not send the write again', async () => {
      const registry = await proxied();
      const delivered = lab.proxy.deliverThenCut((request) => request.includes('ns/docs/a'));
      const error = await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '1' }]));
      expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: true });
      await delivered;
      const version = await versionOf('nds/kv/ns/docs/a');
      await works(registry);
      expect(await versionOf('nds/kv/ns/docs/a')).toBe(version);
    });

    it('says that nothing was sent while nobody listens', async () => {
      const registry = await proxied();
      await lab.proxy.refuse();
      await eventually('it is certain', async () => {
        const error = await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '1' }]));
        return error instanceof RegistryUnavailableError && !error.outcomeUnknown;
      });
      await lab.proxy.pass();
      await works(registry);
      expect(await registry.get('ns/docs/a')).toBeUndefined();
    });

    it('says of calls that waited for a connection until their time was up that nothing was sent', async () => {
      const registry = await proxied({ callTimeout: '300ms' });
      lab.proxy.blackhole();
      const writes = Array.from({ length: 40 }, (_, i) =>
        outcomeOf(commitOne(registry, { key: `ns/docs/${i}`, value: '' })),
      );
      const unknown = (await Promise.all(writes)).map((error) => (error as RegistryUnavailableError).outcomeUnknown);
      expect(unknown.filter((one) => !one).length).toBeGreaterThanOrEqual(24);
      expect(unknown).toContain(true);
    });

    it(
      'never lets a write that was given up overtake a later one',
      async () => {
        const registry = await proxied({ callTimeout: '200ms' });
        for (let i = 0; i < 10; i++) {
          await works(registry);
          lab.proxy.blackhole('requests');
          const late = Array.from({ length: 8 }, () =>
            outcomeOf(commitOne(registry, { key: 'ns/docs/a', value: 'late' })),
          );
          for (const error of await Promise.all(late)) expect(error).toMatchObject({ outcomeUnknown: true });
          await lab.proxy.pass(); // What was held back arrives now.
          await eventually('a write goes through', () =>
            commitOne(registry, { key: 'ns/docs/a', value: `${i}` }).catch(unavailable),
          );
          await works(registry);
          expect((await mustGet(registry, 'ns/docs/a')).value).toBe(`${i}`);
        }
      },
      TEST_MS,
    );

    it('opens few connections, however many calls there are', async () => {
      const registry = await proxied();
      await registry.watch('ns/docs/', () => undefined);
      const names = Array.from({ length: 300 }, (_, i) => `ns/docs/${i}`);
      let most = 0;
      const write = async (key: string): Promise<void> => {
        await mustCommit(registry, { key, value: 'x', if: 'absent' });
        most = Math.max(most, lab.proxy.connections);
      };
      await Promise.all(names.map(write));
      expect((await registry.list('ns/docs/')).entries.length).toBe(300);
      expect(most).toBeLessThan(20);
    });
  });

  describe('writes', () => {
    const values = (count: number, write: (i: number) => Omit<Write, 'key'>): Write[] =>
      Array.from({ length: count }, (_, i) => ({ key: `ns/docs/${String(i).padStart(5, '0')}`, ...write(i) }));

    it.each([1, 19, 20, 21, 29, 30, 31, 59, 60, 61, 121])('%i at once, in every way there is', async (count) => {
      const registry = await direct();
      const session = await registry.openSession({ ttlMs: 60_000 });
      const { id } = session;
      const all = async (write: (i: number) => Omit<Write, 'key'>): Promise<string[]> => {
        const results = await registry.commit(values(count, write));
        expect(results.map((result) => result.ok)).toEqual(Array.from({ length: count }, () => true));
        return results.map((result) => (result.ok ? result.revision : ''));
      };
      let is = await all(() => ({ value: 'new', if: 'absent' }));
      is = await all((i) => ({ value: 'bound', if: is[i]!, session: id }));
      is = await all((i) => ({ value: 'still bound', if: is[i]!, session: id }));
      is = await all((i) => ({ value: 'free', if: is[i]! }));
      await all((i) => ({ if: is[i]! }));
      await all(() => ({ value: 'bound anew', if: 'absent', session: id }));
      is = await all(() => ({ value: 'free whatever it was' }));
      const listed = (await registry.list('ns/docs/')).entries;
      expect(listed.map(({ revision, session: bound }) => [revision, bound])).toEqual(
        is.map((one) => [one, undefined]),
      );
      await session.end();
      expect((await registry.list('ns/docs/')).entries.length).toBe(count);
    });

    it(
      '10,000 at once, and half of them lose',
      async () => {
        const [registry, other] = [await direct(), await direct()];
        await other.commit(values(10_000, () => ({ value: 'theirs' })).filter((_, i) => i % 2 === 0));
        const results = await registry.commit(values(10_000, () => ({ value: 'ours', if: 'absent' })));
        expect(
          results.every((result, i) => (i % 2 === 0 ? !result.ok && result.current?.value === 'theirs' : result.ok)),
        ).toBe(true);
      },
      TEST_MS,
    );

    it(
      'values and keys as long as they may be',
      async () => {
        const registry = await direct();
        const { id } = await registry.openSession({ ttlMs: 60_000 });
        const value = 'x'.repeat(registry.capabilities.maxValueBytes);
        const keys = ['%'.repeat(1_000), '"'.repeat(1_000), '\u00e9'.repeat(500)].map((name) => `ns/docs/${name}`);
        const results = await registry.commit(
          keys.flatMap((key) => [
            { key, value },
            { key, value, session: id },
          ]),
        );
        expect(results.every(({ ok }) => ok)).toBe(true);
        expect((await registry.list('ns/docs/')).entries.map((entry) => entry.value.length)).toEqual(
          keys.map(() => value.length),
        );
      },
      TEST_MS,
    );

    it('whose outcome is unknown as a whole where one is refused and others went through', async () => {
      const registry = await direct();
      const error = await outcomeOf(
        registry.commit([
          { key: 'ns/docs/a', value: 'x' },
          { key: 'ns/docs/b', value: 'x'.repeat(600_000) },
        ]),
      );
      expect(await mustGet(registry, 'ns/docs/a')).toMatchObject({ value: 'x' });
      expect(error).toMatchObject({
        code: 'REGISTRY_UNAVAILABLE',
        outcomeUnknown: true,
        message: expect.stringContaining('txn_max_req_len'),
      });
    });

    it('to sessions that there never were', async () => {
      const registry = await direct();
      for (const session of ['00000000-0000-0000-0000-000000000000', 'nonsense']) {
        const result = await commitOne(registry, { key: 'ns/docs/a', value: '1', session });
        expect(result).toEqual({ ok: false, sessionExpired: true });
      }
      expect(await registry.get('ns/docs/a')).toBeUndefined();
      await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
      const deletion = await commitOne(registry, { key: 'ns/docs/a', session: 'nonsense' });
      expect(deletion).toEqual({ ok: false, sessionExpired: true });
      const { id } = await registry.openSession({ ttlMs: 60_000 });
      await mustCommit(registry, { key: 'ns/docs/a', session: id });
      expect(await registry.get('ns/docs/a')).toBeUndefined();
    });
  });

  describe('sessions', () => {
    const bind = async (registry: Registry, ttlMs: number, key: string): Promise<RegistrySession> => {
      const session = await registry.openSession({ ttlMs });
      await mustCommit(registry, { key, value: 'x', session: session.id });
      return session;
    };
    const isGone = (registry: Registry, key: string) => async (): Promise<boolean> =>
      (await registry.get(key, { fresh: true })) === undefined;

    it(
      'end in time for everybody when their holder is cut off, and its late renewal changes nothing',
      async () => {
        const [holder, other] = [await proxied({ callTimeout: '500ms' }), await direct()];
        const ttlMs = 2_000;
        const session = await bind(holder, ttlMs, 'ns/nodes/a');
        const mirror = await mirrorOf(other, 'ns/nodes/');
        const interval = ttlMs / 4;
        for (let i = 0; i < 4; i++) {
          await pause(interval);
          expect(await session.renew()).toBe('renewed');
        }
        lab.proxy.blackhole();
        const since = elapsedMs();
        const late = outcomeOf(session.renew());
        await eventually('it is gone', isGone(other, 'ns/nodes/a'));
        const took = elapsedMs() - since;
        expect(took).toBeGreaterThan(ttlMs - interval);
        expect(took).toBeLessThan(ttlMs + interval + 1_000);
        await eventually('watchers know', () => mirror.values().a === undefined);
        expect(await late).toMatchObject({ outcomeUnknown: true });
        await lab.proxy.pass();
        expect(await eventually('it is told', () => session.renew().catch(unavailable))).toBe('expired');
        expect(await other.list('ns/nodes/')).toEqual({ entries: [] });
      },
      TEST_MS,
    );

    it(
      'are either renewed or over, however close it is',
      async () => {
        const holders = await Promise.all(Array.from({ length: 4 }, () => direct()));
        const counts = { renewed: 0, expired: 0 };
        const balance = async (registry: Registry, name: string): Promise<void> => {
          for (let round = 0; round < 2; round++) {
            const key = `ns/nodes/${name}`;
            const session = await bind(registry, 1_000, key);
            // Peers need a little longer than its time, each another while: some of these come too late.
            for (let wait = 990; ; wait += 30) {
              await pause(wait);
              const answer = await session.renew();
              counts[answer]++;
              const entry = await registry.get(key, { fresh: true });
              expect([answer, entry?.session]).toEqual([answer, answer === 'renewed' ? session.id : undefined]);
              if (answer === 'expired') break;
            }
          }
        };
        await Promise.all(holders.flatMap((registry, i) => [0, 1, 2].map((n) => balance(registry, `${i}-${n}`))));
        expect(counts.expired).toBe(24);
        expect(counts.renewed).toBeGreaterThan(0);
      },
      TEST_MS,
    );

    it('are over for their holder as soon as a peer has marked them, even where the peer dies over it', async () => {
      const registry = await direct();
      const session = await bind(registry, 60_000, 'ns/nodes/a');
      await ask('PUT', `/v1/kv/nds/sessions/${session.id}`, '{"ttlMs":60000,"seq":0,"isOver":true}');
      expect(await session.renew()).toBe('expired');
      expect(await isGone(registry, 'ns/nodes/a')()).toBe(true);
      const bound = await commitOne(registry, { key: 'ns/nodes/b', value: '', session: session.id });
      expect(bound).toEqual({ ok: false, sessionExpired: true });
    });

    it('that a peer has marked are removed by the others', async () => {
      const registry = await direct();
      const session = await bind(registry, 60_000, 'ns/nodes/a');
      await ask('PUT', `/v1/kv/nds/sessions/${session.id}`, '{"ttlMs":60000,"seq":0,"isOver":true}');
      await eventually('it is gone', isGone(registry, 'ns/nodes/a'));
      expect((await ask('GET', '/v1/kv/nds/sessions/?keys')).status).toBe(404);
      expect((await ask('GET', `/v1/session/info/${session.id}`)).text).toBe('[]');
    });

    it('whose rows came out of a backup, bound to nothing, are removed', async () => {
      await direct();
      const row = 'nds/sessions/00000000-0000-0000-0000-000000000000';
      await ask('PUT', `/v1/kv/${row}`, '{"ttlMs":1000,"seq":3}');
      await ask('PUT', '/v1/kv/nds/sessions/not-a-row', 'not by us');
      await eventually(
        'only the other is left',
        async () => (await ask('GET', '/v1/kv/nds/sessions/?keys')).text === '["nds/sessions/not-a-row"]',
      );
    });

    it('that were created without anybody knowing are removed, and no others', async () => {
      const create = async (name: string): Promise<string> => {
        const { text } = await ask('PUT', '/v1/session/create', JSON.stringify({ Name: name, NodeChecks: [] }));
        return (JSON.parse(text) as { ID: string }).ID;
      };
      const [stray, foreign] = [await create('nds/sessions/'), await create('nds/sessions')];
      let skippedMs = 0;
      const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skippedMs };
      const registry = await connected(createConsulRegistry({ address: lab.server.url }, { clock }));
      const session = await bind(registry, 1_000_000_000, 'ns/nodes/a');
      const isThere = async (id: string): Promise<boolean> =>
        (await ask('GET', `/v1/session/info/${id}`)).text !== '[]';
      await eventually('it is gone', async () => {
        skippedMs += 61_000;
        return !(await isThere(stray));
      });
      expect([await isThere(foreign), await isThere(session.id)]).toEqual([true, true]);
      await ask('PUT', `/v1/session/destroy/${foreign}`);
    });

    it(
      'of hundreds of dead nodes end together',
      async () => {
        const [registry, other] = [await direct({ callTimeout: '10s' }), await direct()];
        const mirror = await mirrorOf(other, 'ns/nodes/');
        await Promise.all(Array.from({ length: 300 }, (_, i) => bind(registry, 1_500, `ns/nodes/${i}`)));
        await registry.close();
        await eventually('nobody is left', async () => (await other.list('ns/nodes/')).entries.length === 0, 20_000);
        await eventually(
          'everybody was told',
          () => mirror.changes.length >= 300 && Object.keys(mirror.values()).length === 0,
        );
      },
      TEST_MS,
    );

    it('survive the loss of answers to their renewals', async () => {
      const registry = await proxied();
      const session = await bind(registry, 60_000, 'ns/nodes/a');
      for (let i = 0; i < 3; i++) {
        const delivered = lab.proxy.deliverThenCut((request) => request.includes(session.id));
        expect(await outcomeOf(session.renew())).toMatchObject({ outcomeUnknown: true });
        await delivered;
      }
      expect(await eventually('it is renewed', () => session.renew().catch(unavailable))).toBe('renewed');
      expect((await mustGet(registry, 'ns/nodes/a')).session).toBe(session.id);
    });
  });

  describe('when its store goes back', () => {
    it(
      'by a snapshot that is restored while it runs: a new era, and everybody looks again',
      async () => {
        const [registry, other] = [await direct(), await direct()];
        const session = await registry.openSession({ ttlMs: 60_000 });
        const kept = await mustCommit(registry, { key: 'ns/docs/a', value: 'kept', session: session.id });
        const snapshot = await fetch(`${lab.server.url}/v1/snapshot`).then((answer) => answer.arrayBuffer());
        const lost = await mustCommit(registry, { key: 'ns/docs/a', value: 'lost', session: session.id });
        await mustCommit(registry, { key: 'ns/docs/b', value: 'lost' });
        expect(await session.renew()).toBe('renewed');
        const mirror = await mirrorOf(other, 'ns/docs/');
        expect((await ask('PUT', '/v1/snapshot', new Uint8Array(snapshot))).status).toBe(200);
        await eventually('the watcher looks again', () => mirror.resyncs > 0 && mirror.values().a === 'kept');
        expect(mirror.values()).toEqual({ a: 'kept' });
        for (const { revision } of [kept, lost]) {
          const result = await commitOne(registry, { key: 'ns/docs/a', value: 'stale', if: revision });
          expect(result).toMatchObject({ ok: false, current: { value: 'kept' } });
        }
        expect((await mustGet(registry, 'ns/docs/a')).token).toBeGreaterThan(lost.token);
        expect(await session.renew()).toBe('expired');
        const next = await mustCommit(other, { key: 'ns/docs/a', value: 'next' });
        expect(next.token).toBeGreaterThan(lost.token);
        await eventually('the watch goes on', () => mirror.values().a === 'next');
      },
      TEST_MS,
    );

    it('by an operator who deletes everything: tokens grow on, sessions are over, watchers look again', async () => {
      const [registry, other] = [await direct(), await direct()];
      const session = await registry.openSession({ ttlMs: 60_000 });
      const before = await mustCommit(registry, { key: 'ns/docs/a', value: '1', session: session.id });
      const mirror = await mirrorOf(other, 'ns/docs/');
      await ask('DELETE', '/v1/kv/nds/?recurse');
      await eventually(
        'the watcher looks again',
        () => mirror.resyncs > 0 && Object.keys(mirror.values()).length === 0,
      );
      expect(await session.renew()).toBe('expired');
      const after = await mustCommit(registry, { key: 'ns/docs/a', value: '2', if: 'absent' });
      expect(after.token).toBeGreaterThan(before.token);
      await eventually('the watch goes on', () => mirror.values().a === '2');
    });

    it('refuses a prefix where other data stands', async () => {
      await ask('PUT', '/v1/kv/nds/era', 'something else');
      const registry = await lab.direct();
      expect(await outcomeOf(registry.connect())).toMatchObject({
        code: 'REGISTRY_REFUSED',
        message: expect.stringContaining('"prefix"'),
      });
    });
  });

  it('says so while a watch cannot be kept up, and tells later what it has missed', async () => {
    let isBroken = false;
    class Breakable extends Pool {
      override dispatch(...args: Parameters<Pool['dispatch']>): boolean {
        if (isBroken && /separator|recurse/.test(args[0].path)) throw new Error('no way through');
        return super.dispatch(...args);
      }
    }
    const registry = await connected(
      createConsulRegistry({ address: lab.server.url }, {}, async () => ({ Pool: Breakable })),
    );
    const mirror = await mirrorOf(registry, 'ns/docs/');
    const { warnings } = await registry.describe();
    isBroken = true;
    await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
    const said = 'Changes are not told at the moment (Consul is not available (no way through).).';
    await eventually('it says so', async () => (await registry.describe()).warnings.includes(said));
    isBroken = false;
    await eventually('it is told', () => mirror.values().a === '1');
    expect((await registry.describe()).warnings).toEqual(warnings);
  });

  it(
    'tells a watcher of thousands of new documents, whatever is written next to them',
    async () => {
      const [writer, watcher] = [await direct(), await direct()];
      const mirror = await mirrorOf(watcher, 'ns/tasks/');
      const names = Array.from({ length: 10_000 }, (_, i) => `task-${i}`);
      const value = 'x'.repeat(300);
      let isOver = false;
      const beside = async (): Promise<void> => {
        while (!isOver) await writer.commit(['ns/tasks2', 'ns/tasks2/a', 'ns/units/a'].map((key) => ({ key, value })));
      };
      const writing = beside();
      await writer.commit(names.map((name) => ({ key: `ns/tasks/${name}`, value, if: 'absent' })));
      await eventually('all are known', () => Object.keys(mirror.values()).length === names.length, 30_000);
      await mustCommit(writer, { key: 'ns/tasks/last', value: '1' });
      await eventually('the last one is told', () => mirror.values().last === '1');
      isOver = true;
      await writing;
      await mustCommit(writer, { key: 'ns/tasks/last', value: '2' });
      await eventually('the last one is told again', () => mirror.values().last === '2');
      expect(mirror.resyncs).toBe(0);
    },
    TEST_MS,
  );
});
