import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { entryOf, writeResultOf } from '../../lib/adapters/redis/redis-document.js';
import { RedisLayout } from '../../lib/adapters/redis/redis-keys.js';

const unwatched = ['units', 'history', 'feed'];
const standalone = new RedisLayout({ prefix: 'nds', unwatched, cluster: false });
const cluster = new RedisLayout({ prefix: 'nds', unwatched, cluster: true });
const segment = fc.oneof(
  fc.constantFrom('units', 'history', 'feed', 'tasks', 'unit', 'a', 'b#1'),
  fc.string({ minLength: 1 }).filter((s) => !s.includes('/')),
);
const key = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('/'));

describe('where documents live in Redis', () => {
  it('keeps all keys of a group in one slot', () => {
    for (const layout of [standalone, cluster]) {
      for (const group of layout.groupsUnder('')) {
        for (const name of group.keys) expect(/\{([^}]*)\}/.exec(name)![1]).toBe(group.tag);
      }
    }
  });

  it('keeps everything together on a standalone server', () => {
    fc.assert(fc.property(key, (k) => standalone.groupOf(k) === standalone.home));
    expect(standalone.groupsUnder('')).toEqual([standalone.home]);
  });

  it('finds every key under each of its prefixes', () => {
    fc.assert(
      fc.property(key, fc.nat(), (k, n) => {
        const prefix = k.slice(0, n % (k.length + 1));
        return cluster.groupsUnder(prefix).includes(cluster.groupOf(k));
      }),
      { numRuns: 2_000 },
    );
  });

  it('lists the ring of one unit from one bucket, and spreads units over many', () => {
    expect(cluster.groupsUnder('shop/history/report#1/')).toHaveLength(1);
    expect(cluster.groupsUnder('shop/tasks/')).toEqual([cluster.home]);
    const groups = new Set(Array.from({ length: 500 }, (_, i) => cluster.groupOf(`shop/units/task-${i}@x`)));
    expect(groups.size).toBe(16);
    expect(groups.has(cluster.home)).toBe(false);
  });

  it('refuses every watch that would miss a key, and none that the library needs', () => {
    fc.assert(
      fc.property(key, fc.nat(), (k, n) => {
        const prefix = k.slice(0, n % (k.length + 1));
        return standalone.isLogged(k) || standalone.mayHoldUnwatched(prefix);
      }),
      { numRuns: 2_000 },
    );
    for (const prefix of ['shop/tasks/', 'shop/nodes/', 'shop/cluster', 'shop/commands/n1/']) {
      expect(standalone.mayHoldUnwatched(prefix)).toBe(false);
    }
  });

  it('has nothing unlogged when told so', () => {
    const all = new RedisLayout({ prefix: 'nds', unwatched: [], cluster: true });
    expect([all.isLogged('shop/units/u@1'), all.mayHoldUnwatched(''), all.groupOf('shop/units/u@1')]).toEqual([
      true,
      false,
      all.home,
    ]);
  });
});

describe('documents as stored', () => {
  it('are read back whatever they hold', () => {
    const session = fc.option(fc.stringMatching(/^[0-9a-z]{16}$/), { nil: undefined });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 2n ** 53n }),
        session,
        fc.string({ unit: 'binary' }),
        (token, bound, value) => {
          const entry = entryOf('k', `${token}:${bound ?? ''}:${value}`);
          const expected = { key: 'k', value, revision: String(token), token };
          expect(entry).toEqual(bound === undefined ? expected : { ...expected, session: bound });
          expect(writeResultOf('k', `-${token}:${bound ?? ''}:${value}`)).toEqual({ ok: false, current: entry });
        },
      ),
    );
  });

  it('tell results apart', () => {
    expect(writeResultOf('k', '+12')).toEqual({ ok: true, revision: '12', token: 12n });
    expect(writeResultOf('k', '-')).toEqual({ ok: false });
    expect(writeResultOf('k', '!')).toEqual({ ok: false, sessionExpired: true });
  });
});
