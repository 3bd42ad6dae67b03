import { afterEach, describe, expect, it } from '@jest/globals';
import type { Handler, TaskRun } from '../../lib/core/execution/task-run.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster, type Started } from '../support/probe.js';

const NOON = { cron: '0 12 * * *' };

let probe: ProbedCluster;
let work: (run: TaskRun) => unknown;
let handler: Handler;
let made = 0;
afterEach(() => probe.cluster.stop());

/** No node yet. */
async function empty(): Promise<void> {
  work = () => undefined;
  probe = await probedCluster({ nodes: 0 }, (run) => work(run) as void);
  const { scheduler } = probe.cluster.makeNode({ id: 'never started' });
  handler = scheduler.handlers.find({ handler: '*', source: 'dynamic' })!.handler; // a static task has no default handler
  probe.cluster.nodes.pop();
}

/** A node id of its own for each: a process that restarts has another one. Its registry is some way off. */
function makeNode(options: { version?: string } = {}): TestNode {
  const node = probe.cluster.makeNode({ id: `node-${++made}`, options });
  node.host.fate = () => ({ lateMs: 2 });
  return node;
}

interface Deploy {
  count?: number;
  version?: string;
  /** What its code declares; a task `a` by default. */
  declares?: Partial<TaskInput>;
}

const CLUSTER: Partial<TaskInput> = { runOnStart: 'cluster' };
const VERSION: Partial<TaskInput> = { runOnStart: 'version' };

/** Nodes of one deploy, all at once. */
async function up({ count = 3, version, declares = CLUSTER }: Deploy = {}): Promise<TestNode[]> {
  const { cluster } = probe;
  const nodes = Array.from({ length: count }, () => makeNode(version ? { version } : {}));
  for (const { service } of nodes) await service.defineTask({ name: 'a', schedule: NOON, run: handler, ...declares });
  await cluster.settle(nodes);
  await cluster.advance('5s');
  return nodes;
}

/** They leave as told, one after the other. */
async function down(nodes: readonly TestNode[]): Promise<void> {
  const { cluster } = probe;
  for (const node of nodes) {
    await cluster.during(node.service.stop());
    cluster.nodes.splice(cluster.nodes.indexOf(node), 1);
  }
}

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));
const starts = (): Started[] => probe.started.filter(({ trigger }) => trigger === 'start');
const owner = (): TestNode => probe.cluster.nodes.find(({ service }) => service.listOwnTasks().length > 0)!;

/** A new task with a start run; the node that owns it crashes at its `nth` step from when the task is added. */
async function ownerDiesAt(nth: number, recovery: 'none' | 'rerun'): Promise<{ struck: boolean; runs: Started[] }> {
  await empty();
  work = () => pass(500);
  const [first] = await up({ declares: { name: 'other' } });
  await during(first!.service.addTask({ name: 'a', schedule: NOON, disabled: true }));
  await probe.cluster.advance('1s');
  const owns = ({ service }: TestNode): boolean => service.listOwnTasks().some(({ name }) => name === 'a');
  const doomed = probe.cluster.nodes.find(owns)!;
  await during(first!.service.purgeTask('a'));
  const from = doomed.host.steps;
  let struck = false;
  doomed.host.onStep = (step) => {
    if (step !== from + nth) return;
    struck = true;
    probe.cluster.crash(doomed);
  };
  const { service } = probe.cluster.nodes.find((node) => node !== doomed)!;
  await during(service.addTask({ name: 'a', schedule: NOON, recovery, ...CLUSTER }));
  await probe.cluster.advance('3s');
  delete doomed.host.onStep;
  await probe.cluster.advance('1m');
  return { struck, runs: probe.of('a') };
}

describe("runOnStart 'cluster'", () => {
  it.each([1, 3, 7])('%i nodes up at once: one run, without a tick', async (count) => {
    await empty();
    await up({ count });
    await probe.cluster.advance('5m');
    expect(starts()).toHaveLength(1);
    expect(starts()[0]!.tick).toBeUndefined();
    expect(starts()[0]!.run.trigger).toBe('start');
    expect(await during(owner().service.listRuns({ task: 'a' }))).toMatchObject([
      { trigger: 'start', outcome: 'succeeded' },
    ]);
  });

  it('nodes that come up one after the other, and restarts of some: none', async () => {
    await empty();
    const [first] = await up({ count: 1 });
    await up({ count: 1 });
    await up({ count: 1 });
    await down([first!]);
    await up({ count: 1 });
    for (let i = 0; i < 4; i++) {
      probe.cluster.crash(owner());
      await probe.cluster.advance('30s');
      await up({ count: 1 });
    }
    expect(starts()).toHaveLength(1);
  });

  it('all down, then up again: one more each time', async () => {
    await empty();
    for (let n = 1; n <= 3; n++) {
      await down(await up());
      await probe.cluster.advance('1m');
      expect(starts()).toHaveLength(n);
    }
    const nodes = await up();
    for (const node of nodes) probe.cluster.crash(node);
    await probe.cluster.advance('1m');
    await up();
    expect(starts()).toHaveLength(5);
  });

  it('a rolling deploy, old ones leaving one by one while new ones come: none', async () => {
    await empty();
    const old = await up();
    for (const node of old) {
      await up({ count: 1 });
      await down([node]);
    }
    await probe.cluster.advance('1m');
    expect(starts()).toHaveLength(1);
  });

  it.each([1, 3])('%i nodes cut off for longer than their sessions, and back: none', async (count) => {
    await empty();
    const nodes = await up({ count });
    for (const { host } of nodes) host.cutLink('requests');
    await probe.cluster.advance('1m');
    for (const { host } of nodes) host.cutLink('none');
    await probe.cluster.clock.advanceUntil(() => nodes.every(({ service }) => service.state === 'working'));
    await probe.cluster.advance('2m');
    expect(starts()).toHaveLength(1);
  });

  it('a frozen single node thaws after its session: none', async () => {
    await empty();
    const [node] = await up({ count: 1 });
    node!.host.freeze();
    await probe.cluster.advance('1m');
    node!.host.unfreeze();
    await probe.cluster.advance('2m');
    expect(node!.service.state).toBe('working');
    expect(starts()).toHaveLength(1);
  });

  it('nodes that come up against a registry member that lags behind: none', async () => {
    await empty();
    void probe.cluster.replica;
    const [node] = await up({ count: 1 });
    const names = ['b', 'c', 'd', 'e'];
    for (const name of names) await during(node!.service.addTask({ name, schedule: NOON, ...CLUSTER }));
    await probe.cluster.advance('1s');
    const late = Array.from({ length: 3 }, () => makeNode());
    for (const { host } of late) host.staleMs = 30_000; // older than the first node
    await probe.cluster.settle(late);
    await probe.cluster.advance('2m');
    expect(late.flatMap(({ service }) => service.listOwnTasks())).not.toEqual([]);
    expect(starts()).toHaveLength(1 + names.length);
  });

  it('a start of all with a changed schedule in the code: one run, as of any other start', async () => {
    await empty();
    await down(await up());
    await up({ declares: { ...CLUSTER, schedule: { cron: '0 13 * * *' } } });
    expect(starts()).toHaveLength(2);
  });

  it('a new task runs at once, a resumed one does not', async () => {
    await empty();
    const nodes = await up({ declares: { name: 'other' } });
    await probe.cluster.advance('5m');
    const { service } = nodes[1]!;
    await during(service.addTask({ name: 'a', schedule: NOON, ...CLUSTER }));
    await during(service.addTask({ name: 'b', schedule: NOON, ...CLUSTER, disabled: true }));
    await probe.cluster.advance('1s');
    expect(starts().map(({ task }) => task)).toEqual(['a']);
    await during(service.pauseTask('a'));
    await during(service.resumeTask('a'));
    await during(service.resumeTask('b'));
    await during(service.updateSchedule('a', { cron: '0 13 * * *' }));
    await probe.cluster.advance('2m');
    expect(starts()).toHaveLength(1);
  });

  it.each(['pauseTask', 'cancelTask', 'deleteTask'] as const)(
    'after %s: none, also not on the way back',
    async (halt) => {
      await empty();
      const before = await up();
      await probe.cluster.during<unknown>(before[0]!.service[halt]('a'));
      await down(before);
      const [node] = await up();
      await probe.cluster.advance('1m');
      expect(starts()).toHaveLength(1);
      const { service } = node!;
      await (halt === 'deleteTask' ? during(service.restoreTask('a')) : during(service.resumeTask('a')));
      await up({ count: 1 });
      await probe.cluster.advance('1m');
      expect(starts()).toHaveLength(1);
      await down([...probe.cluster.nodes]);
      await up();
      expect(starts()).toHaveLength(2);
    },
  );

  it('the ticks go on as if it had not been', async () => {
    await empty();
    await up({ declares: { ...CLUSTER, schedule: { cron: '* * * * *' } } });
    await probe.cluster.advance('5m');
    const ticks = probe.started.filter(({ trigger }) => trigger === 'schedule');
    expect(ticks.map(({ at, tick }) => at - tick!)).toEqual([0, 0, 0, 0, 0]);
    expect(starts()).toHaveLength(1);
  });

  it.each([
    ['skip', 20_000],
    ['allow', 0],
  ] as const)("with overlap '%s' it starts %i ms after the beginning of the run in its way", async (overlap, after) => {
    await empty();
    const [node, other] = await up({ count: 2, declares: { name: 'other' } });
    work = () => pass(20_000);
    await during(node!.service.addTask({ name: 'a', schedule: NOON, overlap }));
    await during(other!.service.runTask('a'));
    await during(node!.service.putTask({ name: 'a', schedule: NOON, overlap, ...CLUSTER }));
    await probe.cluster.advance('2m');
    expect(starts()).toHaveLength(1);
    const [manual] = probe.started;
    expect(starts()[0]!.at - manual!.at).toBeGreaterThanOrEqual(after);
    expect(starts()[0]!.at - manual!.at).toBeLessThan(after + 35_000);
  });

  it.each(['none', 'rerun'] as const)(
    "with recovery '%s' the owner dies at any step from the claim on",
    async (recovery) => {
      for (let nth = 1; ; nth++) {
        const { struck, runs } = await ownerDiesAt(nth, recovery);
        expect({ nth, ids: new Set(runs.map(({ run }) => run.id)).size <= 1 }).toEqual({ nth, ids: true });
        if (recovery === 'none') expect(runs.length).toBeLessThanOrEqual(1);
        else expect({ nth, ran: runs.length > 0 }).toEqual({ nth, ran: true });
        if (!struck) return expect(nth).toBeGreaterThan(10);
        await probe.cluster.stop();
      }
    },
  );

  it('the registry loses its data: no storm of runs', async () => {
    await empty();
    const [node] = await up();
    for (const name of ['b', 'c', 'd']) await during(node!.service.addTask({ name, schedule: NOON, ...CLUSTER }));
    await probe.cluster.advance('10s');
    expect(starts()).toHaveLength(4);
    probe.cluster.store.wipe();
    await probe.cluster.advance('2m');
    await up({ count: 2 });
    probe.cluster.crash(owner());
    await probe.cluster.advance('1m');
    expect(starts()).toHaveLength(4);
  });

  it('the registry loses its data while a node comes up: no storm of runs', async () => {
    await empty();
    const [node] = await up({ count: 2 });
    for (const name of ['b', 'c', 'd']) await during(node!.service.addTask({ name, schedule: NOON, ...CLUSTER }));
    await probe.cluster.advance('10s');
    probe.cluster.store.wipe();
    await up({ count: 1 });
    await probe.cluster.advance('2m');
    expect(starts().filter(({ task }) => task !== 'a')).toHaveLength(3);
  });

  it('the record of the life alone is lost: nothing starts on the nodes that come', async () => {
    await empty();
    const [node] = await up();
    for (const name of ['b', 'c', 'd']) await during(node!.service.addTask({ name, schedule: NOON, ...CLUSTER }));
    probe.cluster.store.write({ key: 'test/life' });
    await up();
    await probe.cluster.advance('1m');
    expect(starts()).toHaveLength(4);
  });
});

describe("runOnStart 'version'", () => {
  it('one run for each version, whichever comes back', async () => {
    await empty();
    const v1 = await up({ version: '1', declares: VERSION });
    expect(starts()).toHaveLength(1);
    await down(v1);
    const again = await up({ version: '1', declares: VERSION });
    expect(starts()).toHaveLength(1);
    await down(again);
    const v2 = await up({ version: '2', declares: VERSION });
    expect(starts()).toHaveLength(2);
    await down(v2);
    await up({ version: '1', declares: VERSION });
    await probe.cluster.advance('1m');
    expect(starts()).toHaveLength(2);
  });

  it('a rolling deploy, back and forth: one run for the new version', async () => {
    await empty();
    let current = await up({ version: '1', declares: VERSION });
    for (const version of ['2', '1', '2']) {
      const next: TestNode[] = [];
      for (const node of current) {
        next.push(...(await up({ count: 1, version, declares: VERSION })));
        await down([node]);
      }
      current = next;
    }
    await probe.cluster.advance('1m');
    expect(starts()).toHaveLength(2);
    expect(starts()[1]!.node).not.toBe(starts()[0]!.node);
  });

  it('a new version that also changes the schedule runs once', async () => {
    await empty();
    await down(await up({ version: '1', declares: VERSION }));
    await up({ version: '2', declares: { ...VERSION, schedule: { cron: '0 13 * * *' } } });
    expect(starts()).toHaveLength(2);
  });

  it('a task that was paused during the deploy: none, also not when nodes of the version restart', async () => {
    await empty();
    const [v1] = await up({ count: 1, version: '1', declares: VERSION });
    await during(v1!.service.pauseTask('a'));
    await down([v1!]);
    const [v2] = await up({ count: 1, version: '2', declares: VERSION });
    await during(v2!.service.resumeTask('a'));
    await probe.cluster.advance('1m');
    expect(starts()).toHaveLength(1);
    await down([v2!]);
    await up({ count: 1, version: '2', declares: VERSION });
    expect(starts()).toHaveLength(1);
  });

  it('the registry loses its data: none, also not when nodes of the version restart', async () => {
    await empty();
    const nodes = await up({ version: '1', declares: VERSION });
    probe.cluster.store.wipe();
    await probe.cluster.advance('2m');
    for (const node of nodes) {
      await down([node]);
      await up({ count: 1, version: '1', declares: VERSION });
    }
    expect(starts()).toHaveLength(1);
  });

  it('a cluster without versions refuses such a task', async () => {
    await empty();
    const [node] = await up({ count: 1 });
    await expect(during(node!.service.addTask({ name: 'b', schedule: NOON, ...VERSION }))).rejects.toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringContaining("runOnStart: 'version' needs the module option version"),
    });
  });
});
