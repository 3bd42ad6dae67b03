import { mustCommit, mustGet } from './lab.js';
import type { Rung } from './rung.js';

export const tokens: Rung = {
  name: 'tokens',
  add(test, expect) {
    test('grow with every write of a document, also over its deletion', async (lab) => {
      const clients = [await lab.client(), await lab.client()];
      let last = 0n;
      for (let i = 0; i < 60; i++) {
        const client = clients[i % 2]!;
        const { token } = await mustCommit(
          client,
          i % 5 === 4 ? { key: lab.key('a') } : { key: lab.key('a'), value: `${i}` },
        );
        expect(token).toBeGreaterThan(last);
        last = token;
        const entry = await client.get(lab.key('a'), { fresh: true });
        if (entry) expect(entry.token).toBe(token);
      }
    });

    test('grow over the documents of a namespace', async (lab) => {
      const clients = [await lab.client(), await lab.client()];
      let last = 0n;
      for (let i = 0; i < 30; i++) {
        const { token } = await mustCommit(clients[i % 2]!, { key: lab.key(i), value: 'x' });
        expect(token).toBeGreaterThan(last);
        last = token;
      }
    });

    test('grow inside a batch, for one document', async (lab) => {
      const client = await lab.client();
      const results = await client.commit(Array.from({ length: 20 }, (_, i) => ({ key: lab.key('a'), value: `${i}` })));
      const given = results.map((result) => (result.ok ? result.token : 0n));
      given.slice(1).forEach((token, i) => expect(token).toBeGreaterThan(given[i]!));
      expect((await mustGet(client, lab.key('a'))).token).toBe(given.at(-1));
    });

    test('are the same for everybody who reads', async (lab) => {
      const [one, two] = [await lab.client(), await lab.client()];
      const { token } = await mustCommit(one, { key: lab.key('a'), value: '1' });
      expect((await mustGet(two, lab.key('a'))).token).toBe(token);
      expect((await two.list(lab.prefix)).entries[0]!.token).toBe(token);
      const failed = await two.commit([{ key: lab.key('a'), value: '2', if: 'absent' }]);
      expect(failed[0]).toMatchObject({ ok: false, current: { token } });
    });
  },
};
