import { commitOne, mustCommit, mustGet } from './lab.js';
import { elapsedMs, eventually, pause } from './real-time.js';
import type { Rung } from './rung.js';

export const sessions: Rung = {
  name: 'sessions',
  add(test, expect) {
    test('bind documents, and everybody sees to which', async (lab) => {
      const [owner, other] = [await lab.client(), await lab.client()];
      const session = await lab.session(owner);
      await mustCommit(owner, { key: lab.key('a'), value: '1', session: session.id });
      expect((await mustGet(other, lab.key('a'))).session).toBe(session.id);
      expect((await other.list(lab.prefix)).entries[0]).toMatchObject({ session: session.id });
    });

    test('grant at least what was asked for', async (lab) => {
      const client = await lab.client();
      for (const ttlMs of [1, 12_345]) {
        const session = await client.openSession({ ttlMs });
        expect(session.ttlMs).toBeGreaterThanOrEqual(ttlMs);
        await session.end();
      }
    });

    test('take their documents along when they end, and no others', async (lab) => {
      const [owner, other] = [await lab.client(), await lab.client()];
      const [session, stays] = [await lab.session(owner), await lab.session(owner)];
      const bound = Array.from({ length: 20 }, (_, i) => ({ key: lab.key(i), value: 'x', session: session.id }));
      await owner.commit([
        ...bound,
        { key: lab.key('free'), value: 'x' },
        { key: lab.key('other'), value: 'x', session: stays.id },
      ]);
      await session.end();
      expect(await lab.values(other)).toEqual({ free: 'x', other: 'x' });
      await session.end();
      expect(await commitOne(owner, { key: lab.key('late'), value: 'x', session: session.id })).toEqual({
        ok: false,
        sessionExpired: true,
      });
      expect(await other.get(lab.key('late'))).toBeUndefined();
    });

    test('let go of documents that are written without them, or with another one', async (lab) => {
      const client = await lab.client();
      const [first, second] = [await lab.session(client), await lab.session(client)];
      for (const name of ['unbound', 'rebound', 'deleted']) {
        await mustCommit(client, { key: lab.key(name), value: '1', session: first.id });
      }
      await mustCommit(client, { key: lab.key('unbound'), value: '2' });
      await mustCommit(client, { key: lab.key('rebound'), value: '2', session: second.id });
      await mustCommit(client, { key: lab.key('deleted') });
      await mustCommit(client, { key: lab.key('deleted'), value: '2' });
      await first.end();
      expect(await lab.values(client)).toEqual({ unbound: '2', rebound: '2', deleted: '2' });
      await second.end();
      expect(await lab.values(client)).toEqual({ unbound: '2', deleted: '2' });
    });

    test('live on while they are renewed', async (lab) => {
      const [owner, other] = [await lab.client(), await lab.client()];
      const session = await lab.session(owner);
      await mustCommit(owner, { key: lab.key('a'), value: '1', session: session.id });
      const started = elapsedMs();
      while (elapsedMs() - started < session.ttlMs * 2.5) {
        await pause(session.ttlMs / 5);
        expect(await session.renew()).toBe('renewed');
        expect((await mustGet(other, lab.key('a'))).value).toBe('1');
      }
    });

    test('end when nobody renews them: not before their time, and for everybody', async (lab) => {
      const [owner, other] = [await lab.client(), await lab.client()];
      const started = elapsedMs();
      const session = await lab.session(owner);
      await mustCommit(owner, { key: lab.key('a'), value: '1', session: session.id });
      const within = lab.endsWithin(owner, session);
      await eventually('the document is gone', async () => !(await other.get(lab.key('a'), { fresh: true })), within);
      expect(elapsedMs() - started).toBeGreaterThan(session.ttlMs - owner.capabilities.ttlResolutionMs - 50);
      expect(await lab.values(other)).toEqual({});
      expect(await session.renew()).toBe('expired');
      expect(await commitOne(owner, { key: lab.key('b'), value: '1', session: session.id })).toEqual({
        ok: false,
        sessionExpired: true,
      });
      // What stood there is no obstacle: the key is free.
      await mustCommit(other, { key: lab.key('a'), value: '2', if: 'absent' });
      expect(await session.renew()).toBe('expired');
      await session.end();
      expect(await lab.values(other)).toEqual({ a: '2' });
    });

    test('end when their process is gone', async (lab) => {
      const [owner, other] = [await lab.client(), await lab.client()];
      const session = await lab.session(owner);
      await mustCommit(owner, { key: lab.key('a'), value: '1', session: session.id });
      await owner.close();
      const within = lab.endsWithin(other, session);
      await eventually('the document is gone', async () => !(await other.get(lab.key('a'), { fresh: true })), within);
    });
  },
};
