import { afterEach, describe, expect, it } from '@jest/globals';
import type { Duration } from '../../lib/core/common/duration.js';
import type { Registry } from '../../lib/core/registry/registry.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { atNextMeasurement, failing, probedCluster, type ProbedCluster } from '../support/probe.js';

// A clock that is stepped just after it was measured: for three seconds nobody can tell, and what is written or judged
// by it meanwhile would hold for as long as the step is wide.

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TWICE = { attempts: 2, backoff: 'fixed' } as const;

let probe: ProbedCluster;

/** Steps the clock of a node when the next measurement is three seconds away. */
async function step(node: TestNode, byMs: number): Promise<void> {
  await atNextMeasurement(probe, node);
  await probe.cluster.advance(50);
  node.host.skewMs = byMs;
}

/** One more node, whom the registry may not tell the time. */
async function join(tells: boolean): Promise<TestNode> {
  const { cluster } = probe;
  const node = cluster.makeNode({
    wrap: (registry) =>
      tells ? registry : Object.assign(Object.create(registry) as Registry, { serverTime: undefined }),
  });
  await cluster.settle([node]);
  return node;
}

/** How often the task starts meanwhile. */
async function startsIn(duration: Duration, task = 'a'): Promise<number> {
  const before = probe.of(task).length;
  await probe.cluster.advance(duration);
  return probe.of(task).length - before;
}

/** When the task last began anew. */
function sinceOf({ scheduler }: TestNode): number {
  return scheduler.context.catalog.get('a')!.doc.since;
}

async function runByHand(node: TestNode): Promise<string> {
  const { outcome } = await probe.cluster.during(node.service.runTask('a').then((handle) => handle.result()));
  return outcome;
}

describe('A clock that was stepped a moment ago', () => {
  afterEach(() => probe.cluster.stop());

  describe('does not tell when a task begins', () => {
    it('that is added by an hour ahead', async () => {
      probe = await probedCluster({ nodes: 3 });
      await step(probe.cluster.node(0), HOUR_MS);
      await probe.add('a', {}, { every: '10s' });
      expect(await startsIn('5m')).toBeGreaterThan(27);
    });

    it('that is added by an hour behind', async () => {
      probe = await probedCluster({ nodes: 2 });
      await step(probe.cluster.node(0), -HOUR_MS);
      await probe.add('a', {}, { cron: '* * * * *' });
      await probe.cluster.advance('20s');
      expect(probe.of('a')).toEqual([]); // no minute of the last hour is made up for
    });

    it.each(['is resumed', 'is restored', 'gets another schedule'])('that %s by an hour ahead', async (how) => {
      probe = await probedCluster({ nodes: 3 });
      const { cluster } = probe;
      const { service } = cluster.node(0);
      await probe.add('a', {}, { every: '20s' });
      if (how === 'is resumed') await cluster.during(service.pauseTask('a'));
      if (how === 'is restored') await cluster.during(service.deleteTask('a'));
      await step(cluster.node(0), HOUR_MS);
      if (how === 'is resumed') await cluster.during(service.resumeTask('a'));
      else if (how === 'is restored') await cluster.during(service.restoreTask('a'));
      else await cluster.during(service.updateSchedule('a', { every: '10s' }));
      expect(await startsIn('5m')).toBeGreaterThan(13);
    });
  });

  it('is asked for before a task is added: what looked like a step was the sleep of the machine', async () => {
    probe = await probedCluster({ nodes: 1 });
    const node = probe.cluster.node(0);
    await step(node, HOUR_MS);
    const { registry } = node.scheduler.context;
    registry.serverTime = () => Promise.resolve(node.host.clock.now());
    await probe.add('a', {}, { cron: '* * * * *' });
    await probe.cluster.advance('5s');
    expect(sinceOf(node)).toBeGreaterThan(node.host.clock.now() - 6 * SECOND_MS);
    expect(probe.of('a')).toEqual([]);
  });

  it('and always was wrong is asked for before a module adds a task while it comes up', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const late = cluster.makeNode({ id: 'late' });
    late.host.skewMs = HOUR_MS;
    await cluster.during(late.service.addTask({ name: 'a', schedule: { every: '10s' } }));
    expect(await startsIn('1m')).toBeGreaterThan(4);
    await cluster.settle([late]);
  });

  it.each([HOUR_MS, -HOUR_MS])('does not tell when a circuit was opened: %i ms off', async (byMs) => {
    probe = await probedCluster({ nodes: 1 }, () => {
      node.host.skewMs = byMs;
      throw new Error('boom');
    });
    const { cluster } = probe;
    const node = cluster.node(0);
    await probe.add('a', { circuitBreaker: { threshold: 1, halfOpenAfter: '2m' } }, { every: '5m' });
    await step(node, 0);
    expect(await runByHand(node)).toBe('failed');
    node.host.skewMs = 0;
    await cluster.advance('5s');
    const circuit = async () => (await cluster.during(node.service.getTaskStatus('a'))).circuit;
    expect(await circuit()).toBe('open');
    await cluster.advance('2m');
    expect(await circuit()).toBe('half-open');
  });

  it('makes no deadline of retries pass', async () => {
    probe = await probedCluster({ nodes: 1 }, ({ attempt }) => (attempt < 2 ? failing() : undefined));
    const node = probe.cluster.node(0);
    await step(node, 0);
    await probe.add('a', { retry: { ...TWICE, delay: '1s', deadline: '30m' } });
    await probe.cluster.advance(500);
    node.host.skewMs = HOUR_MS;
    await probe.cluster.advance('10s');
    expect(probe.unitOf('a').counters).toMatchObject({ succeeded: 1 });
  });

  it('does not tell since when the deadline of retries is counted', async () => {
    probe = await probedCluster({ nodes: 1 }, ({ attempt }) => (attempt < 2 ? failing() : undefined));
    const node = probe.cluster.node(0);
    await probe.add('a', { retry: { ...TWICE, delay: '5s', deadline: '10m' } }, { every: '1d' });
    await step(node, -HOUR_MS);
    expect(await runByHand(node)).toBe('succeeded');
  });

  it('does not shut a group for as long as it is ahead', async () => {
    const groups = { g: { rate: { limit: 1, perMs: MINUTE_MS } } };
    probe = await probedCluster({ nodes: 1, options: { groups } }, ({ task, attempt }) =>
      task === 'a' && attempt < 2 ? failing() : undefined,
    );
    const { cluster } = probe;
    const node = cluster.node(0);
    await step(node, 0);
    await probe.add('b', { group: 'g' }, { every: '2m' });
    await probe.add('a', { group: 'g', retry: { ...TWICE, delay: '61s' } });
    await cluster.advance('1s');
    await cluster.advance(probe.of('a')[0]!.at + 61 * SECOND_MS - cluster.clock.now() - 20);
    node.host.skewMs = HOUR_MS; // right before the second attempt takes its room
    await cluster.advance(100);
    node.host.skewMs = 0;
    expect(await startsIn('20m', 'b')).toBeGreaterThan(7);
  });

  it.each([
    ['the registry tells the time', true],
    ['nobody tells the time', false],
  ])('purges no task as if nobody had declared it for long, where %s', async (_, tells) => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const [judge, former] = [await join(tells), await join(tells)];
    await cluster.during(former.service.defineTask({ name: 's', schedule: { every: '10s' }, run: () => 1 }));
    await cluster.during(former.service.stop());
    cluster.nodes.splice(1, 1);
    const state = () => judge.service.getTask('s');
    await cluster.clock.advanceUntil(() => state()?.orphanedSince !== undefined);
    const { onResynced } = judge.scheduler;
    judge.scheduler.onResynced = () => {
      judge.host.skewMs = 8 * DAY_MS;
      judge.scheduler.onResynced = onResynced;
      return onResynced();
    };
    await cluster.clock.advanceUntil(() => judge.host.skewMs > 0);
    await cluster.advance('2s');
    judge.host.skewMs = 0;
    await cluster.advance('1m');
    expect(state()).toBeDefined();
  });
});

describe('A clock that is behind, while nobody tells the time', () => {
  afterEach(() => probe.cluster.stop());

  it.each(['resumes', 'restores and resumes', 'gives another schedule to'])(
    'when it %s a task does not keep its failures from being counted',
    async (how) => {
      probe = await probedCluster({ nodes: 0 }, failing);
      const { cluster } = probe;
      const node = await join(false);
      const { service, host } = node;
      await probe.add('a', { pauseAfter: 3 }, { every: '10s' });
      await cluster.advance('1m');
      expect(service.getTask('a')!.state).toBe('paused');
      const since = sinceOf(node);
      host.skewMs = -10 * MINUTE_MS;
      await cluster.advance('5s'); // it is believed
      if (how.startsWith('gives')) await cluster.during(service.updateSchedule('a', { every: '5s' }));
      if (how.startsWith('restores')) {
        await cluster.during(service.deleteTask('a'));
        await cluster.during(service.restoreTask('a'));
      }
      await cluster.during(service.resumeTask('a'));
      expect(sinceOf(node)).toBeGreaterThan(since);
      host.skewMs = 0;
      expect(await startsIn('2m')).toBe(3);
      expect(service.getTask('a')!.state).toBe('paused');
    },
  );
});
