import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeJson, keptJson } from '../../../lib/core/common/json.js';

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;
const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};

describe('encodeJson', () => {
  it.each([
    [undefined, 'null'],
    [null, 'null'],
    [0, '0'],
    ['ü', '"ü"'],
    [{ a: undefined, b: [undefined] }, '{"b":[null]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [Number.NaN, 'null'],
    [() => 1, 'null'],
    [Symbol('x'), 'null'],
    [{ toJSON: () => undefined }, 'null'],
  ])('%p is %s', (value, text) => {
    expect(encodeJson(value, 1_000)).toEqual({ text });
  });

  it.each<[string, unknown, RegExp]>([
    ['a cycle', cyclic, /circular/i],
    ['a BigInt', { n: 5n }, /BigInt/],
    ['what is nested too deeply', deep(100_000), /nested too deeply/],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('not me');
        },
      },
      /not me/,
    ],
  ])('refuses %s', (_what, value, says) => {
    expect(encodeJson(value, 1_000)).toEqual({ problem: expect.stringMatching(says) });
  });

  it('counts bytes, not letters', () => {
    expect(encodeJson('üü', 6)).toEqual({ text: '"üü"' });
    expect(encodeJson('üü', 5)).toEqual({ problem: 'it takes 6 bytes of JSON, the limit is 5' });
  });

  it('reads back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const encoded = encodeJson(value, Infinity) as { text: string };
        expect(JSON.parse(encoded.text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('keptJson', () => {
  it.each<[string, unknown, unknown]>([
    ['BigInts as text', { token: 9_007_199_254_740_993n, all: [1n] }, { token: '9007199254740993', all: ['1'] }],
    ['a BigInt alone', 7n, '7'],
    ['nothing as null', undefined, null],
    ['the reason in place of a cycle', cyclic, expect.stringMatching(/^\(not kept: .*circular/)],
    ['the reason in place of what is too long', 'x'.repeat(200), expect.stringMatching(/^\(not kept: .*limit is 100/)],
  ])('keeps %s', (_what, value, kept) => {
    expect(keptJson(value, 100)).toEqual(kept);
  });
});
