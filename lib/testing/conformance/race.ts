import type { Registry } from '../../core/registry/registry.js';
import { commitOne, mustGet } from './lab.js';
import { pause } from './real-time.js';
import type { Rung } from './rung.js';
import { seededRandom } from '../seeded-random.js';

const CLIENTS = 5;
const STEPS = 30;

export const race: Rung = {
  name: 'race',
  add(test, expect, subject) {
    const seed = subject.seed ?? 1;

    test(`loses no increment of a counter that everybody raises (seed ${seed})`, async (lab) => {
      const random = seededRandom(seed);
      const key = lab.key('counter');
      const taken: { value: number; token: bigint }[] = [];
      const raise = async (client: Registry): Promise<void> => {
        let revision = 'absent';
        let value = 0;
        for (let done = 0; done < STEPS;) {
          const result = await commitOne(client, { key, value: String(value + 1), if: revision });
          if (result.ok) {
            taken.push({ value: ++value, token: result.token });
            revision = result.revision;
            done++;
          } else {
            revision = result.current?.revision ?? 'absent';
            value = Number(result.current?.value ?? 0);
          }
          if (random() < 0.2) await pause(random() * 3);
        }
      };
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => lab.client()));
      await Promise.all(clients.map(raise));
      expect((await mustGet(clients[0]!, key)).value).toBe(String(CLIENTS * STEPS));
      taken.sort((a, b) => a.value - b.value);
      expect(taken.map(({ value }) => value)).toEqual(Array.from({ length: CLIENTS * STEPS }, (_, i) => i + 1));
      taken.slice(1).forEach(({ token }, i) => expect(token).toBeGreaterThan(taken[i]!.token));
    });

    test('gives each of many keys to one of those who want it', async (lab) => {
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => lab.client()));
      const names = Array.from({ length: 300 }, (_, i) => `k${i}`);
      const results = await Promise.all(
        clients.map((client, i) =>
          client.commit(names.map((name) => ({ key: lab.key(name), value: String(i), if: 'absent' as const }))),
        ),
      );
      const values = await lab.values(clients[0]!);
      names.forEach((name, n) => {
        const winners = results.flatMap((result, i) => (result[n]!.ok ? [String(i)] : []));
        expect(winners).toEqual([values[name]]);
      });
    });
  },
};
