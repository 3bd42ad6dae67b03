import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createConsulRegistry } from '../../lib/adapters/consul/create-consul-registry.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { commitOne, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { eventually, timed } from '../../lib/testing/conformance/real-time.js';
import { askConsul } from '../support/consul-lab.js';
import { startConsuls } from '../support/servers/consul.js';
import type { RunningServer } from '../support/servers/server.js';

const TEST_MS = 120_000;
const ELECTED_WITHIN_MS = 40_000;
/** No call may take longer than this at the default `callTimeout` of 2 s, whatever the servers do. */
const ANSWER_WITHIN_MS = 10_000;

const unavailable = (error: unknown): undefined => {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
};

describe('the Consul registry on a cluster', () => {
  let servers: RunningServer[];
  const open: Registry[] = [];
  const mirrors: Mirror[] = [];
  const clientOf = async (server: RunningServer): Promise<Registry> => {
    const registry = await createConsulRegistry({ address: server.url });
    open.push(registry);
    await registry.connect();
    return registry;
  };
  const mirrorOf = async (registry: Registry): Promise<Mirror> => {
    const mirror = await Mirror.of(registry, 'ns/docs/');
    mirrors.push(mirror);
    return mirror;
  };
  const works = (registry: Registry): Promise<unknown> =>
    eventually(
      'a write goes through',
      () => commitOne(registry, { key: 'ns/docs/works', value: 'x' }).catch(unavailable),
      ELECTED_WITHIN_MS,
    );
  /** The leader first. */
  const byRank = async (): Promise<RunningServer[]> => {
    const leader = await eventually(
      'there is a leader',
      async () => {
        const { text } = await askConsul(servers[0]!.url, 'GET', '/v1/operator/raft/configuration');
        const { Servers } = JSON.parse(text) as { Servers: { Node: string; Leader: boolean }[] };
        const name = Servers.find(({ Leader }) => Leader)?.Node;
        return servers.find((_, i) => name === `consul-${i}`);
      },
      ELECTED_WITHIN_MS,
    );
    return [leader, ...servers.filter((server) => server !== leader)];
  };

  beforeAll(async () => {
    servers = await startConsuls(3, { killable: true });
  }, 180_000);
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) mirror.dispose();
    await Promise.all(open.splice(0).map((registry) => registry.close()));
    for (const server of servers) {
      server.resume();
      if (server.pid === undefined) await server.restart({ keepData: true });
    }
  }, TEST_MS);
  afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())));

  it(
    'comes through the death of the leader: nothing that was answered is lost, sessions and watches go on',
    async () => {
      const [leader, follower, other] = await byRank();
      const [registry, watcher] = [await clientOf(follower!), await clientOf(other!)];
      expect((await registry.describe()).topology).toBe('cluster of 3, datacenter dc1');
      const session = await registry.openSession({ ttlMs: 60_000 });
      const before = await mustCommit(registry, { key: 'ns/docs/bound', value: '1', session: session.id });
      const mirror = await mirrorOf(watcher);
      await leader!.kill();
      const call = commitOne(registry, { key: 'ns/docs/a', value: '1' }).catch(unavailable);
      await timed('a call without a leader', call, ANSWER_WITHIN_MS);
      await works(registry);
      expect(await session.renew()).toBe('renewed');
      expect(await mustGet(registry, 'ns/docs/bound')).toMatchObject({ value: '1', session: session.id });
      const after = await mustCommit(registry, {
        key: 'ns/docs/bound',
        value: '2',
        if: before.revision,
        session: session.id,
      });
      expect(after.token).toBeGreaterThan(before.token);
      await eventually('the watch goes on', () => mirror.values().bound === '2' && mirror.values().works === 'x');
      expect(mirror.resyncs).toBe(0);
    },
    TEST_MS,
  );

  it(
    'ends every call while most servers are away, and works again when they are back',
    async () => {
      const [leader, follower, survivor] = await byRank();
      const registry = await clientOf(survivor!);
      const session = await registry.openSession({ ttlMs: 60_000 });
      await mustCommit(registry, { key: 'ns/docs/a', value: '1', session: session.id });
      const mirror = await mirrorOf(registry);
      await Promise.all([leader!.kill(), follower!.kill()]);
      const calls = {
        get: () => registry.get('ns/docs/a', { fresh: true }),
        list: () => registry.list('ns/docs/'),
        commit: () => registry.commit([{ key: 'ns/docs/a', value: '2' }]),
        renew: () => session.renew(),
        openSession: () => registry.openSession({ ttlMs: 1_000 }),
        watch: () => registry.watch('ns/others/', () => undefined),
      };
      for (const [name, call] of Object.entries(calls)) {
        const outcome = call().then(() => 'answered', unavailable);
        await timed(name, outcome, ANSWER_WITHIN_MS);
        expect({ [name]: await outcome }).toEqual({ [name]: undefined });
      }
      await Promise.all([leader!.restart({ keepData: true }), follower!.restart({ keepData: true })]);
      await works(registry);
      expect(await session.renew()).toBe('renewed');
      await mustCommit(registry, { key: 'ns/docs/b', value: '1' });
      await eventually('the watch goes on', () => mirror.values().b === '1');
    },
    TEST_MS,
  );

  it(
    'loses no increment while leaders stand still and come back believing that they lead',
    async () => {
      const registries = await Promise.all(servers.map(clientOf));
      const taken: { value: number; token: bigint }[] = [];
      let isOver = false;
      const unknown = { count: 0 };
      const raise = async (registry: Registry): Promise<void> => {
        while (!isOver) {
          const entry = await registry.get('ns/units/counter', { fresh: true }).catch(unavailable);
          const value = Number(entry?.value ?? 0) + 1;
          const write = { key: 'ns/units/counter', value: String(value), if: entry?.revision ?? 'absent' };
          try {
            const result = await commitOne(registry, write);
            if (result.ok) taken.push({ value, token: result.token });
          } catch (error) {
            if (!(error instanceof RegistryUnavailableError)) throw error;
            if (error.outcomeUnknown) unknown.count++;
          }
        }
      };
      const raising = registries.map(raise);
      for (let round = 0; round < 2; round++) {
        const [leader, follower] = await byRank();
        const client = registries[servers.indexOf(follower!)]!;
        leader!.pause();
        const done = taken.length;
        await eventually('the others go on', () => taken.length > done + 10, ELECTED_WITHIN_MS);
        leader!.resume();
        await works(client);
      }
      isOver = true;
      await Promise.all(raising);
      const last = Number(
        (
          await eventually('it is read', () =>
            registries[0]!.get('ns/units/counter', { fresh: true }).catch(unavailable),
          )
        ).value,
      );
      taken.sort((a, b) => a.value - b.value);
      expect(new Set(taken.map(({ value }) => value)).size).toBe(taken.length);
      expect(last).toBeLessThanOrEqual(taken.length + unknown.count);
      expect(last).toBeGreaterThanOrEqual(taken.length);
      taken.slice(1).forEach(({ token }, i) => expect(token).toBeGreaterThan(taken[i]!.token));
    },
    TEST_MS,
  );
});
