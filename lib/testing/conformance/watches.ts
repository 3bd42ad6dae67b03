import type { Registry } from '../../core/registry/registry.js';
import { mustCommit } from './lab.js';
import type { Mirror } from './mirror.js';
import { eventually, pause } from './real-time.js';
import type { Rung } from './rung.js';
import { pick, seededRandom } from '../seeded-random.js';

export const watches: Rung = {
  name: 'watches',
  add(test, expect, subject) {
    test('tell what others write, replace and delete', async (lab) => {
      const [writer, watcher] = [await lab.client(), await lab.client()];
      const mirror = await lab.mirror(watcher);
      const { revision, token } = await mustCommit(writer, { key: lab.key('a'), value: '1' });
      const put = await eventually('the write is told', () => mirror.changes.find(({ type }) => type === 'put'));
      expect(put).toEqual({ type: 'put', entry: { key: lab.key('a'), value: '1', revision, token } });
      await mustCommit(writer, { key: lab.key('a'), value: '2' });
      await eventually('the second write is told', () => mirror.values().a === '2');
      await mustCommit(writer, { key: lab.key('a') });
      await eventually('the deletion is told', () =>
        mirror.changes.some((c) => c.type === 'deleted' && c.key === lab.key('a')),
      );
      expect(mirror.values()).toEqual({});
    });

    test('tell what the same client writes', async (lab) => {
      const client = await lab.client();
      const mirror = await lab.mirror(client);
      await mustCommit(client, { key: lab.key('a'), value: '1' });
      await eventually('the write is told', () => mirror.values().a === '1');
    });

    test('tell of their prefix only', async (lab) => {
      const [writer, watcher] = [await lab.client(), await lab.client()];
      const seen: string[] = [];
      await watcher.watch(lab.key('in/'), (change) => {
        if (change.type !== 'resync') seen.push(change.type === 'put' ? change.entry.key : change.key);
      });
      await writer.commit(['in', 'inn/a', 'out/a', 'in/a'].map((name) => ({ key: lab.key(name), value: name })));
      await eventually('the last write is told', () => seen.includes(lab.key('in/a')));
      expect(seen.every((key) => key === lab.key('in/a'))).toBe(true);
    });

    test('see everything from the moment they are there', async (lab) => {
      const [writer, watcher] = [await lab.client(), await lab.client()];
      for (let i = 0; i < 10; i++) {
        const told = new Set<string>();
        const watch = await watcher.watch(lab.key(`${i}/`), (c) => c.type === 'put' && told.add(c.entry.value));
        await mustCommit(writer, { key: lab.key(`${i}/a`), value: 'x' });
        await eventually(`write ${i} is told`, () => told.has('x'));
        watch.dispose();
      }
    });

    test('see everything from then on also while others are being told', async (lab) => {
      const [writer, watcher] = [await lab.client(), await lab.client()];
      let isOver = false;
      let heard = 0;
      await watcher.watch(lab.key('busy/'), () => void heard++);
      const bustle = async (): Promise<void> => {
        while (!isOver) {
          await mustCommit(writer, { key: lab.key('busy/a'), value: 'x' });
          await pause(0); // a store in this process would leave the others no turn
        }
      };
      const bustling = Promise.all([bustle(), bustle()]);
      try {
        for (let i = 0; i < 60; i++) {
          const told = new Set<string>();
          const watch = await watcher.watch(lab.key(`${i}/`), (c) => c.type === 'put' && told.add(c.entry.value));
          await mustCommit(writer, { key: lab.key(`${i}/a`), value: 'x' });
          await eventually(`write ${i} is told`, () => told.has('x'));
          watch.dispose();
        }
      } finally {
        isOver = true;
        await bustling;
      }
      expect(heard).toBeGreaterThan(0);
    });

    test('fall silent when they are disposed of, while others go on', async (lab) => {
      const [writer, watcher] = [await lab.client(), await lab.client()];
      const [one, two] = [await lab.mirror(watcher), await lab.mirror(watcher)];
      await mustCommit(writer, { key: lab.key('a'), value: '1' });
      await eventually('both have heard', () => one.values().a === '1' && two.values().a === '1');
      one.dispose();
      one.dispose();
      await mustCommit(writer, { key: lab.key('a'), value: '2' });
      await eventually('the other has heard', () => two.values().a === '2');
      expect(one.values()).toEqual({ a: '1' });
    });

    test('tell each document in the order of its versions', async (lab) => {
      const [writer, watcher] = [await lab.client(), await lab.client()];
      const mirror = await lab.mirror(watcher);
      for (let i = 1; i <= 100; i++) await mustCommit(writer, { key: lab.key('a'), value: String(i) });
      await eventually('the last one is told', () => mirror.values().a === '100');
      const story = mirror.story(lab.key('a')).map(Number);
      expect(story).toEqual([...story].sort((x, y) => x - y));
    });

    test('end up with what the store holds, whatever is written', async (lab) => {
      const clients = [await lab.client(), await lab.client(), await lab.client()];
      const mirrors = [await lab.mirror(clients[0]!), await lab.mirror(clients[2]!)];
      const random = seededRandom(subject.seed ?? 1);
      const scribble = async (client: Registry): Promise<void> => {
        for (let i = 0; i < 60; i++) {
          const batch = Array.from({ length: 1 + Math.floor(random() * 8) }, () => {
            const key = lab.key(`k${Math.floor(random() * 40)}`);
            return pick(random, [true, true, false]) ? { key, value: `${random()}` } : { key };
          });
          await client.commit(batch);
        }
      };
      await Promise.all(clients.map(scribble));
      const truth = await lab.values(clients[1]!);
      for (const mirror of mirrors) await agree(mirror, truth);
    });

    test('get through a burst larger than any buffer, by telling it or by resync', async (lab) => {
      const [writer, watcher] = [await lab.client(), await lab.client()];
      const mirror = await lab.mirror(watcher);
      const names = Array.from({ length: 4_000 }, (_, i) => `n${i}`);
      await writer.commit(names.map((name) => ({ key: lab.key(name), value: name.repeat(20) })));
      await writer.commit(names.slice(0, 1_000).map((name) => ({ key: lab.key(name) })));
      await agree(mirror, await lab.values(writer));
    });

    test('tell the end of a session', async (lab) => {
      const [owner, watcher] = [await lab.client(), await lab.client()];
      const mirror = await lab.mirror(watcher);
      const [ended, forgotten] = [await lab.session(owner), await lab.session(owner)];
      await mustCommit(owner, { key: lab.key('ended'), value: '1', session: ended.id });
      await mustCommit(owner, { key: lab.key('forgotten'), value: '1', session: forgotten.id });
      await eventually('both are told', () => Object.keys(mirror.values()).length === 2);
      await ended.end();
      await eventually('the end is told', () => mirror.values().ended === undefined);
      await owner.close();
      const within = lab.endsWithin(watcher, forgotten);
      await eventually('the expiry is told', () => mirror.values().forgotten === undefined, within);
    });

    async function agree(mirror: Mirror, truth: Record<string, string>): Promise<void> {
      await eventually('the watcher knows what the store holds', () => {
        const known = mirror.values();
        const names = Object.keys(known);
        return names.length === Object.keys(truth).length && names.every((name) => known[name] === truth[name]);
      });
      expect(mirror.values()).toEqual(truth);
    }
  },
};
