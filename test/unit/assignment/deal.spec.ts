import { describe, expect, it } from '@jest/globals';
import { cutByWeight, deal } from '../../../lib/core/assignment/deal.js';

const weighing = (...weights: number[]) => weights.map((weight, i) => ({ nodeId: `n${i}`, weight }));

describe('cutByWeight', () => {
  it.each<[number, number[], number[]]>([
    [9, [1, 1, 1], [3, 6, 9]],
    [10, [1, 1, 1], [3, 7, 10]],
    [2, [1, 1, 1], [1, 1, 2]],
    [6, [1, 2, 3], [1, 3, 6]],
    [5, [0.1, 0.4], [1, 5]],
    [0, [1, 1], [0, 0]],
  ])('%d by %j ends at %j', (total, weights, ends) => {
    expect(cutByWeight(total, weighing(...weights))).toEqual(ends);
  });
});

describe('deal', () => {
  it.each<[number, number[], number[]]>([
    [7, [1, 1, 1], [0, 1, 2, 0, 1, 2, 0]],
    [6, [1, 2], [1, 0, 1, 1, 0, 1]],
    [6, [3, 1], [0, 0, 1, 0, 0, 0]],
    [1, [1, 1], [0]],
    [0, [1], []],
  ])('%d cards by %j', (count, weights, expected) => {
    expect([...deal(count, weighing(...weights))]).toEqual(expected);
  });

  it.each([[[1, 1, 1]], [[1, 2, 4]], [[0.01, 100]], [[3.5, 1, 0.7, 9]]])(
    'gives as many as are asked for, each its share, %j',
    (weights) => {
      const sum = weights.reduce((all, weight) => all + weight, 0);
      for (const count of [1, 2, 10, 999, 4_096]) {
        const dealt = [...deal(count, weighing(...weights))];
        expect(dealt).toHaveLength(count);
        weights.forEach((weight, i) => {
          const share = (count * weight) / sum;
          expect(Math.abs(dealt.filter((card) => card === i).length - share)).toBeLessThanOrEqual(1);
        });
      }
    },
  );
});
