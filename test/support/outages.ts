import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { Registry, RegistrySession } from '../../lib/core/registry/registry.js';
import { commitOne, Lab, mustCommit, mustGet } from '../../lib/testing/conformance/lab.js';
import type { Mirror } from '../../lib/testing/conformance/mirror.js';
import { eventually, timed } from '../../lib/testing/conformance/real-time.js';
import type { RegistryLab } from './registry-lab.js';

const START_MS = 180_000;
const TEST_MS = 120_000;
/** No call may take longer than this, whatever the server does. */
const ANSWER_WITHIN_MS = 15_000;
/** A server that is back is used again within this. */
const BACK_WITHIN_MS = 30_000;

/**
 * What every adapter does while its one server is killed, restarted, paused, slow, emptied, or brought back with old data.
 * @param start a server of its own that keeps on disk what it has answered
 */
export function describeOutages(name: string, start: () => Promise<RegistryLab>): void {
  describe(`${name}, while its server`, () => {
    let server: RegistryLab;
    let lab: Lab;
    beforeAll(async () => {
      server = await start();
    }, START_MS);
    afterAll(() => server?.stop());
    beforeEach(() => {
      lab = new Lab({ name, create: () => server.proxied({ callTimeout: '1s', connectTimeout: '3s' }) });
    });
    afterEach(async () => {
      server.server.resume();
      await server.proxy.pass();
      await lab.close();
    });

    it(
      'is killed and comes back: what was answered is there, and everything goes on',
      async () => {
        const [client, watcher] = [await lab.client(), await lab.client()];
        const session = await client.openSession({ ttlMs: 60_000 });
        await mustCommit(client, { key: lab.key('bound'), value: '1', session: session.id });
        const mirror = await lab.mirror(watcher);
        const answered = await writeUntil(client, async () => server.server.kill());
        await everyCallEnds(client, session);
        await server.server.restart({ keepData: true });
        await works(client);
        expect(await lab.values(client)).toMatchObject(Object.fromEntries(answered.map((name) => [name, name])));
        expect(await session.renew()).toBe('renewed');
        const { token } = await mustGet(client, lab.key('bound'));
        const again = await mustCommit(client, { key: lab.key('bound'), value: '2', session: session.id });
        expect(again.token).toBeGreaterThan(token);
        await agree(mirror, client);
        await mustCommit(client, { key: lab.key('later'), value: 'x' });
        await eventually('the watch goes on', () => mirror.values()['later'] === 'x');
      },
      TEST_MS,
    );

    it(
      'is killed and nobody renews: a session ends when it is back, and not before its time',
      async () => {
        const [client, other] = [await lab.client(), await lab.client()];
        const mirror = await lab.mirror(other);
        const session = await lab.session(client);
        await mustCommit(client, { key: lab.key('bound'), value: '1', session: session.id });
        await server.server.kill();
        await server.server.restart({ keepData: true });
        await works(other);
        // Its time may begin anew with the server.
        const within = lab.endsWithin(other, session) + session.ttlMs + BACK_WITHIN_MS;
        await eventually(
          'it is over',
          () => other.get(lab.key('bound')).then((entry) => entry === undefined, unavailable),
          within,
        );
        await eventually('the watcher knows', () => mirror.values()['bound'] === undefined);
        expect(await eventually('its holder is told', () => session.renew().catch(unavailable))).toBe('expired');
      },
      TEST_MS,
    );

    it(
      'is paused: every call ends, and everything goes on afterwards',
      async () => {
        const [client, watcher] = [await lab.client(), await lab.client()];
        const session = await client.openSession({ ttlMs: 60_000 });
        await mustCommit(client, { key: lab.key('a'), value: '1' });
        const mirror = await lab.mirror(watcher);
        server.server.pause();
        await everyCallEnds(client, session);
        server.server.resume();
        await works(client);
        expect(await eventually('the session is renewed', () => session.renew().catch(unavailable))).toBe('renewed');
        await mustCommit(client, { key: lab.key('a'), value: '2' });
        await agree(mirror, client);
      },
      TEST_MS,
    );

    it(
      'is slow: everything works, only later',
      async () => {
        const [client, watcher] = [await lab.client(), await lab.client()];
        server.proxy.delay(60);
        const mirror = await lab.mirror(watcher);
        const session = await client.openSession({ ttlMs: 60_000 });
        const names = Array.from({ length: 300 }, (_, i) => `n${i}`);
        const results = await client.commit(
          names.map((key) => ({ key: lab.key(key), value: key, if: 'absent' as const })),
        );
        expect(results.every(({ ok }) => ok)).toBe(true);
        await mustCommit(client, { key: lab.key('bound'), value: '1', session: session.id });
        expect(await session.renew()).toBe('renewed');
        await agree(mirror, client);
        expect(mirror.resyncs).toBe(0);
        await session.end();
        await eventually('the end is told', () => mirror.values()['bound'] === undefined);
      },
      TEST_MS,
    );

    it(
      'loses all its data: tokens grow on, sessions are over, old revisions lose, watchers see what there is',
      async () => {
        const [client, other] = [await lab.client(), await lab.client()];
        const session = await client.openSession({ ttlMs: 60_000 });
        await mustCommit(client, { key: lab.key('bound'), value: '1', session: session.id });
        const before = await mustCommit(client, { key: lab.key('a'), value: 'before' });
        const mirror = await lab.mirror(other);
        await server.server.restart({ keepData: false });
        await works(client);
        await works(other); // each finds its own way back
        expect(await client.get(lab.key('a'), { fresh: true })).toBeUndefined();
        expect(await session.renew()).toBe('expired');
        await staleNeverWins(client, other, before);
        await agree(mirror, client);
      },
      TEST_MS,
    );

    it(
      'comes back with old data: tokens grow on, revisions from after the backup lose, watchers see what there is',
      async () => {
        const [client, other] = [await lab.client(), await lab.client()];
        await mustCommit(client, { key: lab.key('a'), value: 'backed up' });
        await server.server.kill();
        const backup = server.server.saveData();
        await server.server.restart({ keepData: true });
        await works(client);
        await works(other);
        const mirror = await lab.mirror(other);
        for (let i = 0; i < 20; i++) await mustCommit(client, { key: lab.key(`lost${i}`), value: 'x' });
        const lost = await mustCommit(client, { key: lab.key('a'), value: 'lost' });
        await eventually('the watcher knows', () => mirror.values()['a'] === 'lost');
        await server.server.restart({ data: backup });
        await works(client);
        await works(other);
        expect((await mustGet(client, lab.key('a'))).value).toBe('backed up');
        await staleNeverWins(client, other, lost);
        await agree(mirror, client);
        const newcomer = await lab.client();
        const next = await mustCommit(newcomer, { key: lab.key('a'), value: 'by somebody new' });
        expect(next.token).toBeGreaterThan(lost.token);
      },
      TEST_MS,
    );

    /** The store's own counter passes the point where it was: a revision from before must not fit by chance. */
    async function staleNeverWins(
      client: Registry,
      other: Registry,
      stale: { revision: string; token: bigint },
    ): Promise<void> {
      let last = stale.token;
      for (let i = 0; i < 100; i++) {
        const { token } = await mustCommit(other, { key: lab.key('a'), value: `after${i}` });
        expect(token).toBeGreaterThan(last);
        last = token;
        const late = await commitOne(client, { key: lab.key('a'), value: 'late', if: stale.revision });
        expect(late).toMatchObject({ ok: false, current: { value: `after${i}` } });
      }
    }

    /** Writes one document after the other; ends it somewhere among them. Returns the names of those that were answered. */
    async function writeUntil(client: Registry, end: () => Promise<void>): Promise<string[]> {
      const answered: string[] = [];
      let ending: Promise<void> | undefined;
      for (let i = 0; i < 10_000; i++) {
        if (answered.length === 100) ending ??= end();
        const name = `w${i}`;
        const result = await commitOne(client, { key: lab.key(name), value: name }).catch(unavailable);
        if (!result) break;
        answered.push(name);
      }
      await ending;
      expect(answered.length).toBeGreaterThanOrEqual(100);
      return answered;
    }

    async function everyCallEnds(client: Registry, session: RegistrySession): Promise<void> {
      const calls = {
        get: client.get(lab.key('a'), { fresh: true }),
        list: client.list(lab.prefix),
        commit: client.commit([{ key: lab.key('meanwhile'), value: '1' }]),
        renew: session.renew(),
        describe: client.describe(),
      };
      for (const [name, call] of Object.entries(calls)) {
        const outcome = call.then(
          () => 'answered',
          (error: unknown) => (error instanceof RegistryUnavailableError ? 'unavailable' : error),
        );
        await timed(name, outcome, ANSWER_WITHIN_MS);
        expect({ [name]: await outcome }).toEqual({ [name]: 'unavailable' });
      }
    }

    async function works(client: Registry): Promise<void> {
      const write = (): Promise<unknown> => commitOne(client, { key: lab.key('works'), value: 'x' }).catch(unavailable);
      await eventually('a write goes through', write, BACK_WITHIN_MS);
    }

    async function agree(mirror: Mirror, client: Registry): Promise<void> {
      const truth = await lab.values(client);
      const same = (): boolean => JSON.stringify(mirror.values()) === JSON.stringify(sorted(truth));
      await eventually('the watcher knows what the store holds', same, BACK_WITHIN_MS).catch(() => undefined);
      expect(mirror.values()).toEqual(truth);
    }
  });
}

const sorted = (values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));

/** For calls that are tried again: an outage is no answer yet, anything else is a failure. */
function unavailable(error: unknown): undefined {
  if (error instanceof RegistryUnavailableError) return undefined;
  throw error;
}
