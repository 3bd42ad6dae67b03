import { afterEach, describe, expect, it } from '@jest/globals';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const EVERY_MINUTE = { cron: '* * * * *' };

describe('Runs whose node dies', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  async function killRunner(recovery: 'none' | 'rerun'): Promise<void> {
    probe = await probedCluster(
      { nodes: 3 },
      () => new Promise<void>((end) => probe.cluster.clock.setTimer(20_000, end)),
    );
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_MINUTE, recovery }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    await cluster.advance('1s');
    cluster.crash(cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!);
    await cluster.advance('50s');
  }

  it("recovery 'none': the run is recorded as lost and never starts again", async () => {
    await killRunner('none');
    expect(probe.started).toHaveLength(1);
    const [last] = await probe.cluster.during(probe.cluster.node(0).service.listRuns({ task: 'a' }));
    expect(last).toMatchObject({
      kind: 'run',
      outcome: 'lost',
      tick: probe.started[0]!.tick,
      nodeId: probe.started[0]!.node,
    });
  });

  it("recovery 'rerun': it starts again elsewhere, with a higher attempt and token", async () => {
    await killRunner('rerun');
    const [first, second] = probe.started;
    expect(probe.started).toHaveLength(2);
    expect(second).toMatchObject({ tick: first!.tick, attempt: 2, trigger: 'recovery' });
    expect(second!.token > first!.token).toBe(true);
    expect(second!.run.id).toBe(first!.run.id);
    expect(second!.at - first!.at).toBeLessThan(12_500); // the session's end, and a moment
    const [last] = await probe.cluster.during(probe.cluster.node(0).service.listRuns({ task: 'a' }));
    expect(last).toMatchObject({ outcome: 'succeeded', attempt: 2 });
  });

  it('a zombie whose run was taken over is aborted and records nothing', async () => {
    const signals: AbortSignal[] = [];
    probe = await probedCluster({ nodes: 2 }, ({ signal }: TaskRun) => {
      signals.push(signal);
      return new Promise<void>((end) => probe.cluster.clock.setTimer(25_000, end));
    });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_MINUTE, recovery: 'rerun' }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const zombie = cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    zombie.host.freeze();
    await cluster.advance('20s');
    zombie.host.unfreeze();
    await cluster.advance('20s');
    expect(probe.started).toHaveLength(2);
    expect(signals[0]!.reason).toMatchObject({ code: 'RUN_ABORTED' });
    expect(signals[1]!.aborted).toBe(false);
    const records = await cluster.during(cluster.node(0).service.listRuns({ task: 'a' }));
    expect(records).toMatchObject([{ outcome: 'succeeded', attempt: 2, nodeId: probe.started[1]!.node }]);
  });

  it('a run that may go on survives the loss of its session', async () => {
    probe = await probedCluster(
      { nodes: 2 },
      () => new Promise<void>((end) => probe.cluster.clock.setTimer(40_000, end)),
    );
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_MINUTE, overlap: 'allow' }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const node = cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    node.host.cutLink('requests');
    await cluster.advance('8500ms'); // trust is gone, the session not yet
    expect(node.service.state).toBe('rejoining');
    node.host.cutLink('none');
    await cluster.advance('40s');
    expect(node.service.state).toBe('working');
    const records = await cluster.during(node.service.listRuns({ task: 'a' }));
    expect(records.at(-1)).toMatchObject({ outcome: 'succeeded', nodeId: node.id });
  });
});

describe('A node that is cut off', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('stops starting inside its trust window, and comes back by itself', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster } = probe;
    for (let i = 0; i < 12; i++) {
      await cluster.during(cluster.node(0).service.addTask({ name: `t${i}`, schedule: { cron: '* * * * * *' } }));
    }
    await cluster.advance('5s');
    const node = cluster.node(1);
    expect(node.service.listOwnTasks().length).toBeGreaterThan(0);
    node.host.cutLink('requests');
    const cut = cluster.clock.now();
    await cluster.advance('30s');
    const startsAfter = probe.started.filter(({ node: id, at }) => id === node.id && at > cut + 200);
    expect(startsAfter).toEqual([]);
    expect(node.service.state).toBe('rejoining');
    expect(
      cluster
        .node(0)
        .service.listNodes()
        .map(({ id }) => id),
    ).not.toContain(node.id);
    node.host.cutLink('none');
    await cluster.advance('15s');
    expect(node.service.state).toBe('working');
    const since = cluster.clock.now();
    await cluster.advance('5s');
    expect(probe.started.some(({ node: id, at }) => id === node.id && at > since)).toBe(true);
    for (let i = 0; i < 12; i++) {
      const ticks = probe.of(`t${i}`).map(({ tick }) => tick);
      expect(new Set(ticks).size).toBe(ticks.length);
    }
  });

  it('keeps a second process with its node id out', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const twin = cluster.makeNode({ id: 'node-1', options: { startupTimeoutMs: 5_000 } });
    await expect(cluster.during(twin.service.start())).rejects.toMatchObject({ code: 'NODE_ID_IN_USE' });
    expect(twin.service.state).toBe('stopped');
    await cluster.advance('60s');
    expect(cluster.node(0).service.state).toBe('working');
  });

  it('settles nothing twice when the registry comes back without its data', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    await cluster.during(
      cluster.node(0).service.addTask({ name: 'a', schedule: { every: '10s' }, misfire: 'fire-all' }),
    );
    await cluster.advance('45s');
    const [unit] = cluster.store.list('test/units/', {}).entries;
    const old = { ...JSON.parse(unit!.value), cursor: JSON.parse(unit!.value).cursor - 30_000 };
    cluster.store.write({ key: unit!.key, value: JSON.stringify(old) }); // restored from an old copy
    await cluster.advance('45s');
    const ticks = probe.of('a').map(({ tick }) => tick);
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(ticks).toHaveLength(9);
  });
});

describe('A registry that loses its data', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('gets back the tasks and tombstones that the nodes know, and no tick runs twice', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster } = probe;
    const [a, b] = cluster.nodes.map(({ service }) => service);
    for (let i = 0; i < 6; i++) {
      const schedule = i % 2 ? { every: '5s' as const } : { cron: '*/5 * * * * *' };
      await cluster.during(a!.addTask({ name: `t${i}`, schedule, misfire: 'fire-all', payload: i }));
    }
    await cluster.during(a!.addTask({ name: 'deleted', schedule: { every: '5s' } }));
    await cluster.during(a!.deleteTask('deleted'));
    await cluster.during(a!.pauseTask('t5'));
    await cluster.advance('21s');
    cluster.store.wipe();
    const wiped = cluster.clock.now();
    await cluster.advance('30s');
    expect(cluster.nodes.map(({ service }) => service.state)).toEqual(['working', 'working', 'working']);
    expect(b!.listTasks().map(({ name, state, payload }) => [name, state, payload])).toEqual(
      [0, 1, 2, 3, 4, 5].map((i) => [`t${i}`, i === 5 ? 'paused' : 'active', i]),
    );
    await expect(cluster.during(b!.addTask({ name: 'deleted', schedule: { every: '5s' } }))).rejects.toMatchObject({
      code: 'TASK_DELETED',
    });
    for (let i = 0; i < 5; i++) {
      const ticks = probe.of(`t${i}`).map(({ tick }) => tick!);
      expect(new Set(ticks).size).toBe(ticks.length);
      expect(ticks.filter((tick) => tick > wiped + 5_000).length).toBeGreaterThanOrEqual(4);
    }
  });
});

describe('Leaving', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('claims nothing more, lets runs end and hands its units over at once', async () => {
    probe = await probedCluster(
      { nodes: 2 },
      () => new Promise<void>((end) => probe.cluster.clock.setTimer(5_000, end)),
    );
    const { cluster } = probe;
    for (let i = 0; i < 8; i++) {
      await cluster.during(cluster.node(0).service.addTask({ name: `t${i}`, schedule: { cron: '*/10 * * * * *' } }));
    }
    await cluster.clock.advanceUntil(() => probe.started.length === 8);
    const tick = probe.started[0]!.tick!;
    const [leaver, stayer] = cluster.nodes;
    expect(leaver!.service.listRunning().length).toBeGreaterThan(0);
    await cluster.during(leaver!.service.stop());
    expect(cluster.clock.now() - tick).toBeGreaterThanOrEqual(5_000);
    expect(cluster.clock.now() - tick).toBeLessThan(5_500);
    await cluster.advance('10s');
    const next = probe.started.filter((start) => start.tick === tick + 10_000);
    expect(next).toHaveLength(8);
    expect(next.every(({ node, at }) => node === stayer!.id && at === tick + 10_000)).toBe(true);
    const records = await cluster.during(stayer!.service.listRuns({ nodeId: leaver!.id }));
    expect(records.every((record) => record.kind === 'run' && record.outcome === 'succeeded')).toBe(true);
    expect(cluster.store.list('test/nodes/', {}).entries).toHaveLength(1);
  });

  it('aborts what does not end within the drain timeout', async () => {
    probe = await probedCluster(
      { nodes: 1, options: { drainTimeoutMs: 10_000 } },
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: 'now' }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const asked = cluster.clock.now();
    await cluster.during(service.stop());
    expect(cluster.clock.now() - asked).toBeLessThan(10_500);
    const history = cluster.store.list('test/history/a/', {}).entries.map(({ value }) => JSON.parse(value) as object);
    expect(history).toMatchObject([{ outcome: 'cancelled', error: { message: expect.stringContaining('shutdown') } }]);
  });

  it('leaves no timer behind', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: { cron: '* * * * * *' } }));
    await cluster.advance('10s');
    await cluster.stop();
    expect(cluster.clock.pending).toBe(0);
    expect(cluster.store.list('test/nodes/', {}).entries).toEqual([]);
  });
});
