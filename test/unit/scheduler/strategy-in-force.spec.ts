import { describe, expect, it } from '@jest/globals';
import type { AssignmentStrategy } from '../../../lib/core/assignment/assignment-strategy.js';
import { STRATEGIES } from '../../../lib/core/assignment/strategy-table.js';
import type { NodeRecord } from '../../../lib/core/cluster/node-record.js';
import { strategyInForce } from '../../../lib/core/scheduler/strategy-in-force.js';

const mine: AssignmentStrategy = { name: 'mine', independent: true, assign: () => new Map() };

const node = (strategy?: string, more: Partial<NodeRecord> = {}): NodeRecord =>
  ({ status: 'working', handlers: ['*'], ...(strategy && { strategy }), ...more }) as NodeRecord;
const among = (...nodes: NodeRecord[]) => ({ list: () => nodes });

describe('the strategy in force', () => {
  it.each<[string, string, NodeRecord[]]>([
    ['that of most workers', 'range', [node('range'), node('weighted'), node('range')]],
    ['of several the first by name', 'hash-slot', [node('range'), node('hash-slot')]],
    ['the default one for nodes that say nothing', 'consistent-hash', [node(), node(), node('range')]],
    [
      'not that of nodes that leave',
      'range',
      [node('range'), node('weighted', { status: 'leaving' }), node('weighted', { status: 'starting' })],
    ],
    [
      'not that of observers',
      'range',
      [node('range'), node('weighted', { handlers: [] }), node('weighted', { handlers: [] })],
    ],
    ['our own where nobody is there', 'weighted', []],
  ])('is %s', (_, expected, nodes) => {
    const { name, strategy } = strategyInForce(among(...nodes), STRATEGIES.weighted);
    expect(name).toBe(expected);
    expect(strategy).toBe(STRATEGIES[expected as keyof typeof STRATEGIES]);
  });

  it('of the library everybody has', () => {
    const { has } = strategyInForce(among(node('range')), mine);
    expect(['range', 'mine', undefined].map((name) => has(node(name)))).toEqual([true, true, true]);
  });

  it('of an application only those have that are configured with it', () => {
    const ofOthers = strategyInForce(among(node('mine'), node('mine'), node()), STRATEGIES['consistent-hash']);
    expect(ofOthers).toMatchObject({ name: 'mine' });
    expect(ofOthers.strategy).toBeUndefined();
    expect(['mine', undefined].map((name) => ofOthers.has(node(name)))).toEqual([true, false]);
    expect(strategyInForce(among(node('mine')), mine).strategy).toBe(mine);
  });
});
