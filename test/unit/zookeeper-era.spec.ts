import { describe, expect, it } from '@jest/globals';
import { revisionOf, versionIn } from '../../lib/adapters/zookeeper/zookeeper-document.js';
import { Eras, readEra, tokenOf, writtenEra } from '../../lib/adapters/zookeeper/zookeeper-era.js';
import { systemClock } from '../../lib/core/common/clock.js';

const at = (iso: string) => ({ ...systemClock, now: () => Date.parse(iso) });
const EPOCH = 1n << 32n;

describe('the eras of a ZooKeeper store', () => {
  it('begin where the clock is, whatever the count of transactions is by then', () => {
    const young = new Eras(at('2026-01-01T00:00:00Z')).next(5n);
    const old = new Eras(at('2026-01-01T00:00:01Z')).next(900n * EPOCH);
    expect(tokenOf(young, 5n)).toBe(189_388_800n * EPOCH);
    expect(tokenOf(old, 900n * EPOCH)).toBe(189_388_801n * EPOCH);
    // An election a second later makes it no further than the clock.
    expect(tokenOf(old, 901n * EPOCH)).toBe(189_388_802n * EPOCH);
    expect(tokenOf(new Eras(at('2088-01-01T00:00:00Z')).next(0n), 10n * EPOCH)).toBeLessThan(2n ** 63n);
  });

  it('go on above every token that was seen, also with a clock that is behind', () => {
    for (const clock of [at('2026-01-01T00:00:00Z'), at('1999-01-01T00:00:00Z')]) {
      const eras = new Eras(clock);
      const first = eras.next(7n);
      eras.note(first, 7n + 12n * EPOCH);
      eras.note(first, 8n); // What is older changes nothing.
      const second = eras.next(3n);
      expect(tokenOf(second, 3n)).toBeGreaterThan(tokenOf(first, 7n + 12n * EPOCH));
      expect(second.id).not.toBe(first.id);
    }
  });

  it('are kept as text, and nothing else is taken for one', () => {
    const era = { id: 'a1b2c3', base: -5n };
    expect(readEra(writtenEra(era), '/nds/era')).toEqual(era);
    for (const text of [null, '', '{}', '{"id":"a1b2c3","base":5}', '{"id":"a","base":"x"}', 'a1b2c3 5']) {
      expect(() => readEra(text, '/nds/era')).toThrow(/\/nds\/era holds something else than expected/);
    }
  });

  it('are part of each revision: that of another one names no version', () => {
    const [one, two] = [new Eras(systemClock).next(0n), new Eras(systemClock).next(0n)];
    expect(versionIn(one, revisionOf(one, { version: 3, owner: 0n }))).toBe(3);
    expect(versionIn(two, revisionOf(one, { version: 3, owner: 0n }))).toBeUndefined();
    expect(versionIn(one, revisionOf(one, { version: 3, owner: -1n }))).toBeUndefined();
    expect(revisionOf(one, { version: 3, owner: -1n })).toBe(`${one.id}.3.0xffffffffffffffff`);
    for (const text of ['', 'absent', `${one.id}.`, `${one.id}.-1`, `${one.id}.3x`, `${one.id}.3.`])
      expect(versionIn(one, text)).toBeUndefined();
  });
});
