import type { Registry } from '../../core/registry/registry.js';
import { isLinearizable, type Operation } from './linearizable.js';
import { eventually, pause } from './real-time.js';
import { RecordedClient } from './recorded-client.js';
import type { Rung } from './rung.js';
import { pick, seededRandom } from '../seeded-random.js';

const KEYS = ['a', 'b', 'c'];
const STEPS = 40;

export const linearizability: Rung = {
  name: 'linearizability',
  add(test, expect, subject) {
    for (let round = 0; round < 3; round++) {
      const seed = (subject.seed ?? 1) * 1_000 + round;

      test(`gives histories that one copy could have given (seed ${seed})`, async (lab) => {
        const clients = await Promise.all([lab.client(), lab.client(), lab.client()]);
        check(await histories(clients, lab.prefix, seed));
      });
    }

    const { faults } = subject;
    if (!faults) return;
    const seed = (subject.seed ?? 1) * 1_000;

    test(`also while replies are lost and connections cut (seed ${seed})`, async (lab) => {
      const clients = await Promise.all([lab.client(), lab.client(), lab.adopt(await faults.direct())]);
      const random = seededRandom(seed + 500);
      let isOver = false;
      const harm = async (): Promise<void> => {
        while (!isOver) {
          // Every client gets its turn: the next fault waits until all of them answer again.
          for (const client of clients)
            await eventually('it answers', () => client.get(lab.prefix + 'z').then(yes, no));
          await pause(random() * 15);
          await faults.loseReplies();
          await pause(random() * 8);
          await faults.cut();
        }
      };
      const harming = harm();
      try {
        check(await histories(clients, lab.prefix, seed, 6));
      } finally {
        isOver = true;
        await harming;
        await faults.heal();
      }
    });

    function check(found: Map<string, Operation[]>): void {
      for (const [key, history] of found) {
        if (!isLinearizable(history)) throw new Error(`${key}: no order explains ${JSON.stringify(history)}`);
      }
      expect(found.size).toBe(KEYS.length);
    }
  },
};

const yes = (): boolean => true;
const no = (): boolean => false;

async function histories(
  clients: Registry[],
  prefix: string,
  seed: number,
  pauseMs = 1,
): Promise<Map<string, Operation[]>> {
  const found = new Map<string, Operation[]>();
  const walkers = clients.flatMap((client, i) => [i * 2, i * 2 + 1].map((id) => ({ client, id })));
  await Promise.all(
    walkers.map(async ({ client, id }) => {
      const random = seededRandom(seed * 31 + id);
      const recorded = new RecordedClient(id, client, random, found);
      for (let step = 0; step < STEPS;) {
        if (await recorded.step(prefix + pick(random, KEYS))) step++;
        await pause(random() * pauseMs);
      }
    }),
  );
  return found;
}
