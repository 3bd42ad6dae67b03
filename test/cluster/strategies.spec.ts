import { afterEach, describe, expect, it } from '@jest/globals';
import type { AssignmentStrategy } from '../../lib/core/assignment/assignment-strategy.js';
import { STRATEGIES, type StrategyName } from '../../lib/core/assignment/strategy-table.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const TASKS = Array.from({ length: 24 }, (_, i) => `task-${i}`);
const START = Date.UTC(2030, 0);

let probe: ProbedCluster;
let warnings: string[];

async function cluster(strategy: AssignmentStrategy, nodes = 3): Promise<void> {
  warnings = [];
  const logger = { log() {}, debug() {}, error() {}, warn: (message: string) => void warnings.push(message) };
  probe = await probedCluster({ nodes, logger, options: { strategy } });
  for (const task of TASKS) await probe.add(task, {}, { cron: '*/10 * * * * *' });
}

const loads = (): number[] => probe.cluster.nodes.map(({ service }) => service.listOwnTasks().length);

/** Every task was started at every tick up to now, once. */
function expectEachOnce(): void {
  const ticks = Math.floor((probe.cluster.clock.now() - START) / 10_000);
  const expected = Array.from({ length: ticks }, (_, i) => START + (i + 1) * 10_000);
  for (const task of TASKS) expect(probe.of(task).map(({ tick }) => tick)).toEqual(expected);
}

async function leave(node: TestNode): Promise<void> {
  await probe.cluster.during(node.service.stop());
}

describe.each(Object.keys(STRATEGIES) as StrategyName[])('%s', (name) => {
  afterEach(() => probe.cluster.stop());

  it('runs every tick once while nodes come, go and change their weight', async () => {
    await cluster(STRATEGIES[name]);
    await probe.cluster.advance('15s');
    await probe.cluster.join();
    await probe.cluster.advance('20s');
    await probe.cluster.during(probe.cluster.node(1).service.setWeight(0));
    await probe.cluster.advance('20s');
    expect(loads()[1]).toBe(0);
    await leave(probe.cluster.node(0));
    await probe.cluster.advance('20s');
    await probe.cluster.during(probe.cluster.node(1).service.setWeight(3));
    await probe.cluster.advance('20s');
    expect(loads().reduce((sum, load) => sum + load, 0)).toBe(TASKS.length);
    expectEachOnce();
  });
});

describe('A deploy that changes the strategy', () => {
  afterEach(() => probe.cluster.stop());

  it('loses no tick and doubles none, whatever is mixed meanwhile', async () => {
    await cluster(STRATEGIES['consistent-hash']);
    await probe.cluster.advance('15s');
    for (const node of [...probe.cluster.nodes]) {
      await probe.cluster.join({ options: { strategy: STRATEGIES.range } });
      await probe.cluster.advance('13s');
      await leave(node);
      await probe.cluster.advance('13s');
    }
    expectEachOnce();
    const inOrder = [...TASKS].sort();
    for (const { service } of probe.cluster.nodes.filter((node) => node.service.state === 'working')) {
      const own = service.listOwnTasks().map(({ name }) => name);
      const from = inOrder.indexOf(own.sort()[0]!);
      expect(own).toEqual(inOrder.slice(from, from + TASKS.length / 3)); // a stretch each
    }
    expect(warnings.filter((message) => message.includes('shared out by'))).not.toEqual([]);
  });

  it('gives nothing to nodes that do not have the one in force', async () => {
    const first: AssignmentStrategy = {
      name: 'first',
      independent: true,
      assign: (units, candidates) => {
        const [node] = candidates.map(({ nodeId }) => nodeId).sort();
        return new Map(node === undefined ? [] : units.map((unit) => [unit, node]));
      },
    };
    await cluster(first);
    await probe.cluster.join({ id: 'a', options: { strategy: STRATEGIES.weighted } });
    await probe.cluster.advance('25s');
    expect(loads()).toEqual([TASKS.length, 0, 0, 0]);
    expect(warnings).toContainEqual(
      'Tasks are shared out by "first", as most nodes are configured; this node has "weighted" in its option assignment, and lacks that: it is given no task',
    );
    expectEachOnce();
  });
});
