import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, createServer, type AddressInfo } from 'node:net';
import { createServer as createTlsServer, type ConnectionOptions } from 'node:tls';
import { createZookeeperRegistry } from '../../lib/adapters/zookeeper/create-zookeeper-registry.js';
import { create, getChildren, getData, remove, setData } from '../../lib/adapters/zookeeper/wire/requests.js';
import { systemClock, type Clock } from '../../lib/core/common/clock.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry, Write } from '../../lib/core/registry/registry.js';
import { commitOne, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { elapsedMs, eventually } from '../../lib/testing/conformance/real-time.js';
import { startZookeeper, zookeeperWord } from '../support/servers/zookeeper.js';
import { certificate } from '../support/tls/certificates.js';
import { rawZookeeper, ZookeeperLab, type ZookeeperLabTuning } from '../support/zookeeper-lab.js';

const START_MS = 180_000;
const TEST_MS = 60_000;

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);
const unavailable = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};

describe('the ZooKeeper registry', () => {
  let lab: ZookeeperLab;
  const open: Registry[] = [];
  const mirrors: Mirror[] = [];
  beforeAll(async () => {
    lab = await ZookeeperLab.start({ killable: true });
  }, START_MS);
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) mirror.dispose();
    await lab.proxy.pass();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
  });
  afterAll(() => lab?.stop());

  const connected = async (registry: Registry): Promise<Registry> => {
    open.push(registry);
    await registry.connect();
    return registry;
  };
  const proxied = async (tuning?: ZookeeperLabTuning): Promise<Registry> => connected(await lab.proxied(tuning));
  const direct = async (tuning?: ZookeeperLabTuning): Promise<Registry> => connected(await lab.direct(tuning));
  const mirrorOf = async (registry: Registry, prefix: string): Promise<Mirror> => {
    const mirror = await Mirror.of(registry, prefix);
    mirrors.push(mirror);
    return mirror;
  };
  const works = (registry: Registry): Promise<unknown> =>
    eventually(
      'a write goes through',
      () => commitOne(registry, { key: 'ns/docs/works', value: 'x' }).catch(unavailable),
      20_000,
    );
  const sessionsOfServer = async (): Promise<string> => zookeeperWord(lab.server, 'dump');

  describe('on the way', () => {
    it(
      'says unknown when a reply is lost, and does not send the write again',
      async () => {
        const registry = await proxied();
        await mustCommit(registry, { key: 'ns/lost/in/1', value: 'makes the bucket' });
        const { path } = lab.layout.placeOf('ns/lost/in/2');
        const delivered = lab.proxy.deliverThenCut((request) => request.includes(path));
        const error = await outcomeOf(registry.commit([{ key: 'ns/lost/in/2', value: 'ours', if: 'absent' }]));
        expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: true });
        await delivered;
        await works(registry);
        const again = await commitOne(registry, { key: 'ns/lost/in/2', value: 'again', if: 'absent' });
        expect(again).toMatchObject({ ok: false, current: { value: 'ours' } });
        expect((await lab.raw(getData(path))).value!.stat.version).toBe(0);
      },
      TEST_MS,
    );

    it(
      'carries on in a new session when its own has run out, and tells watchers to list again',
      async () => {
        const [registry, writer] = [await proxied({ callTimeout: '500ms' }), await direct()];
        const mirror = await mirrorOf(registry, 'ns/docs/');
        const { revision, token } = await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        const before = await sessionsOfServer();
        lab.proxy.blackhole();
        await eventually('its session is over', async () => {
          const ids = (text: string): string[] => text.match(/0x[0-9a-f]{8,}/g) ?? [];
          const now = ids(await sessionsOfServer());
          return ids(before).some((id) => !now.includes(id));
        });
        // Another era begins meanwhile: it must be known before anything is answered under the old one.
        await lab.raw(remove(lab.layout.era, -1));
        await works(writer);
        await lab.proxy.pass();
        await works(registry);
        expect(await commitOne(registry, { key: 'ns/docs/a', value: '2', if: revision })).toMatchObject({
          ok: false,
          current: { value: '1' },
        });
        expect((await mustCommit(registry, { key: 'ns/docs/a', value: '3' })).token).toBeGreaterThan(token);
        await eventually('the watcher knows', () => mirror.resyncs === 1 && mirror.values().a === '3');
      },
      TEST_MS,
    );

    it(
      'waits a moment for a connection that was lost, and says that nothing was sent when it stays away',
      async () => {
        const registry = await proxied();
        for (let i = 0; i < 20; i++) {
          lab.proxy.cut();
          const error = await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '1' }]));
          if (error instanceof RegistryUnavailableError) expect(error.outcomeUnknown).toBe(true);
          await mustCommit(registry, { key: 'ns/docs/a', value: '2' });
        }
        await lab.proxy.refuse();
        await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '3' }]));
        const started = elapsedMs();
        expect(await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: '3' }]))).toMatchObject({
          code: 'REGISTRY_UNAVAILABLE',
          outcomeUnknown: false,
          message: expect.stringMatching(/^No connection to ZooKeeper \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)\.$/),
        });
        expect(elapsedMs() - started).toBeLessThan(2_000);
      },
      TEST_MS,
    );
  });

  describe('at the server', () => {
    it(
      'begins another era when its node is removed: revisions lose, tokens grow, watchers list again',
      async () => {
        const [one, two] = [await direct(), await direct()];
        const session = await one.openSession({ ttlMs: 20_000 });
        const before = await mustCommit(one, { key: 'ns/docs/era', value: '1' });
        const mirror = await mirrorOf(two, 'ns/docs/');
        await lab.raw(remove(lab.layout.era, -1));
        await eventually('the watcher is told', () => mirror.resyncs === 1);
        await works(one);
        const failed = await commitOne(one, { key: 'ns/docs/era', value: '2', if: before.revision });
        expect(failed).toMatchObject({ ok: false, current: { value: '1' } });
        const after = await mustCommit(one, { key: 'ns/docs/era', value: '2' });
        expect(after.token).toBeGreaterThan(before.token);
        expect((await mustGet(two, 'ns/docs/era')).token).toBe(after.token);
        expect(await session.renew()).toBe('renewed');
        const bound = await mustCommit(one, { key: 'ns/docs/bound', value: '1', session: session.id });
        expect(bound.token).toBeGreaterThan(after.token);
      },
      TEST_MS,
    );

    it(
      'lets a session run out that nobody renews, however busy its holder is otherwise',
      async () => {
        const [owner, other] = [await direct(), await direct()];
        const session = await owner.openSession({ ttlMs: 1_500 });
        await mustCommit(owner, { key: 'ns/docs/busy', value: '1', session: session.id });
        await eventually('it is over', async () => {
          await mustCommit(owner, { key: 'ns/docs/other', value: 'x' });
          return (await other.get('ns/docs/busy', { fresh: true })) === undefined;
        });
        expect(await session.renew()).toBe('expired');
      },
      TEST_MS,
    );

    it(
      'holds many sessions, each on its own',
      async () => {
        const [owner, other] = [await direct(), await direct()];
        const sessions = await Promise.all(Array.from({ length: 25 }, () => owner.openSession({ ttlMs: 20_000 })));
        await owner.commit(sessions.map(({ id }, i): Write => ({ key: `ns/many/${i}`, value: 'x', session: id })));
        expect(await Promise.all(sessions.map((session) => session.renew()))).toEqual(sessions.map(() => 'renewed'));
        await Promise.all(sessions.slice(1).map((session) => session.end()));
        expect((await other.list('ns/many/')).entries.map(({ session }) => session)).toEqual([sessions[0]!.id]);
      },
      TEST_MS,
    );

    it(
      'refuses a session longer than the server grants, with advice',
      async () => {
        const error = await outcomeOf((await direct()).openSession({ ttlMs: 120_000 }));
        expect(error).toMatchObject({
          code: 'REGISTRY_REFUSED',
          message: expect.stringMatching(/grants sessions of 60000 ms at most.*raise maxSessionTimeout/),
        });
      },
      TEST_MS,
    );

    it(
      'keeps versions apart over deletion, binding and unbinding',
      async () => {
        const [one, two] = [await direct(), await direct()];
        const key = 'ns/docs/versions';
        const session = await two.openSession({ ttlMs: 20_000 });
        const stale = [(await mustCommit(one, { key, value: '0' })).revision];
        const changes: Write[] = [
          { key },
          { key, value: 'again', if: 'absent' },
          { key, value: 'bound', session: session.id },
          { key, value: 'bound', session: session.id },
          { key, value: 'unbound' },
          { key, value: 'unbound' },
          { key },
          { key, value: 'bound again', session: session.id, if: 'absent' },
          { key, value: 'unbound again' },
        ];
        for (const change of changes) {
          const { revision } = await mustCommit(two, change);
          for (const old of stale) {
            expect(await commitOne(one, { key, value: 'late', if: old })).toMatchObject({ ok: false });
            expect(await commitOne(one, { key, if: old })).toMatchObject({ ok: false });
          }
          stale.push(revision);
        }
        expect(new Set(stale).size).toBe(stale.length);
        await session.end();
        expect((await mustGet(one, key)).value).toBe('unbound again');
      },
      TEST_MS,
    );

    it(
      'removes the nodes of deleted documents after a while, and not those that are in use again',
      async () => {
        const clock = new LeapingClock();
        const registry = await connected(await createZookeeperRegistry({ connect: lab.server.url }, { clock }));
        const names = Array.from({ length: 300 }, (_, i) => `g${i}`);
        await registry.commit(names.map((name) => ({ key: `ns/graves/${name}`, value: name })));
        await registry.commit(names.map((name) => ({ key: `ns/graves/${name}` })));
        await mustCommit(registry, { key: 'ns/graves/g0', value: 'back', if: 'absent' });
        const nodes = async (): Promise<number> => {
          const folder = `${lab.layout.docs}/ns,graves`;
          const buckets = (await lab.raw(getChildren(folder))).value!.names;
          const lists = await rawZookeeper(
            lab.server,
            buckets.map((bucket) => getChildren(`${folder}/${bucket}`)),
          );
          return lists.reduce((sum, { value }) => sum + (value as { names: string[] }).names.length, 0);
        };
        expect(await nodes()).toBe(300);
        clock.leap(61_000);
        await eventually('they are gone', async () => (await nodes()) === 1);
        expect((await mustGet(registry, 'ns/graves/g0')).value).toBe('back');
      },
      TEST_MS,
    );

    it(
      'takes ten thousand writes in one commit, and a watcher hears of all',
      async () => {
        const [registry, watcher] = [await direct(), await direct()];
        const mirror = await mirrorOf(watcher, 'ns/burst/');
        const writes = Array.from({ length: 10_000 }, (_, i): Write => ({ key: `ns/burst/${i}`, value: `${i}` }));
        const results = await registry.commit(writes);
        const again = await registry.commit(
          writes.map((write, i): Write => {
            const result = results[i]!;
            return { ...write, value: 'new', if: i % 2 === 0 && result.ok ? result.revision : 'absent' };
          }),
        );
        expect(again.map(({ ok }) => ok)).toEqual(writes.map((_, i) => i % 2 === 0));
        expect(again[1]).toMatchObject({ current: { value: '1' } });
        await eventually('the watcher knows', () => Object.values(mirror.values()).length === 10_000);
        await eventually(
          'it knows the newest',
          () => Object.values(mirror.values()).filter((value) => value === 'new').length === 5_000,
        );
        expect(mirror.resyncs).toBe(0);
      },
      TEST_MS,
    );

    it(
      'refuses a value that does not fit, and sends none of that commit',
      async () => {
        const registry = await direct();
        const writes = [
          { key: 'ns/large/ok', value: 'x' },
          { key: 'ns/large/a', value: 'ä'.repeat(450_001) },
        ];
        expect(await outcomeOf(registry.commit(writes))).toMatchObject({
          code: 'REGISTRY_REFUSED',
          message: expect.stringContaining('ns/large/a takes 900002 bytes, ZooKeeper keeps at most 900000'),
        });
        expect(await registry.get('ns/large/ok')).toBeUndefined();
        const value = 'ä'.repeat(450_000);
        const session = await registry.openSession({ ttlMs: 20_000 });
        for (let i = 0; i < 5; i++) await mustCommit(registry, { key: 'ns/large/a', value });
        await mustCommit(registry, { key: 'ns/large/a', value, session: session.id });
        expect((await mustGet(registry, 'ns/large/a')).value).toBe(value);
      },
      TEST_MS,
    );

    it(
      'comes through a server that closes the connection on a request it finds too large',
      async () => {
        const server = await startZookeeper({ killable: true, jvm: ['-Djute.maxbuffer=100000'] });
        try {
          const registry = await connected(await createZookeeperRegistry({ connect: server.url }));
          await works(registry);
          const error = await outcomeOf(registry.commit([{ key: 'ns/docs/a', value: 'x'.repeat(100_000) }]));
          expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', outcomeUnknown: true });
          await works(registry);
          expect(await registry.get('ns/docs/a', { fresh: true })).toBeUndefined();
        } finally {
          await server.stop();
        }
      },
      TEST_MS,
    );

    it(
      'tells its time, and what it is',
      async () => {
        const registry = await direct();
        expect(Math.abs((await registry.serverTime!()) - Date.now())).toBeLessThan(1_000);
        expect(await registry.describe()).toMatchObject({
          version: expect.stringMatching(/^3\.\d+\.\d+/),
          topology: 'standalone',
          warnings: [],
        });
      },
      TEST_MS,
    );
  });

  describe('in its place', () => {
    it(
      'stays below the node it is given, and makes it where it is missing',
      async () => {
        const [one, two] = [await direct({ chroot: '/apps/one' }), await direct({ chroot: '/apps/two' })];
        const mirror = await mirrorOf(two, 'ns/docs/');
        await mustCommit(one, { key: 'ns/docs/a', value: '1' });
        await mustCommit(two, { key: 'ns/docs/a', value: '2', if: 'absent' });
        await eventually('the watcher is told', () => mirror.values().a === '2');
        expect((await lab.raw(getChildren('/apps'))).value!.names.sort()).toEqual(['one', 'two']);
        expect((await lab.raw(getChildren('/apps/one/nds'))).value!.names.sort()).toEqual(['docs', 'era']);
      },
      TEST_MS,
    );

    it(
      'gives its nodes to its user only, and refuses others with advice',
      async () => {
        const auth = { username: 'nest', password: 'right:pass' };
        const registry = await direct({ chroot: '/private', auth });
        await mustCommit(registry, { key: 'ns/docs/a', value: '1' });
        const session = await registry.openSession({ ttlMs: 20_000 });
        await mustCommit(registry, { key: 'ns/docs/s', value: '1', session: session.id });
        const [raw, own] = [
          await rawZookeeper(lab.server, [getData('/private/nds/era')]),
          await rawZookeeper(lab.server, [getData('/private/nds/era')], auth),
        ];
        expect([raw[0]!.code, own[0]!.code]).toEqual([-102, 0]);
        const wrong = [{ ...auth, password: 'wrong' }, undefined];
        for (const other of wrong) {
          const stranger = await lab.direct({ chroot: '/private', ...(other && { auth: other }) });
          const error = await outcomeOf(connected(stranger));
          expect(error).toMatchObject({
            code: 'REGISTRY_REFUSED',
            message: expect.stringMatching(/NoAuth for delete of \/private\/nds\/era\): check auth\.username/),
          });
          expect(JSON.stringify(error)).not.toContain('wrong');
        }
      },
      TEST_MS,
    );

    it(
      'refuses a server that is too old',
      async () => {
        const server = await startZookeeper({ killable: true, suite: 'bullseye' });
        try {
          expect(await zookeeperWord(server, 'srvr')).toMatch(/version: 3\.4/);
          const error = await outcomeOf(connected(await createZookeeperRegistry({ connect: server.url })));
          expect(error).toMatchObject({
            code: 'REGISTRY_REFUSED',
            message: expect.stringContaining('the server is older than ZooKeeper 3.6, the oldest version supported'),
          });
        } finally {
          await server.stop();
        }
      },
      START_MS,
    );

    it(
      'does not take the node of somebody else for its own',
      async () => {
        const node = (path: string, data: string) => create({ path, data, ephemeral: false, access: 'world' });
        await rawZookeeper(lab.server, [node('/theirs', ''), node('/theirs/nds', ''), node('/theirs/nds/era', 'ice')]);
        const error = await outcomeOf(connected(await lab.direct({ chroot: '/theirs' })));
        expect(error).toMatchObject({
          code: 'REGISTRY_REFUSED',
          message: expect.stringContaining('/theirs/nds/era holds something else than expected: give this scheduler'),
        });
        await lab.raw(setData('/theirs/nds/era', '', -1));
      },
      TEST_MS,
    );

    it(
      'speaks TLS, with certificates on both sides',
      async () => {
        const door = createTlsServer(
          { cert: certificate('server'), key: certificate('server-key'), ca: certificate('ca'), requestCert: true },
          (socket) => {
            const inner = connect(lab.server.port, lab.server.host);
            socket.pipe(inner).pipe(socket);
            for (const side of [socket, inner]) side.on('error', () => undefined);
          },
        );
        await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
        const { port } = door.address() as AddressInfo;
        const at = (tls: ConnectionOptions): Promise<Registry> =>
          createZookeeperRegistry({ connect: `127.0.0.1:${port}`, tls, connectTimeout: '1s' });
        const own = { cert: certificate('client'), key: certificate('client-key') };
        const registry = await connected(await at({ ca: certificate('ca'), ...own, servername: 'registry.test' }));
        await mustCommit(registry, { key: 'ns/docs/tls', value: '1' });
        expect((await registry.describe()).version).toMatch(/^3/);
        const [stranger, unknown] = [await at({ ca: certificate('ca') }), await at(own)];
        expect(await outcomeOf(connected(stranger))).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
        expect(((await outcomeOf(connected(unknown))) as Error).message).toMatch(/self-signed|verify|issuer/);
        await Promise.all(open.splice(0).map((each) => each.close()));
        await new Promise((resolve) => door.close(resolve));
      },
      TEST_MS,
    );

    it(
      'says what is wrong with an address',
      async () => {
        const strange = createServer((socket) =>
          socket
            .on('error', () => undefined)
            .resume()
            .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
        );
        await new Promise<void>((resolve) => strange.listen(0, '127.0.0.1', resolve));
        const { port } = strange.address() as AddressInfo;
        const tuning = { connectTimeout: '500ms', callTimeout: '500ms' } as const;
        const messageAt = async (connect: string): Promise<string> =>
          ((await outcomeOf(connected(await createZookeeperRegistry({ connect, ...tuning })))) as Error).message;
        expect(await messageAt(`127.0.0.1:${port}`)).toBe(
          "No connection to ZooKeeper within 500 ms (what answers does not speak ZooKeeper's protocol).",
        );
        await new Promise((resolve) => strange.close(resolve));
        expect(await messageAt(`127.0.0.1:${port}`)).toBe(
          `No connection to ZooKeeper within 500 ms (connect ECONNREFUSED 127.0.0.1:${port}).`,
        );
        // A server that can be reached is enough.
        await connected(await createZookeeperRegistry({ connect: `127.0.0.1:${port},${lab.server.url}` }));
      },
      TEST_MS,
    );
  });
});

/** The machine's clock, which can be put forward: timers that are due by then fire. */
class LeapingClock implements Clock {
  private leaptMs = 0;
  private readonly timers = new Set<{ dueAt: number; fire: () => void }>();

  now(): number {
    return systemClock.now() + this.leaptMs;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.leaptMs;
  }

  setTimer(delayMs: number, fn: () => void): { dispose(): void } {
    const timer = { dueAt: this.monotonic() + delayMs, fire: () => undefined as void };
    const real = systemClock.setTimer(delayMs, () => timer.fire());
    const dispose = (): void => {
      real.dispose();
      this.timers.delete(timer);
    };
    timer.fire = () => {
      dispose();
      fn();
    };
    this.timers.add(timer);
    return { dispose };
  }

  leap(ms: number): void {
    this.leaptMs += ms;
    for (const timer of [...this.timers]) if (timer.dueAt <= this.monotonic()) timer.fire();
  }
}
