import { describe, expect, it } from '@jest/globals';
import { BoundedCache } from '../../../lib/core/common/bounded-cache.js';

describe('bounded cache', () => {
  it('computes once, and again what was longest unused', () => {
    const computed: string[] = [];
    const cache = new BoundedCache<string>(2);
    const get = (key: string): string => cache.get(key, () => (computed.push(key), key.toUpperCase()));
    expect(['a', 'b', 'b', 'a', 'c', 'a', 'b'].map(get)).toEqual(['A', 'B', 'B', 'A', 'C', 'A', 'B']);
    expect(computed).toEqual(['a', 'b', 'c', 'b']);
  });

  it('keeps nothing of what threw', () => {
    const cache = new BoundedCache<number>(2);
    const fail = (): number => {
      throw new Error('no');
    };
    expect(() => cache.get('a', fail)).toThrow('no');
    expect(cache.get('a', () => 1)).toBe(1);
    expect(cache.get('a', fail)).toBe(1);
  });
});
