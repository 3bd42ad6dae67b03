import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { entryOf, isOf, versionOf } from '../../lib/adapters/consul/consul-document.js';
import { ConsulLayout, pathOf } from '../../lib/adapters/consul/consul-keys.js';
import { keyProblem } from '../../lib/core/registry/registry-arguments.js';

const layout = new ConsulLayout('nds');
const nasty = fc.constantFrom(
  '.',
  '..',
  '~',
  '~7E',
  '%',
  '%2F',
  ' ',
  '/',
  'a',
  'B',
  '\u00e9',
  '\u{1f389}',
  '\uffff',
  '"',
  '#',
  '?',
);
const keys = fc
  .array(nasty, { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(''))
  .filter((key) => keyProblem(key) === undefined);

describe('the places of Consul documents', () => {
  it('are readable', () => {
    expect(layout.placeOf('shop/units/report#0@1')).toBe('nds/kv/shop/units/report#0@1');
    expect(layout.placeOf('shop/units/v1.2 50%')).toBe('nds/kv/shop/units/v1.2~2050~25');
    expect(layout.placeOf('a/../.b/c..d')).toBe('nds/kv/a/~2E~2E/~2Eb/c.~2Ed');
  });

  it('give back their keys, and keep every prefix a prefix', () => {
    fc.assert(
      fc.property(keys, fc.nat(), (key, n) => {
        expect(layout.keyAt(layout.placeOf(key))).toBe(key);
        const prefix = key.slice(0, n % key.length);
        expect(layout.placeOf(key).startsWith(layout.placeOf(prefix))).toBe(true);
      }),
    );
  });

  it('never hold what Consul refuses or cleans away, and survive the way through a URL', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const place = layout.placeOf(key);
        expect(place).not.toMatch(/\/\/|\.\.|(^|\/)\.|[ %]/);
        const url = new URL(pathOf(place), 'http://h');
        expect(decodeURIComponent(url.pathname)).toBe(`/v1/kv/${place}`);
      }),
    );
  });

  it('are put in the order of their keys', () => {
    fc.assert(
      fc.property(fc.uniqueArray(keys, { maxLength: 20 }), (some) => {
        const bytes = (text: string): Buffer => Buffer.from(text);
        // Consul lists in the order of the bytes of what it holds.
        const places = some.map((key) => layout.placeOf(key)).sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
        expect(layout.keysAt(places)).toEqual([...some].sort((a, b) => Buffer.compare(bytes(a), bytes(b))));
      }),
    );
  });
});

describe('the revisions of Consul documents', () => {
  const era = { base: 1_760_000_000_000_000n, index: 7 };
  const session = '11111111-2222-3333-4444-555555555555';
  const pair = { Key: 'nds/kv/ns/docs/a', Value: Buffer.from('x').toString('base64'), ModifyIndex: 4_711 };

  it('tell era, version and session', () => {
    for (const bound of [undefined, session]) {
      const entry = entryOf(bound === undefined ? pair : { ...pair, Session: bound }, era, layout);
      expect(entry).toMatchObject({ key: 'ns/docs/a', value: 'x', token: 1_760_000_000_004_711n });
      const version = versionOf(entry.revision)!;
      expect([version.index, version.session, isOf(era, version)]).toEqual([4_711, bound, true]);
      expect(isOf({ ...era, base: era.base + 1n }, version)).toBe(false);
    }
  });

  it.each(['absent', '', '17', 'a.b.c', '1.2.3', 'A.B', '1760-0'])('are not %j', (text) => {
    expect(versionOf(text)).toBeUndefined();
  });
});
