import { commitOne, mustCommit, mustGet } from './lab.js';
import { elapsedMs, eventually } from './real-time.js';
import type { Rung } from './rung.js';

const TEXTS = {
  'an empty text': '',
  JSON: '{"a":[1,"two",null],"b":"\\u2028"}',
  'line ends, tabs and NUL': 'a\r\nb\tc\u0000d',
  'all of Unicode': 'ä €  漢字 🎉 \ue000\uffff',
  'a text with colons and pluses': '+1:2::-3!',
  '200 kB': 'x'.repeat(200_000),
};

export const documents: Rung = {
  name: 'documents',
  add(test, expect, subject) {
    for (const [what, value] of Object.entries(TEXTS)) {
      test(`gives back ${what} as it was written`, async (lab) => {
        const [writer, reader] = [await lab.client(), await lab.client()];
        const { revision, token } = await mustCommit(writer, { key: lab.key('a'), value });
        expect(await reader.get(lab.key('a'), { fresh: true })).toEqual({ key: lab.key('a'), value, revision, token });
        if (subject.peek) expect(await subject.peek(lab.key('a'))).toBe(value);
      });
    }

    test('has nothing where nothing was written', async (lab) => {
      const client = await lab.client();
      expect(await client.get(lab.key('a'))).toBeUndefined();
      expect(await client.list(lab.prefix)).toEqual({ entries: [] });
    });

    test('replaces under a new revision', async (lab) => {
      const client = await lab.client();
      const first = await mustCommit(client, { key: lab.key('a'), value: '1' });
      const second = await mustCommit(client, { key: lab.key('a'), value: '1' });
      expect(first.revision === second.revision).toBe(false);
      expect((await mustGet(client, lab.key('a'))).revision).toBe(second.revision);
    });

    test('deletes, and deleting what is not there is no failure', async (lab) => {
      const client = await lab.client();
      await mustCommit(client, { key: lab.key('a'), value: '1' });
      expect(await commitOne(client, { key: lab.key('a') })).toMatchObject({ ok: true });
      expect(await client.get(lab.key('a'))).toBeUndefined();
      expect(await client.list(lab.prefix)).toEqual({ entries: [] });
      expect(await commitOne(client, { key: lab.key('a') })).toMatchObject({ ok: true });
      if (subject.peek) expect(await subject.peek(lab.key('a'))).toBeUndefined();
    });

    test('keeps keys apart that look alike', async (lab) => {
      const client = await lab.client();
      const names = [
        'a',
        'A',
        'a/b',
        'a:b',
        'a b',
        'a%2Fb',
        'ab',
        'a*',
        'a?',
        '[a]',
        '{a}',
        'a#1@x',
        'é',
        'e\u0301',
        '..',
        '~',
        '"',
      ];
      await client.commit(names.map((name) => ({ key: lab.key(name), value: name })));
      expect(await lab.values(client)).toEqual(Object.fromEntries(names.map((name) => [name, name])));
      for (const name of names) expect((await mustGet(client, lab.key(name))).value).toBe(name);
    });

    test('lists what has the prefix and nothing else, in key order', async (lab) => {
      const client = await lab.client();
      const names = ['b/2', 'b/1', 'b', 'bb/1', 'a/1', 'c', 'b/1/x'];
      await client.commit(names.map((name) => ({ key: lab.key(name), value: name })));
      const namesUnder = async (prefix: string): Promise<string[]> =>
        (await client.list(lab.key(prefix))).entries.map(({ value }) => value);
      expect(await namesUnder('')).toEqual(['a/1', 'b', 'b/1', 'b/1/x', 'b/2', 'bb/1', 'c']);
      expect(await namesUnder('b')).toEqual(['b', 'b/1', 'b/1/x', 'b/2', 'bb/1']);
      expect(await namesUnder('b/')).toEqual(['b/1', 'b/1/x', 'b/2']);
      expect(await namesUnder('d')).toEqual([]);
    });

    test('lists in pages, each document once', async (lab) => {
      const client = await lab.client();
      const names = Array.from({ length: 1_234 }, (_, i) => `n${(i * 7_919) % 1_234}`);
      await client.commit(names.map((name) => ({ key: lab.key(name), value: name })));
      for (const limit of [100, 617, 5_000]) {
        const seen: string[] = [];
        for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
          const page = await client.list(lab.prefix, after === undefined ? { limit } : { limit, after });
          expect(page.entries.length).toBeLessThan(limit + 1);
          seen.push(...page.entries.map(({ value }) => value));
          after = page.next;
        }
        expect(seen).toEqual([...names].sort());
      }
    });

    test('keeps its place in a list while documents come and go', async (lab) => {
      const client = await lab.client();
      const names = Array.from({ length: 300 }, (_, i) => `n${String(i).padStart(3, '0')}`);
      await client.commit(names.map((name) => ({ key: lab.key(name), value: name })));
      const first = await client.list(lab.prefix, { limit: 100 });
      const last = first.entries.at(-1)!;
      await client.commit([{ key: last.key }, { key: lab.key('a'), value: 'a' }, { key: lab.key('zz'), value: 'zz' }]);
      const seen: string[] = [];
      for (let after = first.next; after !== undefined;) {
        const page = await client.list(lab.prefix, { limit: 100, after });
        seen.push(...page.entries.map(({ value }) => value));
        after = page.next;
      }
      expect(seen).toEqual([...names.slice(first.entries.length), 'zz']);
    });

    test('tells the time, where it tells any', async (lab) => {
      const client = await lab.client();
      if (!client.serverTime) return;
      const first = await client.serverTime();
      expect(first).toBeGreaterThan(1_600_000_000_000);
      const started = elapsedMs();
      await eventually('its clock goes on', async () => (await client.serverTime!()) > first);
      const { serverTimeResolutionMs = 1 } = client.capabilities;
      expect(elapsedMs() - started).toBeLessThan(serverTimeResolutionMs + 1_000);
    });

    test('describes itself', async (lab) => {
      const client = await lab.client();
      expect(await client.describe()).toMatchObject({ kind: client.kind });
      expect(client.serverTime !== undefined).toBe(client.capabilities.serverTime);
    });
  },
};
