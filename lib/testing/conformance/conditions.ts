import { commitOne, mustCommit, mustGet } from './lab.js';
import type { Rung } from './rung.js';

export const conditions: Rung = {
  name: 'conditions',
  add(test, expect, subject) {
    test("creates with 'absent' only where nothing is, and says what is there", async (lab) => {
      const [one, two] = [await lab.client(), await lab.client()];
      await mustCommit(one, { key: lab.key('a'), value: '1', if: 'absent' });
      const current = await mustGet(two, lab.key('a'));
      expect(await commitOne(two, { key: lab.key('a'), value: '2', if: 'absent' })).toEqual({ ok: false, current });
      expect((await mustGet(one, lab.key('a'))).value).toBe('1');
      if (subject.peek) expect(await subject.peek(lab.key('a'))).toBe('1');
      await mustCommit(two, { key: lab.key('a') });
      await mustCommit(two, { key: lab.key('a'), value: '3', if: 'absent' });
    });

    test('replaces by revision, once', async (lab) => {
      const [one, two] = [await lab.client(), await lab.client()];
      const { revision } = await mustCommit(one, { key: lab.key('a'), value: '1' });
      const second = await mustCommit(two, { key: lab.key('a'), value: '2', if: revision });
      const result = await commitOne(one, { key: lab.key('a'), value: '3', if: revision });
      expect(result).toMatchObject({ ok: false, current: { value: '2', revision: second.revision } });
      expect((await mustGet(one, lab.key('a'))).value).toBe('2');
    });

    test('replaces by a revision that was read', async (lab) => {
      const [one, two] = [await lab.client(), await lab.client()];
      await mustCommit(one, { key: lab.key('a'), value: '1' });
      const { revision } = await mustGet(two, lab.key('a'));
      const listed = (await two.list(lab.prefix)).entries[0]!.revision;
      expect(listed).toBe(revision);
      await mustCommit(two, { key: lab.key('a'), value: '2', if: revision });
    });

    test('replaces by the revision that a failed write told', async (lab) => {
      const client = await lab.client();
      await mustCommit(client, { key: lab.key('a'), value: '1' });
      const failed = await commitOne(client, { key: lab.key('a'), value: '2', if: 'absent' });
      if (failed.ok || !failed.current) throw new Error('it should have failed and told what is there');
      await mustCommit(client, { key: lab.key('a'), value: '2', if: failed.current.revision });
    });

    test('deletes by revision', async (lab) => {
      const client = await lab.client();
      const first = await mustCommit(client, { key: lab.key('a'), value: '1' });
      const second = await mustCommit(client, { key: lab.key('a'), value: '2' });
      const result = await commitOne(client, { key: lab.key('a'), if: first.revision });
      expect(result).toMatchObject({ ok: false, current: { value: '2' } });
      await mustCommit(client, { key: lab.key('a'), if: second.revision });
      expect(await client.get(lab.key('a'))).toBeUndefined();
    });

    test('fails without a document where none is', async (lab) => {
      const client = await lab.client();
      const { revision } = await mustCommit(client, { key: lab.key('a'), value: '1' });
      await mustCommit(client, { key: lab.key('a') });
      expect(await commitOne(client, { key: lab.key('a'), value: '2', if: revision })).toEqual({ ok: false });
      expect(await commitOne(client, { key: lab.key('a'), if: revision })).toEqual({ ok: false });
      expect(await client.get(lab.key('a'))).toBeUndefined();
    });

    test('does not take the revision of another document', async (lab) => {
      const client = await lab.client();
      const { revision } = await mustCommit(client, { key: lab.key('a'), value: '1' });
      await mustCommit(client, { key: lab.key('b'), value: '1' });
      if (revision === (await mustGet(client, lab.key('b'))).revision) return; // Revisions of this store count per document.
      expect(await commitOne(client, { key: lab.key('b'), value: '2', if: revision })).toMatchObject({ ok: false });
    });
  },
};
