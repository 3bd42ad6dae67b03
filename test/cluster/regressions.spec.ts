import { afterEach, describe, expect, it } from '@jest/globals';
import { MemoryRegistry } from '../../lib/adapters/memory/memory-registry.js';
import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import { guardRegistry } from '../../lib/core/registry/guarded-registry.js';
import { RegistryRefusedError } from '../../lib/core/registry/registry-errors.js';
import type { TickLoop } from '../../lib/core/scheduler/tick-loop.js';
import type { TestCluster, TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster, untilAborted } from '../support/probe.js';

const DAILY = { cron: '0 0 * * *' };
const EVERY_MINUTE = { cron: '* * * * *' };
const EVERY_SECOND = { cron: '* * * * * *' };

const forEver = (): Promise<void> => new Promise(() => undefined);

/** The node that owns the only task, and one that does not. */
function ownerAndOther({ nodes }: TestCluster): { owner: TestNode; other: TestNode } {
  const owner = nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
  return { owner, other: nodes.find((node) => node !== owner)! };
}

/** The node that made the first start. */
function firstRunner({ cluster, started }: ProbedCluster): TestNode {
  return cluster.nodes.find(({ id }) => id === started[0]!.node)!;
}

/** A handler that takes `ms`, and the greatest number of its calls that were ever under way at once. */
function countedWork(clock: () => TestCluster['clock'], ms: number): { work: () => Promise<void>; most(): number } {
  let going = 0;
  let most = 0;
  const work = (): Promise<void> => {
    most = Math.max(most, ++going);
    return new Promise((end) => {
      clock().setTimer(ms, () => {
        going--;
        end();
      });
    });
  };
  return { work, most: () => most };
}

describe('Orphans', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('a manual run on a node that is not the owner is taken over after that node died', async () => {
    probe = await probedCluster({ nodes: 3 }, ({ attempt }) => (attempt > 1 ? undefined : forEver()));
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: DAILY, recovery: 'rerun' }));
    await cluster.advance('1s');
    const { other } = ownerAndOther(cluster);
    await cluster.during(other.service.runTask('a'));
    await cluster.advance('1s');
    cluster.crash(other);
    await cluster.advance('10m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('the next tick is not skipped because of a manual run whose node died', async () => {
    probe = await probedCluster({ nodes: 3 }, ({ trigger }) => (trigger === 'manual' ? forEver() : undefined));
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: DAILY }));
    await cluster.advance('1s');
    const { other } = ownerAndOther(cluster);
    await cluster.during(other.service.runTask('a'));
    cluster.crash(other);
    await cluster.advance('25h');
    expect(probe.started.map(({ trigger }) => trigger)).toEqual(['manual', 'schedule']);
  });

  it('the late write of a claim that was given up is settled, even where runs may overlap', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const node = cluster.node(0);
    const schedule = { cron: '*/10 * * * * *' };
    await cluster.during(node.service.addTask({ name: 'a', schedule, overlap: 'allow' }));
    await cluster.advance('15s');
    const readUnit = (): { key: string; state: { runs: object[]; cursor: number; seq: number } } => {
      const [unit] = cluster.store.list('test/units/', {}).entries;
      return { key: unit!.key, state: JSON.parse(unit!.value) };
    };
    const { key, state } = readUnit();
    state.runs.push({
      id: 'ghost',
      tick: state.cursor,
      trigger: 'schedule',
      node: node.id,
      boot: node.scheduler.context.node.boot,
      session: 'old',
      attempt: 1,
      claimedAt: 1,
      seq: state.seq,
    });
    cluster.store.write({ key, value: JSON.stringify(state) });
    await cluster.advance('10m');
    expect(readUnit().state.runs).toEqual([]);
  });
});

describe('many units', () => {
  it('that wait to be looked after are let go of at once when their node leaves', async () => {
    const probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, scheduler } = cluster.node(0);
    const { loop } = scheduler as unknown as { loop: TickLoop };
    const tasks = Array.from({ length: 8_000 }, (_, i) => ({ name: `t${i}`, schedule: DAILY }));
    for (let i = 0; i < tasks.length; i += 500) {
      await cluster.during(Promise.all(tasks.slice(i, i + 500).map((task) => service.addTask(task))));
    }
    expect(service.listOwnTasks()).toHaveLength(8_000);
    loop.readoptAll(); // as when a node is gone
    loop.dropAll();
    await cluster.advance('1s');
    expect(loop).toMatchObject({ attending: 0 });
    await cluster.stop();
  }, 60_000);
});

describe('rerun', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('a run that was aborted by a short cut runs again', async () => {
    probe = await probedCluster({ nodes: 2 }, (run) => (probe.started.length > 1 ? undefined : untilAborted(run)));
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: DAILY, recovery: 'rerun' }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1, '25h', 1_000);
    const node = firstRunner(probe);
    node.host.cutLink('requests');
    await cluster.clock.advanceUntil(() => node.service.state === 'rejoining');
    node.host.cutLink('none');
    await cluster.advance('5m');
    expect(probe.started).toHaveLength(2);
  });

  it('a run that was aborted by a shutdown runs again elsewhere', async () => {
    probe = await probedCluster({ nodes: 2, options: { drainTimeoutMs: 5_000 } }, (run) =>
      probe.started.length > 1 ? undefined : untilAborted(run),
    );
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: DAILY, recovery: 'rerun' }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1, '25h', 1_000);
    const node = firstRunner(probe);
    cluster.nodes.splice(cluster.nodes.indexOf(node), 1);
    await cluster.during(node.service.stop());
    await cluster.advance('5m');
    expect(probe.started).toHaveLength(2);
    expect(probe.started[1]!.node).not.toBe(node.id);
  });

  it('a run that was claimed ahead of its tick by a node that froze runs once', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: { delay: '25s' }, recovery: 'rerun' }));
    await cluster.clock.advanceUntil(() => service.listRunning().length === 1, '1m', 1);
    host.freeze();
    await cluster.advance('30s');
    host.unfreeze();
    await cluster.advance('60s');
    expect(probe.started).toHaveLength(1);
  });

  it.each([
    ['once', { delay: '5s' as const }],
    ['again and again', { cron: '5 0 0 * * *' }],
  ])('an orphan of a task that runs %s and is paused meanwhile runs again', async (_, schedule) => {
    probe = await probedCluster({ nodes: 3 }, ({ attempt }) => (attempt > 1 ? undefined : forEver()));
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule, recovery: 'rerun' }));
    await cluster.advance('6s');
    cluster.crash(firstRunner(probe));
    await cluster.during(cluster.node(0).service.pauseTask('a'));
    await cluster.advance('30s');
    await cluster.during(cluster.node(0).service.resumeTask('a'));
    await cluster.advance('10m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('two processes with one id never run a long task twice at once', async () => {
    const counted = countedWork(() => probe.cluster.clock, 120_000);
    probe = await probedCluster({ nodes: 0 }, counted.work);
    const { cluster } = probe;
    const twins = [cluster.makeNode({ id: 'same' }), cluster.makeNode({ id: 'same' })];
    for (const { service } of twins) void service.start();
    await cluster.advance('1s');
    await cluster.during(twins[0]!.service.addTask({ name: 'a', schedule: EVERY_MINUTE, recovery: 'rerun' }));
    await cluster.advance('5m');
    expect(counted.most()).toBe(1);
  });

  it('a retry waits until the attempt that timed out has ended', async () => {
    const counted = countedWork(() => probe.cluster.clock, 60_000);
    probe = await probedCluster({ nodes: 1 }, counted.work);
    const { cluster } = probe;
    const retry = { attempts: 3, backoff: 'fixed' as const };
    const task = { name: 'a', schedule: { delay: '1s' as const }, timeout: '3s' as const, retry };
    await cluster.during(cluster.node(0).service.addTask(task));
    await cluster.advance('60s');
    expect(counted.most()).toBe(1);
  });
});

describe('Deploys', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('only one of two processes with one id that start together works', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const twins = [cluster.makeNode({ id: 'same' }), cluster.makeNode({ id: 'same' })];
    for (const { service } of twins) void service.start();
    await cluster.advance('2m');
    expect(twins.filter(({ service }) => service.state === 'working')).toHaveLength(1);
  });

  it('an old version that rejoins does not undo what the new one declared', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const deploy = async (seconds: number): Promise<TestNode> => {
      const node = cluster.makeNode({});
      const schedule = { cron: `*/${seconds} * * * * *` };
      await node.service.defineTask({ name: 's', schedule, run: () => undefined });
      await cluster.settle([node]);
      return node;
    };
    const before = await deploy(10);
    const after = await deploy(20);
    const declared = { schedule: { cron: '*/20 * * * * *' } };
    expect(after.service.getTask('s')).toMatchObject(declared);
    cluster.store.endSession(before.scheduler.membership.keeper.session!.id);
    await cluster.advance('20s');
    cluster.nodes.splice(0, 1);
    await cluster.during(before.service.stop());
    await cluster.advance('60s');
    expect(after.service.getTask('s')).toMatchObject(declared);
  });

  it('what an operator put over a static task survives a rejoin of the same code', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const node = cluster.makeNode({});
    await node.service.defineTask({ name: 's', schedule: { cron: '*/10 * * * * *' }, run: () => undefined });
    await cluster.settle([node]);
    await cluster.during(node.service.putTask({ name: 's', schedule: { cron: '*/30 * * * * *' } }));
    cluster.store.endSession(node.scheduler.membership.keeper.session!.id);
    await cluster.advance('20s');
    expect(node.service.getTask('s')).toMatchObject({ schedule: { cron: '*/30 * * * * *' } });
  });

  it('a default handler does not take a static task that its version does not have', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const ran: string[] = [];
    const node = cluster.makeNode({ id: 'new' });
    for (let i = 0; i < 9; i++) {
      const run = ({ nodeId }: TaskRun): void => void ran.push(nodeId);
      await node.service.defineTask({ name: `s${i}`, schedule: EVERY_SECOND, run });
    }
    await cluster.settle([node]);
    await cluster.advance('5s');
    expect(probe.started).toEqual([]);
    expect(new Set(ran)).toEqual(new Set(['new']));
  });

  it('a static task that is purged after its only run does not run again with each deploy', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    let ran = 0;
    for (let i = 0; i < 3; i++) {
      const node = cluster.makeNode({});
      const run = (): void => void ran++;
      await node.service.defineTask({ name: 's', schedule: { delay: '5s' }, afterRun: 'purge', run });
      await cluster.settle([node]);
      await cluster.advance('30s');
    }
    expect(ran).toBe(1);
  });

  it('a task declared while its node joins is declared all the same', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const { service, scheduler } = cluster.makeNode({});
    const join = scheduler.onJoining;
    scheduler.onJoining = async () => {
      await join();
      await service.defineTask({ name: 's', schedule: EVERY_SECOND, run: () => undefined });
    };
    await cluster.settle(cluster.nodes);
    await cluster.advance('2m');
    expect(service.getTask('s')).toBeDefined();
  });

  it('a crashed node with an id of its own comes back although its old session is longer than its patience', async () => {
    const options = { startupTimeoutMs: 10_000, cluster: { ttlMs: 20_000, heartbeatMs: 6_600 } };
    probe = await probedCluster({ nodes: 0, options });
    const { cluster } = probe;
    await cluster.join({ id: 'web-0' });
    await cluster.advance('7s');
    cluster.crash(cluster.node(0));
    const { service } = cluster.makeNode({ id: 'web-0' });
    await cluster.during(service.start());
    expect(service.state).toBe('working');
  });

  it('a node does not work in a cluster of another protocol', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    cluster.store.write({ key: 'test/cluster', value: JSON.stringify({ protocol: 2, epoch: 'x' }) });
    const { service } = cluster.makeNode({});
    void service.start();
    await cluster.advance('10s');
    expect(service.state).not.toBe('working');
  });
});

describe('A registry that fails', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('gets its tasks back although the link broke half-way through', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: { every: '5s' } }));
    await cluster.advance('11s');
    cluster.store.wipe();
    await cluster.clock.advanceUntil(() => cluster.store.get('test/cluster') !== undefined, '30s', 1);
    host.cutLink('requests');
    await cluster.advance('3s');
    host.cutLink('none');
    await cluster.advance('30s');
    expect(service.listTasks().map(({ name }) => name)).toEqual(['a']);
  });

  it('does not make a node forget the task that is paused right after the loss', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: DAILY }));
    await cluster.advance('4s');
    host.cutLink('watches');
    cluster.store.wipe();
    await cluster.during(service.pauseTask('a').catch(() => undefined)); // it may fail, but must not do harm
    host.cutLink('none');
    await cluster.advance('60s');
    expect(service.listTasks().map(({ name }) => name)).toEqual(['a']);
  });

  it('loses one unit alone, and no tick of it runs again', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const task = { name: 'a', schedule: { every: '10s' as const }, misfire: 'fire-all' as const };
    await cluster.during(cluster.node(0).service.addTask(task));
    await cluster.advance('45s');
    cluster.crash(ownerAndOther(cluster).owner);
    const [unit] = cluster.store.list('test/units/', {}).entries;
    cluster.store.write({ key: unit!.key });
    await cluster.advance('60s');
    const ticks = probe.of('a').map(({ tick }) => tick);
    expect(ticks.length).toBeGreaterThan(4);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  it('refuses a read while a start is in doubt, and the task goes on', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, scheduler, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: { cron: '25 * * * * *' } }));
    await cluster.clock.advanceUntil(() => service.listRunning().length === 1, '1m', 1);
    const { registry } = scheduler.context;
    const get = registry.get.bind(registry);
    let reads = 0;
    registry.get = async (key, options) => {
      if (key.startsWith('units/') && reads++ === 0) throw new RegistryRefusedError('NOAUTH');
      return get(key, options);
    };
    host.skewMs = 400; // a step of the clock: the start is in doubt
    await cluster.advance('10m');
    expect(reads).toBeGreaterThan(0);
    expect(probe.started.length).toBeGreaterThan(5);
  });

  it('answers a list late, and no node that joined meanwhile is taken for gone', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, scheduler } = cluster.node(0);
    const { registry } = scheduler.context;
    const list = registry.list.bind(registry);
    registry.list = async (prefix, page) => {
      const answer = await list(prefix, page);
      if (prefix === 'nodes/') await new Promise<void>((end) => cluster.clock.setTimer(300, end));
      return answer;
    };
    const left: string[] = [];
    service.nodeEvents$.subscribe(({ type }) => type === 'node.left' && left.push(type));
    await cluster.advance(29_880); // the next list of all nodes begins soon
    for (let i = 0; i < 6; i++) await cluster.join();
    await cluster.advance('2s');
    expect(left).toEqual([]);
  });

  it('is away, and a node whose run has ended stops in good time', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: { cron: '*/10 * * * * *' } }));
    await cluster.clock.advanceUntil(() => service.listRunning().length === 1, '1m', 1);
    host.cutLink('requests');
    await cluster.advance('2s');
    expect(probe.started).toHaveLength(1);
    const asked = cluster.clock.now();
    await cluster.during(service.stop());
    cluster.nodes.splice(0, 1);
    expect(cluster.clock.now() - asked).toBeLessThan(15_000);
  });
});

describe('Limits', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('a record that is too large does not break the other writes of its batch', async () => {
    const errors: { message: string; data: object | undefined }[] = [];
    probe = await probedCluster({ nodes: 0 }, ({ task }) => {
      if (task === 'big') throw new Error('x'.repeat(2_000_000));
    });
    const { cluster } = probe;
    const inner = new MemoryRegistry({ store: cluster.store });
    Object.assign(inner.capabilities, { maxValueBytes: 1024 * 1024 });
    const registry = guardRegistry(inner, { clock: cluster.clock });
    const logger = { ...SILENT_LOGGER, error: (message: string, data?: object) => void errors.push({ message, data }) };
    const { service } = await cluster.join({ options: { registry, logger } });
    for (const name of ['big', 'b', 'c', 'd']) {
      await cluster.during(service.addTask({ name, schedule: { cron: '*/10 * * * * *' } }));
    }
    await cluster.advance('65s');
    expect(errors.filter(({ message }) => !message.startsWith('Task "big"'))).toEqual([]);
    expect(probe.of('b').length).toBe(probe.of('c').length);
    expect(probe.of('b').length).toBeGreaterThanOrEqual(6);
  });

  it('nothing is left of tasks that are purged after their run, in the registry or in memory', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster } = probe;
    for (let i = 0; i < 60; i++) {
      const { service } = cluster.node(i % 3);
      await cluster.during(service.addTask({ name: `j${i}`, schedule: 'now', afterRun: 'purge' }));
    }
    await cluster.advance('2m');
    expect(cluster.store.list('test/units/', {}).entries).toEqual([]);
    const sizes = cluster.nodes.map(({ scheduler }) => {
      const { known, floors, lines } = scheduler.context.units as unknown as Record<
        'known' | 'floors' | 'lines',
        Map<string, unknown>
      >;
      return [known.size, floors.size, lines.size];
    });
    expect(sizes).toEqual(Array(3).fill([0, 0, 0]));
  });
});
