import { afterEach, describe, expect, it } from '@jest/globals';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import type { TestCluster, TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const DAILY = { cron: '0 12 * * *' };
const EVERY_SECOND = { cron: '* * * * * *' };

/** The node that owns the only task, and one that does not. */
function ownerAndOther({ nodes }: TestCluster): { owner: TestNode; other: TestNode } {
  const owner = nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
  return { owner, other: nodes.find((node) => node !== owner)! };
}

/** Loses the reply to the node's first commit of a key that begins with `prefix`; says how many there were. */
function loseFirstReply({ scheduler }: TestNode, prefix: string): () => number {
  const { registry } = scheduler.context;
  const commit = registry.commit.bind(registry);
  let commits = 0;
  registry.commit = async (writes) => {
    const results = await commit(writes);
    if (writes.some(({ key }) => key.startsWith(prefix)) && commits++ === 0) {
      throw new RegistryUnavailableError('reply lost', { outcomeUnknown: true });
    }
    return results;
  };
  return () => commits;
}

describe('Commands', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));

  it('a task that runs once, paused during its run and then resumed, does not run twice', async () => {
    probe = await probedCluster({ nodes: 2 }, () => pass(10_000));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: { delay: '5s' } }));
    await cluster.advance('8s');
    expect(probe.started).toHaveLength(1);
    await cluster.during(service.pauseTask('a'));
    await cluster.advance('30s');
    await cluster.during(service.resumeTask('a'));
    await cluster.advance('60s');
    expect(probe.started).toHaveLength(1);
  });

  it("a handler that returns 'timeout' has succeeded", async () => {
    probe = await probedCluster({ nodes: 1 }, () => Promise.resolve('timeout'));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: 'now', timeout: '1m' }));
    await cluster.advance('10s');
    const records = await cluster.during(service.listRuns({ task: 'a' }));
    expect(records).toMatchObject([{ outcome: 'succeeded' }]);
  });

  it('a new schedule makes a one-shot task that has run active again', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: { delay: '5s' }, oneShot: true }));
    await cluster.advance('10s');
    const view = await cluster.during(service.updateSchedule('a', { delay: '5s' }));
    expect(view.state).toBe('active');
    await cluster.advance('30s');
    expect(probe.started).toHaveLength(2);
  });

  it("updateSchedule to 'now' runs the task once although its reply is lost", async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: DAILY }));
    await cluster.advance('1s');
    const { other } = ownerAndOther(cluster);
    const commits = loseFirstReply(other, 'tasks/a');
    await cluster.during(other.service.updateSchedule('a', 'now'));
    await cluster.advance('20s');
    expect(commits()).toBeGreaterThan(0);
    expect(probe.started).toHaveLength(1);
  });

  it('restoreTask succeeds although its reply is lost', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: DAILY }));
    await cluster.during(service.deleteTask('a'));
    const commits = loseFirstReply(cluster.node(0), 'tasks/a');
    await expect(cluster.during(service.restoreTask('a'))).resolves.toMatchObject({ state: 'active' });
    expect(commits()).toBeGreaterThan(0);
  });

  it('addTask succeeds although the reply to the making of its unit is lost', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const commits = loseFirstReply(cluster.node(0), 'units/a');
    const added = cluster.node(0).service.addTask({ name: 'a', schedule: DAILY });
    await expect(cluster.during(added)).resolves.toMatchObject({ name: 'a', state: 'active' });
    expect(commits()).toBeGreaterThan(0);
  });

  it('runTask of a deleted task fails on a node that has not heard of the deletion', async () => {
    probe = await probedCluster({ nodes: 2, options: { cluster: { resyncMs: 600_000 } } });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: DAILY }));
    await cluster.advance('1s');
    cluster.node(1).host.cutLink('watches');
    await cluster.during(cluster.node(0).service.deleteTask('a'));
    const run = cluster.node(1).service.runTask('a');
    await expect(cluster.during(run)).rejects.toMatchObject({ code: 'TASK_DELETED' });
  });

  it('runTask on an observer does not run the task there', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const id = 'observer';
    const observer = await cluster.join({
      options: { node: { id, boot: 'first', hostname: id, pid: 1, weight: 1, labels: {}, role: 'observer' } },
    });
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: DAILY }));
    await cluster.advance('1s');
    await cluster.during(observer.service.runTask('a').catch(() => undefined)); // it may refuse
    await cluster.advance('1s');
    expect(probe.started.map(({ node }) => node)).not.toContain(id);
  });

  it('a paused task that is deleted and restored is still paused', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: EVERY_SECOND }));
    await cluster.during(service.pauseTask('a', { note: 'broken' }));
    await cluster.during(service.deleteTask('a'));
    const view = await cluster.during(service.restoreTask('a'));
    expect(view).toMatchObject({ state: 'paused' });
  });

  it('a defineTask that failed may be tried again', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    const task = { name: 's', schedule: EVERY_SECOND, run: () => undefined };
    host.cutLink('requests');
    await expect(cluster.during(service.defineTask(task))).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    host.cutLink('none');
    await cluster.advance('1s');
    await cluster.during(service.defineTask(task));
    await cluster.advance('1s');
    expect(service.getTask('s')).toBeDefined();
  });

  it.each([[{ zone: 'eu' }], [{}]])('a new schedule holds together with the node selector %j', async (nodeSelector) => {
    const node = { id: 'eu', boot: 'first', hostname: 'eu', pid: 1, weight: 1, labels: { zone: 'eu' } };
    probe = await probedCluster({ nodes: 1, options: { node: { ...node, role: 'worker' } } });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: DAILY }));
    await cluster.advance('1s');
    await cluster.during(service.putTask({ name: 'a', schedule: EVERY_SECOND, nodeSelector }));
    await cluster.advance('5m');
    expect(probe.started.length).toBeGreaterThan(200);
  });

  it('a claim that is granted after a change runs the new definition', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const task = { name: 'a', schedule: { cron: '*/10 * * * * *' } };
    await cluster.during(cluster.node(0).service.addTask({ ...task, payload: 'old' }));
    await cluster.advance('1s');
    const { owner, other } = ownerAndOther(cluster);
    const { registry } = owner.scheduler.context;
    const commit = registry.commit.bind(registry);
    let claims = 0;
    let granted = 0;
    registry.commit = async (writes) => {
      if (!writes.some(({ key }) => key.startsWith('units/a'))) return commit(writes);
      // the first claim is held up while the task changes; what counts is when the next one comes through
      if (claims++ === 0) {
        await pass(50);
        return commit(writes);
      }
      const results = await commit(writes);
      granted ||= cluster.clock.now();
      return results;
    };
    await cluster.clock.advanceUntil(() => claims === 1, '1m', 1);
    await cluster.during(other.service.putTask({ ...task, payload: 'new' }));
    const acknowledged = cluster.clock.now();
    await cluster.advance('1s');
    expect(granted).toBeGreaterThan(acknowledged);
    expect(probe.started[0]!.run.payload).toBe('new');
  });

  it('a new schedule given while the task is being purged after its run is kept', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const task = { name: 'a', schedule: { delay: '5s' as const }, afterRun: 'purge' as const };
    await cluster.during(cluster.node(0).service.addTask(task));
    await cluster.advance('1s');
    const { owner, other } = ownerAndOther(cluster);
    // the read that begins the purge takes 50 ms, in which another node gives the task a new schedule
    const { registry } = owner.scheduler.context;
    const get = registry.get.bind(registry);
    let reads = 0;
    registry.get = async (key, options) => {
      if (key === 'tasks/a' && reads++ === 0) await pass(50);
      return get(key, options);
    };
    await cluster.clock.advanceUntil(() => reads === 1, '1m', 1);
    await cluster.during(other.service.updateSchedule('a', { delay: '60s' }));
    await cluster.advance('120s');
    expect(probe.started).toHaveLength(2);
  });
});
