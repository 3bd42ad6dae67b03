import { expect, it } from '@jest/globals';
import { type Candidate, effectiveCandidates } from '../../../lib/core/assignment/assignment-strategy.js';

const nodes = (weights: Record<string, number>): Candidate[] =>
  Object.entries(weights).map(([nodeId, weight]) => ({ nodeId, weight }));

it.each<[string, Candidate[], Record<string, number>]>([
  ['nobody', [], {}],
  ['in the order of ids', nodes({ c: 1, a: 2, b: 3 }), { a: 2, b: 3, c: 1 }],
  ['without those of weight 0', nodes({ a: 1, b: 0 }), { a: 1 }],
  ['all alike where none has weight', nodes({ b: 0, a: 0 }), { a: 1, b: 1 }],
  ['broken weights count as 0', nodes({ a: Number.NaN, b: -1, c: Infinity, d: 0.5 }), { d: 0.5 }],
  ['a node named twice, in either order, once', [...nodes({ a: 1, b: 1 }), ...nodes({ a: 2 })], { a: 2, b: 1 }],
  ['a node named twice, in either order, once', [...nodes({ a: 2 }), ...nodes({ b: 1, a: 1 })], { a: 2, b: 1 }],
])('the candidates that count: %s', (_what, given, expected) => {
  expect(effectiveCandidates(given)).toEqual(nodes(expected));
});
