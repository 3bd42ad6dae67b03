import { afterEach, describe, expect, it } from '@jest/globals';
import { RegistryRefusedError } from '../../lib/core/registry/registry-errors.js';
import type { Write } from '../../lib/core/registry/registry.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, untilAborted, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;
let refused: number;

/** What this node writes there is refused for some time, as by a registry whose memory is full. */
function refuse(node: TestNode, prefix: string): void {
  const { registry } = node.scheduler.context;
  const commit = registry.commit.bind(registry);
  registry.commit = async (writes: readonly Write[]) => {
    if (!writes.some(({ key }) => key.startsWith(prefix))) return commit(writes);
    refused++;
    throw new RegistryRefusedError('OOM command not allowed when used memory > maxmemory');
  };
  probe.cluster.clock.setTimer(5_000, () => (registry.commit = commit));
}

describe('A registry that refuses for some seconds', () => {
  afterEach(() => probe.cluster.stop());

  it.each(['the owner of its task', 'another node'])('to note the end of a run keeps it on %s', async (where) => {
    refused = 0;
    const events: string[] = [];
    probe = await probedCluster({ nodes: 2 }, ({ trigger, nodeId }) => {
      if (trigger === 'manual')
        refuse(
          probe.cluster.nodes.find(({ id }) => id === nodeId)!,
          'units/',
        );
    });
    const { cluster } = probe;
    await probe.add('a', {}, { every: '10s' });
    await cluster.advance('25s');
    const { first, other } = probe.firstAndOther();
    const node = where === 'another node' ? other : first;
    for (const { service } of cluster.nodes) service.runEvents$.subscribe(({ type }) => events.push(type));
    const handle = await cluster.during(node.service.runTask('a'));
    expect(await cluster.during(handle.result())).toMatchObject({ outcome: 'succeeded' });
    await cluster.advance('1m');
    expect(refused).toBeGreaterThan(2);
    expect(events.filter((type) => type === 'run.lost')).toEqual([]);
    expect(probe.unitOf('a').runs).toEqual([]);
    expect(probe.of('a').length).toBeGreaterThanOrEqual(8);
  });

  it('to give back room in a group shuts that for no longer', async () => {
    refused = 0;
    probe = await probedCluster({ nodes: 1, options: { groups: { g: { concurrency: 1 } } } }, () => {
      if (probe.started.length === 1) refuse(probe.cluster.node(0), 'groups/');
    });
    await probe.add('a', { group: 'g' }, { every: '10s' });
    await probe.cluster.advance('95s');
    expect(refused).toBeGreaterThan(2);
    expect(probe.of('a').length).toBeGreaterThanOrEqual(8);
  });

  it('to begin another attempt delays it', async () => {
    refused = 0;
    probe = await probedCluster({ nodes: 1 }, ({ attempt }) => {
      if (attempt > 1) return;
      probe.cluster.clock.setTimer(500, () => refuse(probe.cluster.node(0), 'units/'));
      throw new Error('boom');
    });
    await probe.add('a', { retry: { attempts: 2, delay: '1s', backoff: 'fixed' } });
    await probe.cluster.advance('15s');
    expect(refused).toBeGreaterThan(2);
    expect(probe.of('a').map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(probe.unitOf('a').last).toMatchObject({ outcome: 'succeeded' });
  });
});

describe('Runs of a node that died', () => {
  afterEach(() => probe.cluster.stop());

  it('wait for slots in any number, and what has more priority runs before them', async () => {
    const orphans = Array.from({ length: 1_700 }, (_, i) => `orphan-${i}`);
    probe = await probedCluster({ nodes: 2, options: { concurrency: 5_000 } }, (run) =>
      run.task === 'vital' ? undefined : untilAborted(run),
    );
    const { cluster } = probe;
    const [survivor, dying] = [cluster.node(0), cluster.node(1)];
    const recovery = 'rerun' as const;
    const adding = orphans.map((name) => dying.service.addTask({ name, schedule: { every: '1h' }, recovery }));
    await cluster.during(Promise.all(adding));
    await cluster.during(Promise.all(orphans.map((name) => dying.service.runTask(name))));
    survivor.service.setConcurrency(20);
    await cluster.during(survivor.service.addTask({ name: 'vital', schedule: { every: '10s' }, priority: 1_000 }));
    cluster.crash(dying);
    await cluster.advance('30s');
    expect(probe.started.filter(({ trigger }) => trigger === 'recovery')).toHaveLength(20);
    survivor.service.setConcurrency(21);
    await cluster.advance('60s');
    expect(probe.of('vital').length).toBeGreaterThanOrEqual(1);
    expect(survivor.scheduler.context.slots.used).toBe(21);
  }, 60_000);
});
