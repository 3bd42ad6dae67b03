import { afterEach, describe, expect, it } from '@jest/globals';
import type { LoggerPort } from '../../lib/core/common/logger.js';
import type { SchedulerEvent } from '../../lib/core/events/scheduler-events.js';
import { TestCluster, type TestClusterOptions, type TestNode } from '../../lib/testing/cluster/test-cluster.js';

const HOURLY = { cron: '0 * * * *' };
const PRUNE_MS = 7_200_000;
const TOLD = 'Task "old" is declared in code, and no node has that code any more';

describe('A static task that no node declares any more', () => {
  let cluster: TestCluster;
  let warnings: string[];
  afterEach(() => cluster.stop());

  async function begin(options: TestClusterOptions['options'] = {}): Promise<void> {
    warnings = [];
    const logger: LoggerPort = {
      debug: () => undefined,
      log: () => undefined,
      warn: (text) => void warnings.push(text),
      error: (text) => void warnings.push(text),
    };
    cluster = await TestCluster.start({ nodes: 0, logger, options: { orphanPruneAfterMs: PRUNE_MS, ...options } });
  }

  /** A node whose code declares these tasks. */
  async function deploy(id: string, ...tasks: string[]): Promise<TestNode> {
    const node = cluster.makeNode({ id });
    for (const name of tasks) await node.service.defineTask({ name, schedule: HOURLY, run: () => undefined });
    await cluster.settle([node]);
    return node;
  }

  const leave = async (node: TestNode): Promise<void> => {
    await cluster.during(node.service.stop());
    cluster.nodes.splice(cluster.nodes.indexOf(node), 1);
  };
  const since = ({ service }: TestNode, task = 'old'): Date | undefined => service.getTask(task)?.orphanedSince;
  const documents = (task: string): string[] =>
    ['tasks/', 'units/', 'history/']
      .flatMap((kind) => cluster.store.list(`test/${kind}${task}`, {}).entries)
      .map(({ key }) => key);

  it('is marked after it was missing at two resyncs, told of once, by one node, on all of them', async () => {
    await begin();
    const first = await deploy('a', 'old', 'kept');
    const [b, c] = [await deploy('b', 'kept'), await deploy('c', 'kept')];
    const events: [string, SchedulerEvent][] = [];
    for (const node of [b, c]) node.service.taskEvents$.subscribe((event) => events.push([node.id, event]));
    await leave(first);
    const left = cluster.clock.now();
    await cluster.advance('29s');
    expect([since(b), since(c)]).toEqual([undefined, undefined]);
    await cluster.advance('35s');
    const marked = since(b)!;
    expect(marked.getTime()).toBeGreaterThan(left + 30_000);
    expect(since(c)).toEqual(marked);
    expect([since(b, 'kept'), since(c, 'kept')]).toEqual([undefined, undefined]);
    await cluster.advance('1h');
    const told = { task: 'old', state: 'active', since: marked.getTime() };
    for (const node of [b, c]) {
      const own = events.filter(([id, { type }]) => id === node.id && type === 'task.orphaned');
      expect(own.map(([, { data }]) => data)).toEqual([told]);
    }
    expect(warnings.filter((line) => line === TOLD)).toHaveLength(1);
  });

  it('is purged with every trace after the time the option gives it, and not before', async () => {
    await begin();
    const first = await deploy('a', 'old', 'kept');
    await cluster.advance('3h');
    const b = await deploy('b', 'kept');
    await leave(first);
    await cluster.advance('2m');
    const marked = since(b)!.getTime();
    await cluster.advance(marked + PRUNE_MS - cluster.clock.now() - 1);
    expect(since(b)?.getTime()).toBe(marked);
    expect(documents('old').length).toBeGreaterThan(3);
    await cluster.advance('61s');
    expect(b.service.getTask('old')).toBeUndefined();
    expect(documents('old')).toEqual([]);
    expect(documents('kept').length).toBeGreaterThan(3);
  });

  it('is kept for ever where the option says so', async () => {
    await begin({ orphanPruneAfterMs: undefined });
    const first = await deploy('a', 'old');
    const b = await deploy('b', 'kept');
    await leave(first);
    await cluster.advance('12h');
    expect(since(b)).toBeDefined();
  });

  it('is no orphan any more once a node declares it, and goes on with its state', async () => {
    await begin();
    const first = await deploy('a', 'old');
    const b = await deploy('b', 'kept');
    await cluster.during(b.service.pauseTask('old', { note: 'by me' }));
    await leave(first);
    await cluster.advance('110m');
    expect(since(b)).toBeDefined();
    const again = await deploy('c', 'old');
    expect([since(again), since(b)]).toEqual([undefined, undefined]);
    await cluster.advance('12h');
    expect(b.service.getTask('old')).toMatchObject({ state: 'paused', note: 'by me' });
  });

  it('is never purged while a node has its code, also where the mark was missed: it is taken back at a resync', async () => {
    await begin();
    const first = await deploy('a', 'old');
    const b = await deploy('b', 'kept');
    const { writer } = b.scheduler;
    // as a node does that has not heard of the first one yet
    await cluster.during(writer.change('old', (doc) => doc && { ...doc, orphanedSince: 1 }));
    expect(since(first)?.getTime()).toBe(1);
    await cluster.advance('31s');
    expect([since(first), since(b)]).toEqual([undefined, undefined]);
  });

  it('goes neither as a tombstone nor where only observers are left, and a dynamic task never', async () => {
    await begin();
    const first = await deploy('a', 'old', 'dead');
    await cluster.during(first.service.deleteTask('dead'));
    await cluster.during(first.service.addTask({ name: 'dynamic', handler: 'old', schedule: HOURLY }));
    const watching = cluster.makeNode({ id: 'w', options: { node: { role: 'observer' } } });
    await cluster.settle([watching]);
    await leave(first);
    await cluster.advance('6h');
    expect(since(watching)).toBeUndefined();
    expect(warnings).not.toContain(TOLD);
    const b = await deploy('b', 'kept');
    await cluster.advance('6h');
    expect(b.service.listTasks().map(({ name }) => name)).toEqual(['dynamic', 'kept']);
    expect(since(b, 'dynamic')).toBeUndefined();
    expect(b.service.listTasks({ state: 'deleted' }).map(({ name }) => name)).toEqual(['dead']);
  });

  it('is given its time anew when it was deleted as an orphan and is restored', async () => {
    await begin();
    const first = await deploy('a', 'old');
    const b = await deploy('b', 'kept');
    await leave(first);
    await cluster.advance('2m');
    await cluster.during(b.service.deleteTask('old'));
    await cluster.advance('6h');
    await cluster.during(b.service.restoreTask('old'));
    await cluster.advance('2m');
    expect(cluster.clock.now() - since(b)!.getTime()).toBeLessThan(120_000);
  });

  it('is declared anew by a node that comes up while it is being purged', async () => {
    await begin();
    const first = await deploy('a', 'old');
    const b = await deploy('b', 'kept');
    await leave(first);
    await cluster.advance('2m');
    // the node hears of no change from when it has listed the tasks: it knows the task, which is gone already
    const late = cluster.makeNode({ id: 'c' });
    await late.service.defineTask({ name: 'old', schedule: HOURLY, run: () => undefined });
    const { onJoining } = late.scheduler;
    late.scheduler.onJoining = async () => {
      late.host.cutLink('watches');
      if (late.service.state !== 'working') await b.scheduler.writer.purge('old');
      await onJoining();
    };
    await cluster.settle([late]);
    late.host.cutLink('none');
    await cluster.advance('5s');
    expect(b.service.getTask('old')).toMatchObject({ state: 'active' });
    expect(since(b)).toBeUndefined();
    expect(documents('old')).toHaveLength(2);
  });
});
