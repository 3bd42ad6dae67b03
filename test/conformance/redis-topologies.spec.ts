import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRedisRegistry } from '../../lib/adapters/redis/create-redis-registry.js';
import type { RedisRegistryOptions } from '../../lib/adapters/redis/redis-options.js';
import { listAll } from '../../lib/core/registry/keyspace.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import { describeRegistryConformance } from '../../lib/testing/conformance/conformance.js';
import { commitOne, mustCommit } from '../../lib/testing/conformance/lab.js';
import { Mirror } from '../../lib/testing/conformance/mirror.js';
import { eventually } from '../../lib/testing/conformance/real-time.js';
import { redis, redisCommand, startRedis } from '../support/servers/redis.js';
import type { RunningServer, ServerKind } from '../support/servers/server.js';
import { startServer } from '../support/servers/start-server.js';

const TEST_MS = 60_000;
const addressOf = ({ host, port }: RunningServer): { host: string; port: number } => ({ host, port });
const connected = async (options: RedisRegistryOptions): Promise<Registry> => {
  const registry = await createRedisRegistry(options);
  await registry.connect();
  return registry;
};

describe('the Redis registry on a Redis Cluster', () => {
  let nodes: RunningServer[] = [];
  const create = (): Promise<Registry> => createRedisRegistry({ cluster: nodes.map(addressOf) });

  beforeAll(async () => {
    const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
    nodes = await Promise.all([1, 2, 3].map(() => startRedis({ killable: true, args })));
    const ranges = ['0 5460', '5461 10922', '10923 16383'];
    await Promise.all(nodes.map((node, i) => redisCommand(node, `CLUSTER ADDSLOTSRANGE ${ranges[i]}`)));
    for (const node of nodes.slice(1)) await redisCommand(nodes[0]!, `CLUSTER MEET ${node.host} ${node.port}`);
    const isReady = async (node: RunningServer): Promise<boolean> =>
      /cluster_state:ok[^]*cluster_known_nodes:3/.test(await redisCommand(node, 'CLUSTER INFO'));
    await eventually(
      'the cluster is ready',
      async () => (await Promise.all(nodes.map(isReady))).every(Boolean),
      30_000,
    );
  }, TEST_MS);
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  describeRegistryConformance({ describe, it, expect }, { name: 'redis cluster', create, seed: 4 });

  it(
    'spreads the unwatched documents over the nodes, and lists them in order',
    async () => {
      const registry = await connected({ cluster: [addressOf(nodes[0]!)] });
      const keys = Array.from({ length: 2_000 }, (_, i) => `shop/units/task-${String(i).padStart(4, '0')}@x`);
      const created = await registry.commit(keys.map((key) => ({ key, value: key, if: 'absent' as const })));
      expect(created.every(({ ok }) => ok)).toBe(true);
      await mustCommit(registry, { key: 'shop/tasks/a', value: 'watched' });
      const conditions = created.map((result) => (result.ok ? result.revision : 'absent'));
      const replaced = await registry.commit(keys.map((key, i) => ({ key, value: 'new', if: conditions[i]! })));
      replaced.forEach((result, i) => expect(result.ok && result.token > BigInt(conditions[i]!)).toBe(true));
      expect((await listAll(registry, 'shop/units/')).map(({ key }) => key)).toEqual(keys);
      expect((await listAll(registry, 'shop/')).map(({ key }) => key)).toEqual(['shop/tasks/a', ...keys]);
      for (const node of nodes) {
        const keyspace = await redisCommand(node, 'DBSIZE');
        expect(Number(/:(\d+)/.exec(keyspace)![1])).toBeGreaterThan(0);
      }
      await registry.close();
    },
    TEST_MS,
  );

  it(
    'refuses to bind a document that lives outside the slot of the sessions',
    async () => {
      const registry = await connected({ cluster: [addressOf(nodes[0]!)] });
      const session = await registry.openSession({ ttlMs: 1_000 });
      const commit = registry.commit([{ key: 'shop/units/a@x', value: '', session: session.id }]);
      await expect(commit).rejects.toMatchObject({
        code: 'REGISTRY_REFUSED',
        message: expect.stringContaining('shop/units/a@x'),
      });
      await registry.close();
    },
    TEST_MS,
  );

  it(
    'describes the cluster, and leaves a client that was handed in alone',
    async () => {
      const client = new Cluster(nodes.map(addressOf));
      const registry = await connected({ client });
      expect(await registry.describe()).toMatchObject({ topology: 'cluster of 3' });
      await mustCommit(registry, { key: 'shop/docs/a', value: '1' });
      await registry.close();
      expect(client.status).toBe('ready');
      expect(await client.get('no such key')).toBeNull();
      client.disconnect();
    },
    TEST_MS,
  );

  it(
    'works again after every connection was cut',
    async () => {
      const registry = await connected({ cluster: nodes.map(addressOf) });
      const session = await registry.openSession({ ttlMs: 60_000 });
      const keys = Array.from({ length: 100 }, (_, i) => `shop/units/cut-${i}@x`);
      for (let round = 0; round < 3; round++) {
        await Promise.all(nodes.map((node) => redisCommand(node, 'CLIENT KILL TYPE normal SKIPME yes')));
        await eventually('all nodes are written to again', () =>
          registry.commit(keys.map((key) => ({ key, value: String(round) }))).catch(unavailable),
        );
      }
      expect(await session.renew()).toBe('renewed');
      await registry.close();
    },
    TEST_MS,
  );

  it(
    'goes on watching when the node of its subscription drops it',
    async () => {
      const registry = await connected({ cluster: nodes.map(addressOf) });
      const mirror = await Mirror.of(registry, 'shop/docs/');
      const subscribed = async (): Promise<boolean> =>
        (await Promise.all(nodes.map((node) => redisCommand(node, 'PUBSUB NUMSUB {nds}:log')))).some((reply) =>
          reply.includes(':1'),
        );
      await eventually('it is subscribed', subscribed);
      await Promise.all(nodes.map((node) => redisCommand(node, 'CLIENT KILL TYPE pubsub')));
      await mustCommit(registry, { key: 'shop/docs/b', value: '2' });
      await eventually('the change is told', () => mirror.values().b === '2');
      await eventually('it is subscribed again', subscribed);
      mirror.dispose();
      await registry.close();
    },
    TEST_MS,
  );
});

function unavailable(error: unknown): undefined {
  if (!(error instanceof RegistryUnavailableError)) throw error;
}

/** A Sentinel keeps its state in its configuration file, so it needs one that it may write to. */
const sentinel = (master: RunningServer): ServerKind => ({
  ...redis,
  name: 'redis-sentinel',
  variable: 'REDIS_SENTINEL_URL',
  commandLine: ({ ports: [port], dir }) => {
    mkdirSync(dir, { recursive: true });
    const file = join(dir, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor main ${master.host} ${master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 2000',
    ];
    writeFileSync(file, lines.join('\n'));
    return [file, '--sentinel'];
  },
});

describe('the Redis registry behind a Sentinel', () => {
  it(
    'finds the primary, says what a failover may cost, and goes on after one',
    async () => {
      const master = await startRedis({ killable: true, args: ['--repl-diskless-sync-delay', '0'] });
      const replica = await startRedis({ killable: true, args: ['--replicaof', `${master.host} ${master.port}`] });
      const watchman = await startServer(sentinel(master), { killable: true });
      const raw = new Redis(addressOf(replica));
      try {
        await eventually('the replica is in step', async () =>
          (await raw.info('replication')).includes('master_link_status:up'),
        );
        const sees = async (): Promise<boolean> =>
          (await redisCommand(watchman, 'SENTINEL REPLICAS main')).includes(String(replica.port));
        await eventually('the Sentinel knows the replica', sees, 20_000);
        const registry = await connected({ sentinels: [addressOf(watchman)], name: 'main', waitReplicas: 1 });
        const { topology, warnings } = await registry.describe();
        expect(topology).toBe('sentinel, 1 replica(s)');
        expect(warnings.join(' ')).toContain('Best effort across failover');
        const before = await mustCommit(registry, { key: 'shop/docs/a', value: '1' });
        const mirror = await Mirror.of(registry, 'shop/docs/');
        await master.kill();
        const after = await eventually(
          'it writes to the promoted replica',
          // Nobody replicates any more, so the write is done but cannot be confirmed: that is what waitReplicas is for.
          () => commitOne(registry, { key: 'shop/docs/a', value: '2' }).catch(outcome),
          30_000,
        );
        expect(after).toBe('written, not confirmed');
        const entry = await registry.get('shop/docs/a');
        expect(entry?.value).toBe('2');
        expect(entry!.token).toBeGreaterThan(before.token);
        await eventually('the watch goes on', () => mirror.values().a === '2');
        mirror.dispose();
        await registry.close();
      } finally {
        raw.disconnect();
        for (const server of [watchman, replica, master]) await server.stop();
      }
    },
    TEST_MS,
  );

  function outcome(error: unknown): string | undefined {
    if (!(error instanceof RegistryUnavailableError)) throw error;
    return /only 0 of 1 replicas/.test(error.message) ? 'written, not confirmed' : undefined;
  }
});
