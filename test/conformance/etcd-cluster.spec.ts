import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createEtcdRegistry } from '../../lib/adapters/etcd/create-etcd-registry.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import { commitOne, mustCommit } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { elapsedMs, eventually, timed } from '../../lib/testing/conformance/real-time.js';
import { etcdGateway } from '../support/etcd-lab.js';
import { etcd, startEtcdCluster } from '../support/servers/etcd.js';
import type { RunningServer } from '../support/servers/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const TEST_MS = 120_000;
const CALL_MS = 1_000;
/** Nobody is to wait longer for a leader or another member: an election takes 1 to 2 seconds, a call 1 to give up. */
const GAP_MS = 10_000;

const lost = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};

describe('the etcd registry on a cluster of three', () => {
  let members: RunningServer[] = [];
  let proxies: TcpProxy[] = [];
  let round = 0;
  const open: Registry[] = [];
  const mirrors: Mirror[] = [];

  beforeAll(async () => {
    members = await startEtcdCluster(3, { killable: true });
    proxies = await Promise.all(members.map((member) => TcpProxy.to(member)));
  }, 180_000);
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) mirror.dispose();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
    for (const member of members) member.resume();
    const down = members.filter(({ pid }) => pid === undefined);
    await Promise.all(down.map((member) => member.restart({ keepData: true })));
    await eventually('all are well', async () => {
      const answers = members.map((member) => etcd.answers(member).catch(() => false));
      return (await Promise.all(answers)).every(Boolean);
    });
  }, TEST_MS);
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all(members.map((member) => member.kill()));
    await Promise.all(members.map((member) => member.stop()));
  });

  const connected = async (): Promise<Registry> => {
    const endpoints = proxies.map(({ host, port }) => `http://${host}:${port}`);
    const registry = await createEtcdRegistry({ endpoints, callTimeout: CALL_MS });
    open.push(registry);
    await registry.connect();
    return registry;
  };
  const mirrorOf = async (registry: Registry, prefix: string): Promise<Mirror> => {
    const mirror = await Mirror.of(registry, prefix);
    mirrors.push(mirror);
    return mirror;
  };
  const leader = async (): Promise<RunningServer> => {
    for (const member of members) {
      const { leader: id, header } = await etcdGateway(member, 'maintenance/status', {});
      if (id === (header as { member_id: string }).member_id) return member;
    }
    throw new Error('no member leads');
  };
  /** Everything that was answered is there once, told in order, with growing tokens; and nobody waited long. */
  const claimsGoOn = async (fault: () => unknown): Promise<void> => {
    const prefix = `r${++round}/docs/`;
    const [registry, watcher] = [await connected(), await connected()];
    const mirror = await mirrorOf(watcher, prefix);
    const answered: string[] = [];
    let last = 0n;
    let longestGap = 0;
    let since = elapsedMs();
    const claim = async (name: string): Promise<void> => {
      const result = await commitOne(registry, { key: prefix + name, value: name, if: 'absent' }).catch(lost);
      if (!result) return;
      // A claim is not repeated, so another one stands there only if the library sent ours twice.
      expect(result.ok).toBe(true);
      if (result.ok) expect(result.token).toBeGreaterThan(last);
      if (result.ok) last = result.token;
      answered.push(name);
      longestGap = Math.max(longestGap, elapsedMs() - since);
      since = elapsedMs();
    };
    for (let i = 0; answered.length < 100; i++) await claim(`before${i}`);
    await fault();
    for (let i = 0; answered.length < 300; i++) {
      await claim(`after${i}`);
      expect(elapsedMs() - since).toBeLessThan(GAP_MS);
    }
    const known = (): boolean => answered.every((name) => mirror.values()[name] === name);
    await eventually('the watcher knows all', known, GAP_MS);
    expect(mirror.resyncs).toBe(0);
    expect(longestGap).toBeLessThan(GAP_MS);
  };

  it('describes itself', async () => {
    expect(await (await connected()).describe()).toMatchObject({ topology: 'cluster of 3', warnings: [] });
    const one = await createEtcdRegistry({ endpoints: members[0]!.url });
    open.push(one);
    await one.connect();
    expect((await one.describe()).warnings.join()).toMatch(/Name all of them/);
  });

  it('goes on when the leader is killed', () => claimsGoOn(async () => (await leader()).kill()), TEST_MS);

  it('goes on when the leader is paused', () => claimsGoOn(async () => (await leader()).pause()), TEST_MS);

  it(
    'goes on when the members in use are paused, one after the other',
    async () => {
      for (let turn = 0; turn < 2; turn++) {
        const registry = await connected();
        await mustCommit(registry, { key: `turn${turn}/docs/a`, value: '1' });
        const used = members[proxies.findIndex(({ connections }) => connections > 0)]!;
        used.pause();
        const write = () => commitOne(registry, { key: `turn${turn}/docs/a`, value: '2' }).catch(lost);
        await eventually('another member is used', write, GAP_MS);
        used.resume();
        await registry.close();
      }
    },
    TEST_MS,
  );

  it(
    'ends every call while most members are gone, and keeps sessions over it',
    async () => {
      const registry = await connected();
      const watcher = await connected();
      const mirror = await mirrorOf(watcher, 'quorum/docs/');
      const [long, short] = [
        await registry.openSession({ ttlMs: 60_000 }),
        await registry.openSession({ ttlMs: 2_000 }),
      ];
      await mustCommit(registry, { key: 'quorum/docs/long', value: '1', session: long.id });
      await mustCommit(registry, { key: 'quorum/docs/short', value: '1', session: short.id });
      await eventually('it is told', () => mirror.values()['short'] === '1');
      const gone = members.slice(1);
      await Promise.all(gone.map((member) => member.kill()));
      for (let i = 0; i < 2; i++) {
        const calls = {
          get: () => registry.get('quorum/docs/long'),
          list: () => registry.list('quorum/docs/'),
          commit: () => registry.commit([{ key: 'quorum/docs/x', value: '1' }]),
          renew: () => long.renew(),
          watch: () => registry.watch('quorum/docs/', () => undefined),
          open: () => registry.openSession({ ttlMs: 2_000 }),
        };
        for (const [name, call] of Object.entries(calls)) {
          const outcome = call().catch((error: unknown) => error);
          await timed(name, outcome, 5 * CALL_MS);
          expect({ [name]: await outcome }).toEqual({ [name]: expect.any(RegistryUnavailableError) });
        }
      }
      await Promise.all(gone.map((member) => member.restart({ keepData: true })));
      const write = () => commitOne(registry, { key: 'quorum/docs/after', value: '1' }).catch(lost);
      await eventually('it works again', write, 20_000);
      expect(await eventually('the long one is renewed', () => long.renew().catch(lost))).toBe('renewed');
      await eventually('nobody renewed the short one', () => mirror.values()['short'] === undefined, 20_000);
      expect(await short.renew()).toBe('expired');
      expect(Object.keys(mirror.values())).toEqual(expect.arrayContaining(['after', 'long']));
    },
    TEST_MS,
  );
});
