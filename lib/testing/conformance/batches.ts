import type { Write } from '../../core/registry/registry.js';
import { commitOne, mustCommit } from './lab.js';
import type { Rung } from './rung.js';

export const batches: Rung = {
  name: 'batches',
  add(test, expect) {
    test('takes no writes at all', async (lab) => {
      expect(await (await lab.client()).commit([])).toEqual([]);
    });

    test('applies each write on its own and answers in the order given', async (lab) => {
      const client = await lab.client();
      const { revision } = await mustCommit(client, { key: lab.key('b'), value: 'old' });
      const results = await client.commit([
        { key: lab.key('a'), value: '1', if: 'absent' },
        { key: lab.key('b'), value: '2', if: 'absent' },
        { key: lab.key('c'), value: '3' },
        { key: lab.key('b'), value: '4', if: revision },
        { key: lab.key('d'), if: revision },
      ]);
      expect(results.map(({ ok }) => ok)).toEqual([true, false, true, true, false]);
      expect(await lab.values(client)).toEqual({ a: '1', b: '4', c: '3' });
    });

    test('keeps the order of the writes of one document', async (lab) => {
      const client = await lab.client();
      const key = lab.key('a');
      const results = await client.commit([
        { key, value: '1', if: 'absent' },
        { key, value: '2', if: 'absent' },
        { key, value: '3' },
        { key },
        { key, value: '4', if: 'absent' },
      ]);
      expect(results.map(({ ok }) => ok)).toEqual([true, false, true, true, true]);
      expect(results[1]).toMatchObject({ current: { value: '1' } });
      expect(await lab.values(client)).toEqual({ a: '4' });
    });

    test('takes thousands of writes', async (lab) => {
      const client = await lab.client();
      const names = Array.from({ length: 2_500 }, (_, i) => `n${i}`);
      const created = await client.commit(
        names.map((name): Write => ({ key: lab.key(name), value: name, if: 'absent' })),
      );
      expect(created.every(({ ok }) => ok)).toBe(true);
      // Every other one by a stale condition: failures and successes do not mix up.
      const replaced = await client.commit(
        created.map((result, i): Write => {
          const condition = i % 2 === 0 && result.ok ? result.revision : 'absent';
          return { key: lab.key(names[i]!), value: 'new', if: condition };
        }),
      );
      expect(replaced.map(({ ok }) => ok)).toEqual(names.map((_, i) => i % 2 === 0));
      expect(Object.keys(await lab.values(client)).length).toBe(names.length);
    });

    test('takes writes whose values are large together', async (lab) => {
      const client = await lab.client();
      const value = 'v'.repeat(50_000);
      await client.commit(Array.from({ length: 60 }, (_, i) => ({ key: lab.key(i), value })));
      const values = Object.values(await lab.values(client));
      expect(values.length).toBe(60);
      expect(values.every((v) => v === value)).toBe(true);
    });

    test('takes writes of several callers at once', async (lab) => {
      const clients = [await lab.client(), await lab.client()];
      const writes = Array.from({ length: 200 }, (_, i) => ({
        key: lab.key(i % 50),
        value: String(i),
        if: 'absent' as const,
      }));
      const results = await Promise.all(writes.map((write, i) => commitOne(clients[i % 2]!, write)));
      expect(results.filter(({ ok }) => ok).length).toBe(50);
    });
  },
};
