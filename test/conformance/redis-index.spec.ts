import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listAll } from '../../lib/core/registry/keyspace.js';
import type { Registry, Write } from '../../lib/core/registry/registry.js';
import { pick, seededRandom } from '../../lib/testing/seeded-random.js';
import { RedisLab } from '../support/redis-lab.js';

/** The index splits and drops its leaves by itself, out of reach of the conformance suite: here it is looked at. */
describe('the index of the Redis registry', () => {
  let lab: RedisLab;
  let registry: Registry;
  beforeAll(async () => {
    lab = await RedisLab.start();
    registry = await lab.direct({ prefix: 'index-test' });
    await registry.connect();
  });
  afterAll(async () => {
    await registry.close();
    await lab.stop();
  });

  const leaves = async (): Promise<string[][]> => {
    const bounds = await lab.raw.zrange('{index-test}:index', '0', '-1');
    return Promise.all(bounds.map((bound) => lab.raw.zrange(`{index-test}:index:${bound}`, '0', '-1')));
  };
  const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

  it.each([1, 2, 3])(
    'knows every key, in order, whatever is created and deleted (seed %d)',
    async (seed) => {
      const random = seededRandom(seed);
      const present = new Set<string>();
      const name = (): string =>
        `ns/docs/${pick(random, ['a', 'ab', 'b/c', 'é', '漢', '🎉', '~'])}${Math.floor(random() * 600)}`;
      for (const share of [0.95, 0.7, 0.5, 0.2, 0.6, 0]) {
        const writes = Array.from({ length: 1_500 }, (): Write => {
          const key = name();
          return random() < share ? { key, value: 'x' } : { key };
        });
        for (const { key, value } of writes) present[value === undefined ? 'delete' : 'add'](key);
        await registry.commit(writes);
        const expected = [...present].sort(byBytes);
        expect((await listAll(registry, 'ns/docs/')).map(({ key }) => key)).toEqual(expected);
        const found = await leaves();
        expect(found.flat()).toEqual(expected);
        for (const leaf of found) expect(leaf.length).toBeLessThanOrEqual(100);
      }
      await registry.commit([...present].map((key) => ({ key })));
      expect((await leaves()).flat()).toEqual([]);
    },
    30_000,
  );

  it('fills its leaves when keys come in order, so that ten thousand of them stay small', async () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `ns/docs/task-${String(i).padStart(5, '0')}`);
    await registry.commit(keys.map((key) => ({ key, value: 'x' })));
    const found = await leaves();
    expect(found.flat()).toEqual(keys);
    expect(found.length).toBeLessThanOrEqual(102);
    expect(await lab.raw.object('ENCODING', `{index-test}:index:${found[50]![0]}`)).toMatch(/^(listpack|ziplist)$/);
    await registry.commit(keys.map((key) => ({ key })));
  }, 30_000);
});
