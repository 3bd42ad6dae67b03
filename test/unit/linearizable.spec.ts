import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isLinearizable, type Operation } from '../../lib/testing/conformance/linearizable.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';

const ok = { ok: true } as const;
const write = (value: string | undefined, condition: 'any' | { value: string | undefined } = 'any') =>
  ({ type: 'write', value, if: condition }) as const;
const read = (saw: string | undefined) => ({ type: 'read', saw }) as const;
const at = (calledAt: number, returnedAt: number | undefined, what: Operation['what']): Operation => ({
  client: 0,
  calledAt,
  what,
  ...(returnedAt !== undefined && { returnedAt }),
});

describe('the linearizability checker', () => {
  it.each<[string, Operation[]]>([
    ['nothing at all', []],
    ['a read of a write that was under way', [at(0, 10, { ...write('a'), outcome: ok }), at(1, 2, read('a'))]],
    [
      'a read that comes before it',
      [at(0, 10, { ...write('a'), outcome: ok }), at(1, 2, read(undefined)), at(3, 4, read('a'))],
    ],
    [
      'a lost race',
      [
        at(0, 9, { ...write('a', { value: undefined }), outcome: ok }),
        at(1, 8, { ...write('b', { value: undefined }), outcome: { ok: false, saw: 'a' } }),
      ],
    ],
    [
      'a lost reply whose write was done late',
      [at(0, undefined, write('a')), at(5, 6, read(undefined)), at(7, 8, read('a'))],
    ],
    ['a lost request', [at(0, undefined, write('a')), at(5, 6, read(undefined)), at(7, 8, read(undefined))]],
    [
      'a lost conditional write that came too late',
      [
        at(0, undefined, write('a', { value: undefined })),
        at(1, 2, { ...write('b'), outcome: ok }),
        at(3, 4, read('b')),
      ],
    ],
  ])('accepts %s', (_name, history) => expect(isLinearizable(history)).toBe(true));

  it.each<[string, Operation[]]>([
    [
      'a stale read',
      [at(0, 1, { ...write('a'), outcome: ok }), at(2, 3, { ...write('b'), outcome: ok }), at(4, 5, read('a'))],
    ],
    [
      'a read that goes back',
      [at(0, 10, { ...write('a'), outcome: ok }), at(1, 2, read('a')), at(3, 4, read(undefined))],
    ],
    [
      'two winners of one race',
      [
        at(0, 9, { ...write('a', { value: undefined }), outcome: ok }),
        at(1, 8, { ...write('b', { value: undefined }), outcome: ok }),
      ],
    ],
    [
      'a lost update',
      [
        at(0, 1, { ...write('a'), outcome: ok }),
        at(2, 5, { ...write('b', { value: 'a' }), outcome: ok }),
        at(2, 5, { ...write('c', { value: 'a' }), outcome: ok }),
      ],
    ],
    [
      'a write that failed and was done',
      [at(0, 1, { ...write('a', { value: 'x' }), outcome: { ok: false, saw: undefined } }), at(2, 3, read('a'))],
    ],
    [
      'a failure that names what was not there',
      [at(0, 1, { ...write('a', { value: undefined }), outcome: { ok: false, saw: 'b' } })],
    ],
    [
      'a write that was done twice',
      [
        at(0, undefined, write('a')),
        at(1, 2, read('a')),
        at(3, 4, { ...write('b'), outcome: ok }),
        at(5, 6, read('b')),
        at(7, 8, read('a')),
      ],
    ],
  ])('rejects %s', (_name, history) => expect(isLinearizable(history)).toBe(false));

  it('accepts whatever one copy gives, in any overlap', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = seededRandom(seed);
        let state: string | undefined;
        const history = Array.from({ length: 40 }, (_, i): Operation => {
          const span = { calledAt: i - random() * 5, returnedAt: i + random() * 5 };
          if (random() < 0.4) return { client: 0, ...span, what: read(state) };
          const holds = random() < 0.5;
          const what = write(random() < 0.2 ? undefined : `v${i}`, { value: holds ? state : 'something else' });
          if (!holds) return { client: 0, ...span, what: { ...what, outcome: { ok: false, saw: state } } };
          state = what.value;
          return random() < 0.1
            ? { client: 0, calledAt: span.calledAt, what }
            : { client: 0, ...span, what: { ...what, outcome: ok } };
        });
        return isLinearizable(history);
      }),
      { numRuns: 300 },
    );
  });
});
