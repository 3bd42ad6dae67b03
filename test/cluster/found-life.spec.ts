import { afterEach, describe, expect, it } from '@jest/globals';
import type { Write } from '../../lib/core/registry/registry.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster, type Started } from '../support/probe.js';

// What a review found about the life of a cluster, for which `runOnStart: 'cluster'` runs: one test for each.

const SELDOM = { cron: '0 0 1 6 *' };
const TASKS = ['a', 'b', 'c'];

let probe: ProbedCluster;
let work: (run: TaskRun) => unknown;
let made = 0;
afterEach(() => probe.cluster.stop());

async function empty(): Promise<void> {
  work = () => undefined;
  probe = await probedCluster({ nodes: 0 }, (run) => work(run) as void);
}

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));
const starts = (): string[] => runs().map(({ task }) => task);
const runs = (): Started[] => probe.started.filter(({ trigger }) => trigger === 'start');
const life = (): string | undefined => {
  const entry = probe.cluster.store.get('test/life');
  return entry && (JSON.parse(entry.value) as { id: string }).id;
};

function make(role: 'worker' | 'observer' = 'worker'): TestNode {
  const node = probe.cluster.makeNode({ id: `node-${++made}`, options: { node: { role } } });
  node.host.fate = () => ({ lateMs: 2 });
  return node;
}

async function up(role?: 'observer'): Promise<TestNode> {
  const node = make(role);
  await probe.cluster.settle([node]);
  await probe.cluster.advance('5s');
  return node;
}

async function down(...nodes: TestNode[]): Promise<void> {
  for (const node of nodes) {
    await during(node.service.stop());
    probe.cluster.nodes.splice(probe.cluster.nodes.indexOf(node), 1);
  }
}

const put = ({ service }: TestNode, name: string, task: Partial<TaskInput> = {}) =>
  during(service.putTask({ name, schedule: SELDOM, runOnStart: 'cluster', ...task }));

/** The first worker, and tasks that have had their runs for this life. */
async function first(): Promise<TestNode> {
  const node = await up();
  for (const name of TASKS) await put(node, name);
  await probe.cluster.advance('1s');
  expect(starts().sort()).toEqual(TASKS);
  return node;
}

/** The node comes up, and stays as it is before it says that it is at work, until it is let go. */
function startingUntil(node: TestNode): { reached: () => boolean; letGo: () => void } {
  const { registry } = node.scheduler.context;
  const commit = registry.commit.bind(registry);
  let letGo = (): void => undefined;
  let reached = false;
  const gate = new Promise<void>((open) => (letGo = open));
  const isReady = ({ key, value }: Write): boolean =>
    key.endsWith(`nodes/${node.id}`) && value?.includes('"working"') === true;
  registry.commit = async (writes) => {
    if (writes.some(isReady)) {
      reached = true;
      await gate;
    }
    return commit(writes);
  };
  return { reached: () => reached, letGo };
}

describe('One life of the cluster', () => {
  it('goes on with a node that has taken it over and is still starting when the one that began it leaves', async () => {
    await empty();
    const a = await first();
    const began = life();
    const b = make();
    const held = startingUntil(b);
    void b.service.start();
    await probe.cluster.clock.advanceUntil(held.reached);
    await down(a);
    const c = await up();
    expect(b.service.state).not.toBe('working');
    expect(life()).toBe(began);
    held.letGo();
    await probe.cluster.clock.advanceUntil(() => b.service.state === 'working');
    await probe.cluster.advance('1m');
    await down(c);
    await up();
    await probe.cluster.advance('1m');
    expect(life()).toBe(began);
    expect(starts()).toHaveLength(TASKS.length);
  });

  it('goes on with a node that is draining', async () => {
    await empty();
    const a = await first();
    const began = life();
    const b = await up();
    await down(a);
    work = () => pass(20_000);
    await put(b, 'long', { runOnStart: undefined });
    await during(b.service.runTask('long'));
    await probe.cluster.clock.advanceUntil(() => probe.of('long').length === 1);
    void b.service.drain();
    await probe.cluster.advance('1s');
    expect(probe.cluster.nodes).toEqual([b]);
    await up();
    await probe.cluster.advance('1m');
    expect(life()).toBe(began);
    expect(starts()).toHaveLength(TASKS.length);
  });

  it('is neither begun nor kept going by an observer', async () => {
    await empty();
    await up('observer');
    expect(life()).toBeUndefined();
    const workers = [await first(), await up()];
    const began = life();
    expect(began).toBeDefined();
    await up('observer');
    await down(...workers);
    await up();
    await probe.cluster.advance('1m');
    expect(life()).not.toBe(began);
    expect(starts().sort()).toEqual([...TASKS, ...TASKS].sort());
  });

  it('whose document is lost is written again by the next that comes, and nothing starts', async () => {
    await empty();
    const a = await first();
    const began = life();
    probe.cluster.store.write({ key: 'test/life' });
    expect(life()).toBeUndefined();
    await up();
    expect(life()).toBe(began);
    await down(a);
    await up();
    await probe.cluster.advance('1m');
    expect(life()).toBe(began);
    expect(starts()).toHaveLength(TASKS.length);
  });

  it('runs a new task at once, also where the registry has lost its data before', async () => {
    await empty();
    const a = await first();
    await up();
    probe.cluster.store.wipe();
    await probe.cluster.advance('2m');
    expect(starts()).toHaveLength(TASKS.length);
    await during(a.service.addTask({ name: 'new', schedule: SELDOM, runOnStart: 'cluster' }));
    await probe.cluster.advance('1s');
    expect(starts().slice(TASKS.length)).toEqual(['new']);
    await put(a, 'a', { description: 'changed' });
    await up();
    await probe.cluster.advance('1m');
    expect(starts()).toHaveLength(TASKS.length + 1);
  });
});
