import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createZookeeperRegistry } from '../../lib/adapters/zookeeper/create-zookeeper-registry.js';
import type { WireRequest } from '../../lib/adapters/zookeeper/wire/requests.js';
import { systemClock, type Clock } from '../../lib/core/common/clock.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { commitOne, mustCommit } from '../../lib/testing/conformance/lab.js';
import { eventually, timed } from '../../lib/testing/conformance/real-time.js';
import { startZookeeper, zookeeperWord } from '../support/servers/zookeeper.js';
import { ZookeeperLab } from '../support/zookeeper-lab.js';

const START_MS = 180_000;
const TEST_MS = 60_000;
const READ = 1;
const ALL = 31;
const ADMIN = 16;

const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);
const unavailable = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};

/** Leaves everybody these permissions on a node, whoever made it. */
const allow = (path: string, permissions: number): WireRequest<undefined> => ({
  type: 7,
  name: 'setACL',
  write: (out) => void out.text(path).int(1).int(permissions).text('world').text('anyone').int(-1),
  read: () => undefined,
});

describe('the ZooKeeper registry at its limits', () => {
  let lab: ZookeeperLab;
  const open: Registry[] = [];
  beforeAll(async () => {
    lab = await ZookeeperLab.start({ killable: true });
  }, START_MS);
  afterEach(async () => {
    lab.server.resume();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
  });
  afterAll(() => lab?.stop());

  const connected = async (connectTo: string, callTimeout = 2_000, clock: Clock = systemClock): Promise<Registry> => {
    const options = { connect: connectTo, callTimeout, connectTimeout: 4_000 };
    const registry = await createZookeeperRegistry(options, { clock });
    open.push(registry);
    await registry.connect();
    return registry;
  };

  it(
    'leaves the loop of the process alone when it is closed during a renewal',
    async () => {
      const registry = await connected(lab.server.url);
      const session = await registry.openSession({ ttlMs: 20_000 });
      lab.server.pause();
      const renewal = outcomeOf(session.renew());
      const loop = monitorEventLoopDelay({ resolution: 10 });
      loop.enable();
      await eventually('it is measured', () => loop.count > 0);
      loop.reset();
      expect(await timed('it closes', registry.close(), 1_000)).toBeLessThan(1_000);
      expect(await renewal).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
      loop.disable();
      expect(loop.max / 1e6).toBeLessThan(500);
    },
    TEST_MS,
  );

  it(
    'says unknown of a commit of which one write was refused and another done',
    async () => {
      const registry = await connected(lab.server.url);
      const [a, b] = ['ns/part/x/a', 'ns/part/x/b'];
      await mustCommit(registry, { key: b, value: 'before' });
      await lab.raw(allow(lab.layout.placeOf(b).path, READ));
      const refused = await outcomeOf(registry.commit([{ key: b, value: 'after' }]));
      expect(refused).toMatchObject({ code: 'REGISTRY_REFUSED' });
      for (const keys of [
        [a, b],
        [b, a],
      ]) {
        const error = await outcomeOf(registry.commit(keys.map((key) => ({ key, value: 'after' }))));
        expect(error).toMatchObject({
          code: 'REGISTRY_UNAVAILABLE',
          outcomeUnknown: true,
          message: expect.stringContaining('NoAuth'),
        });
        expect([await lab.peek(a), await lab.peek(b)]).toEqual(['after', 'before']);
        await mustCommit(registry, { key: a });
      }
    },
    TEST_MS,
  );

  it(
    'asks several servers for a quarter more than it promises of a session',
    async () => {
      const { url } = lab.server;
      const [one, several] = [await connected(url), await connected(`${url},${url}`)];
      const held = await one.openSession({ ttlMs: 12_000 });
      const spared = await several.openSession({ ttlMs: 12_001 });
      expect([held.ttlMs, spared.ttlMs]).toEqual([12_000, 12_001]);
      const connections = await zookeeperWord(lab.server, 'cons');
      const timeoutOf = (id: string): string | undefined => new RegExp(`sid=${id},.*?to=(\\d+)`).exec(connections)?.[1];
      expect([timeoutOf(held.id), timeoutOf(spared.id)]).toEqual(['12000', '15002']);
      expect(await outcomeOf(several.openSession({ ttlMs: 50_000 }))).toMatchObject({
        code: 'REGISTRY_REFUSED',
        message: expect.stringContaining('at most, and 62500 ms are needed for one of 50000 ms: raise maxSession'),
      });
      expect((await several.openSession({ ttlMs: 48_000 })).ttlMs).toBe(48_000);
      expect((await several.openSession({ ttlMs: 1 })).ttlMs).toBe(800);
    },
    TEST_MS,
  );

  it(
    'ends a session for which the server grants less time than it did',
    async () => {
      const server = await startZookeeper({ killable: true });
      try {
        const registry = await connected(server.url);
        const [long, short] = [
          await registry.openSession({ ttlMs: 50_000 }),
          await registry.openSession({ ttlMs: 30_000 }),
        ];
        await mustCommit(registry, { key: 'ns/docs/long', value: 'x', session: long.id });
        const file = join(server.scratch!, 'zoo.cfg');
        writeFileSync(file, readFileSync(file, 'utf8').replace('maxSessionTimeout=60000', 'maxSessionTimeout=40000'));
        await server.restart({ keepData: true });
        const renewed = (session: typeof long): Promise<string> =>
          eventually('it is told', () => session.renew().catch(unavailable));
        expect([await renewed(long), await renewed(short)]).toEqual(['expired', 'renewed']);
        const write = (): Promise<unknown> => commitOne(registry, { key: 'ns/docs/a', value: 'x' }).catch(unavailable);
        await eventually('it serves', write, 20_000);
        expect(await registry.get('ns/docs/long', { fresh: true })).toBeUndefined();
      } finally {
        await server.stop();
      }
    },
    TEST_MS,
  );

  it(
    'stops asking a server about itself when it is closed',
    async () => {
      let asked: Socket | undefined;
      const door = createServer((socket) => {
        socket.once('data', (first: Buffer) => {
          if (first.toString() === 'srvr') asked = socket.resume();
          else {
            const inner = connect(lab.server.port, lab.server.host);
            inner.write(first);
            socket.pipe(inner).pipe(socket);
            inner.on('error', () => undefined);
          }
        });
        socket.on('error', () => undefined);
      });
      await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
      const registry = await connected(`127.0.0.1:${(door.address() as AddressInfo).port}`, 20_000);
      const description = outcomeOf(registry.describe());
      await eventually('the server is asked', () => asked);
      await registry.close();
      await timed('it ends', description, 1_000);
      await eventually('nothing is open', () => asked!.destroyed, 1_000);
      await new Promise((resolve) => door.close(resolve));
    },
    TEST_MS,
  );

  it(
    'waits long before it tries again where it is refused, and serves again when it is let in',
    async () => {
      let endPause: (() => void) | undefined;
      const clock: Clock = {
        ...systemClock,
        setTimer(delayMs, fn) {
          if (delayMs !== 5_000) return systemClock.setTimer(delayMs, fn);
          endPause = fn;
          return { dispose: () => undefined };
        },
      };
      const registry = await connected(`${lab.proxy.host}:${lab.proxy.port}`, 2_000, clock);
      await lab.raw(allow(lab.layout.era, READ | ADMIN));
      lab.proxy.cut();
      await eventually('it pauses', () => endPause);
      expect(await outcomeOf(commitOne(registry, { key: 'ns/docs/a', value: 'x' }))).toMatchObject({
        code: 'REGISTRY_REFUSED',
      });
      expect(lab.proxy.connections).toBe(0);
      await lab.raw(allow(lab.layout.era, ALL));
      endPause!();
      await mustCommit(registry, { key: 'ns/docs/a', value: 'x' });
    },
    TEST_MS,
  );
});
