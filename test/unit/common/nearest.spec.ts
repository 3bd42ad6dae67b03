import { describe, expect, it } from '@jest/globals';
import { nearest } from '../../../lib/core/common/nearest.js';

describe('nearest', () => {
  it.each([
    ['mial', 'mail'], // two letters swapped are one slip
    ['mai', 'mail'],
    ['Mail', 'mail'],
    ['male', undefined],
    ['timout', 'timeout'],
    ['reprots', 'reports'],
    ['', undefined],
  ])('of %j is %j', (given, meant) => {
    expect(nearest(given, ['reports', 'timeout', 'mail'])).toBe(meant);
  });
});
