import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import { commitOne, mustCommit, mustGet } from './lab.js';
import { eventually, timed } from './real-time.js';
import type { Rung } from './rung.js';

/** No call may take longer than this, whatever happens to the network. */
const ANSWER_WITHIN_MS = 15_000;

export const reconnect: Rung = {
  name: 'reconnect',
  add(test, expect, { faults }) {
    if (!faults) return;

    test('works again after its connections were cut', async (lab) => {
      const client = await lab.client();
      await mustCommit(client, { key: lab.key('a'), value: '1' });
      await faults.cut();
      await eventually('a write goes through', () =>
        commitOne(client, { key: lab.key('a'), value: '2' }).catch(unavailable),
      );
      expect((await mustGet(client, lab.key('a'))).value).toBe('2');
    });

    test('ends every call while nothing arrives, and works again afterwards', async (lab) => {
      const client = await lab.client();
      const session = await client.openSession({ ttlMs: 60_000 });
      await mustCommit(client, { key: lab.key('a'), value: '1' });
      await faults.partition();
      try {
        const calls = {
          get: client.get(lab.key('a'), { fresh: true }),
          list: client.list(lab.prefix),
          commit: client.commit([{ key: lab.key('a'), value: '2' }]),
          renew: session.renew(),
          end: session.end(),
          describe: client.describe(),
        };
        for (const [name, call] of Object.entries(calls)) {
          const outcome = call.then(
            () => 'answered',
            (error: unknown) => (error instanceof RegistryUnavailableError ? 'unavailable' : error),
          );
          await timed(name, outcome, ANSWER_WITHIN_MS);
          expect(await outcome).toBe('unavailable');
        }
      } finally {
        await faults.heal();
      }
      await eventually('a write goes through', () =>
        commitOne(client, { key: lab.key('a'), value: '3' }).catch(unavailable),
      );
      expect((await mustGet(client, lab.key('a'))).value).toBe('3');
    });

    test('catches up with what happened while it was cut off, or says resync', async (lab) => {
      const [watcher, writer] = [await lab.client(), await lab.adopt(await faults.direct())];
      const mirror = await lab.mirror(watcher);
      await mustCommit(writer, { key: lab.key('a'), value: '1' });
      await mustCommit(writer, { key: lab.key('b'), value: '1' });
      await eventually('it follows', () => mirror.values().b === '1');
      for (const fault of ['cut', 'partition'] as const) {
        await faults[fault]();
        await mustCommit(writer, { key: lab.key('a'), value: fault });
        await mustCommit(writer, { key: lab.key('b') });
        await mustCommit(writer, { key: lab.key('c'), value: fault });
        await faults.heal();
        await eventually(`it has caught up after a ${fault}`, () => {
          const { a, b, c } = mirror.values();
          return a === fault && b === undefined && c === fault;
        });
        await mustCommit(writer, { key: lab.key('b'), value: fault });
        await eventually(`it follows again after a ${fault}`, () => mirror.values().b === fault);
      }
    });

    test('keeps a session over a cut that is shorter than it', async (lab) => {
      const client = await lab.client();
      const session = await client.openSession({ ttlMs: 20_000 });
      await mustCommit(client, { key: lab.key('a'), value: '1', session: session.id });
      await faults.cut();
      const answer = await eventually('the session is renewed', () => session.renew().catch(unavailable));
      expect(answer).toBe('renewed');
      expect((await mustGet(client, lab.key('a'))).session).toBe(session.id);
    });

    test('learns that its session ended while it was cut off', async (lab) => {
      const [client, other] = [await lab.client(), await lab.adopt(await faults.direct())];
      const session = await lab.session(client);
      await mustCommit(client, { key: lab.key('a'), value: '1', session: session.id });
      await faults.partition();
      try {
        const within = lab.endsWithin(other, session);
        await eventually(
          'the others see the end',
          async () => !(await other.get(lab.key('a'), { fresh: true })),
          within,
        );
      } finally {
        await faults.heal();
      }
      const answer = await eventually('it is told', () => session.renew().catch(unavailable));
      expect(answer).toBe('expired');
    });

    test('closes within a second while nothing arrives, and twice', async (lab) => {
      const client = await lab.client();
      await lab.mirror(client);
      await faults.partition();
      try {
        const pending = client.get(lab.key('a')).catch((error: unknown) => error);
        expect(await timed('close', client.close(), 5_000)).toBeLessThan(1_000);
        await client.close();
        await timed('the pending call', pending, ANSWER_WITHIN_MS);
      } finally {
        await faults.heal();
      }
    });

    test('says in time that it cannot connect, and can when the way is free', async (lab) => {
      const client = await lab.unconnectedClient();
      await faults.partition();
      try {
        const outcome = client.connect().catch((error: unknown) => error);
        await timed('connect', outcome, ANSWER_WITHIN_MS);
        expect((await outcome) instanceof RegistryUnavailableError).toBe(true);
      } finally {
        await faults.heal();
      }
      await client.connect();
      await mustCommit(client, { key: lab.key('a'), value: '1' });
    });
  },
};

/** For calls that are tried again: an outage is no answer yet, anything else is a failure. */
function unavailable(error: unknown): undefined {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
}
