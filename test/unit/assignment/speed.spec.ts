import { expect, it } from '@jest/globals';
import { shareOf } from '../../../lib/core/assignment/share.js';
import { consistentHash } from '../../../lib/core/assignment/strategies/consistent-hash.js';
import { fastestOf } from '../schedule/fastest-of.js';

// A third of each goal is what it takes bare; the test runner makes globals slow, hence the room.
it.each([
  [10_000, 5, 150],
  [100_000, 10, 1_500],
])('places %d units on %d nodes, standbys included, below %d ms', (count, nodes, limitMs) => {
  const units = Array.from({ length: count }, (_, i) => `task-${i}`);
  const candidates = Array.from({ length: nodes }, (_, i) => ({ nodeId: `node-${i}`, weight: 1 }));
  const place = (): void => {
    const { owned, standby } = shareOf('node-1', units, candidates, consistentHash);
    expect(owned.length).toBeGreaterThan(0);
    expect(standby.length).toBeGreaterThan(0);
  };
  expect(fastestOf(3, place)).toBeLessThan(limitMs);
});
