import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import { failing, probedCluster, untilAborted, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;

async function runs(task: string): Promise<RunRecord[]> {
  const { cluster } = probe;
  const node = cluster.nodes.find(({ service }) => service.state === 'working')!;
  return (await cluster.during(node.service.listRuns({ task }))) as RunRecord[];
}

/** The first attempt ends so long after its signal aborted; those after it at once. */
const firstEndsLate =
  (ms: number) =>
  ({ attempt, signal }: TaskRun): Promise<void> | undefined =>
    attempt > 1
      ? undefined
      : new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            probe.cluster.clock.setTimer(ms, () => reject(new Error('late')));
          }),
        );

describe('A run that changes nodes', () => {
  afterEach(() => probe.cluster.stop());

  it('makes as many attempts as its policy says, however often it is handed over', async () => {
    probe = await probedCluster({ nodes: 4 }, failing);
    await probe.add('a', { retry: { attempts: 4, delay: '1m', backoff: 'fixed' } });
    await probe.cluster.advance('5s');
    for (let deploy = 0; deploy < 3; deploy++) {
      const holder = probe.cluster.nodes.find(({ id }) => id === probe.unitOf('a').runs[0]!.node)!;
      await probe.cluster.during(holder.service.stop());
      await probe.cluster.advance('2s');
    }
    await probe.cluster.advance('10m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  });

  it('ends when its total time is over, also where it waits on the node that took it over', async () => {
    probe = await probedCluster({ nodes: 2 }, (run) => (run.attempt === 1 ? failing() : untilAborted(run)));
    await probe.add('a', { timeout: { total: '30s' }, retry: { attempts: 3, delay: '5m', backoff: 'fixed' } });
    await probe.cluster.advance('5s');
    const { first } = probe.firstAndOther();
    await probe.cluster.during(first.service.stop());
    await probe.cluster.advance('1m');
    const status = probe.unitOf('a').runs.length;
    await probe.cluster.advance('6m');
    const [last] = await runs('a');
    expect({
      stillGoingAfter1m: status,
      attempts: probe.started.length,
      tookMs: Math.round((last!.endedAt - probe.started[0]!.at) / 1000),
    }).toMatchObject({
      stillGoingAfter1m: 0,
      attempts: 1,
    });
  });

  it('counts its time from its first claim, also when it is run again elsewhere', async () => {
    probe = await probedCluster({ nodes: 2 }, untilAborted);
    await probe.add('a', { recovery: 'rerun', timeout: { total: '30s' } });
    await probe.cluster.advance('20s');
    probe.cluster.crash(probe.firstAndOther().first);
    await probe.cluster.advance('2m');
    const [last] = await runs('a');
    expect((last!.endedAt - probe.started[0]!.at) / 1000).toBeLessThan(36);
  });

  it('comes to its end though its task is paused, also when it was handed over meanwhile', async () => {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => (attempt === 1 ? failing() : undefined));
    await probe.add('a', { retry: { attempts: 3, delay: '20s', backoff: 'fixed' } }, { every: '5m' });
    await probe.cluster.clock.advanceUntil(() => probe.started.length === 1);
    await probe.cluster.advance('1s');
    const { first, other } = probe.firstAndOther();
    await probe.cluster.during(first.service.stop());
    await probe.cluster.advance('2s');
    await probe.cluster.during(other.service.pauseTask('a'));
    await probe.cluster.advance('1m');
    expect((await runs('a'))[0]).toMatchObject({ outcome: 'succeeded' });
  });

  it('comes to its end though its task is paused', async () => {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => (attempt === 1 ? failing() : undefined));
    await probe.add('a', { retry: { attempts: 3, delay: '20s', backoff: 'fixed' } }, { every: '5m' });
    await probe.cluster.clock.advanceUntil(() => probe.started.length === 1);
    await probe.cluster.advance('1s');
    await probe.cluster.during(probe.cluster.node(0).service.pauseTask('a'));
    await probe.cluster.advance('1m');
    expect((await runs('a'))[0]).toMatchObject({ outcome: 'succeeded' });
  });

  it('does not run again once it was cancelled, where its node leaves within the grace', async () => {
    probe = await probedCluster({ nodes: 2 }, firstEndsLate(20_000));
    await probe.add('a', { recovery: 'rerun', abortGrace: '1m' });
    await probe.cluster.advance('2s');
    const { first } = probe.firstAndOther();
    void first.service.cancelRun(probe.started[0]!.run.id).catch(() => undefined);
    await probe.cluster.advance('1s');
    await probe.cluster.during(first.service.stop());
    await probe.cluster.advance('1m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1]);
  });

  it('does not run again once it was cancelled, where the drain is over within the grace', async () => {
    probe = await probedCluster({ nodes: 2, options: { drainTimeoutMs: 2_000 } }, firstEndsLate(8_000));
    await probe.add('a', { recovery: 'rerun', abortGrace: '10s' });
    await probe.cluster.advance('2s');
    const { first } = probe.firstAndOther();
    void first.service.cancelRun(probe.started[0]!.run.id).catch(() => undefined);
    await probe.cluster.advance('1s');
    await probe.cluster.during(first.service.stop());
    await probe.cluster.advance('1m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1]);
  });

  it('does not run again once its total time was over, where its node drains within the grace', async () => {
    probe = await probedCluster({ nodes: 2, options: { drainTimeoutMs: 2_000 } }, firstEndsLate(8_000));
    await probe.add('a', { recovery: 'rerun', abortGrace: '10s', timeout: { total: '3s' } });
    await probe.cluster.advance('4s');
    const { first } = probe.firstAndOther();
    expect(probe.started[0]!.run.signal.aborted).toBe(true);
    await probe.cluster.during(first.service.stop());
    await probe.cluster.advance('1m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1]);
  });

  it('that begins to wait while its node leaves goes to another at once, and holds nothing up', async () => {
    probe = await probedCluster({ nodes: 2 }, (run) =>
      run.attempt === 1
        ? new Promise<void>((_, reject) => probe.cluster.clock.setTimer(3_000, () => reject(new Error('boom'))))
        : undefined,
    );
    await probe.add('a', { retry: { attempts: 3, delay: '10m', backoff: 'fixed' } });
    await probe.cluster.advance('1s');
    const { first } = probe.firstAndOther();
    const began = probe.cluster.clock.now();
    await probe.cluster.during(first.service.stop());
    expect((probe.cluster.clock.now() - began) / 1000).toBeLessThan(6);
  });
});

describe('cancelRun of a run that no node has', () => {
  const RETRY = { attempts: 3, delay: '10m', backoff: 'fixed' } as const;

  afterEach(() => probe.cluster.stop());

  async function cancelAndSee(cancelling: TestNode): Promise<void> {
    const { cluster } = probe;
    const told: string[] = [];
    cancelling.service.runEvents$.subscribe(({ type }) => told.push(type));
    const { id } = probe.started[0]!.run;
    expect(await cluster.during(cancelling.service.cancelRun(id, 'enough'))).toBe(true);
    await cluster.advance('1h');
    expect(probe.started).toHaveLength(1);
    expect(probe.unitOf('a')).toMatchObject({ runs: [], counters: { cancelled: 1 } });
    expect(await cluster.during(cancelling.service.getRun(id))).toMatchObject({
      outcome: 'cancelled',
      attempt: 1,
      error: { message: expect.stringContaining('enough') },
    });
    expect(told).toEqual(['run.cancelled']);
    expect(await cluster.during(cancelling.service.cancelRun(id))).toBe(false);
  }

  it('ends one that waits for another attempt, and whose node died a moment ago', async () => {
    probe = await probedCluster({ nodes: 2 }, failing);
    await probe.add('a', { retry: RETRY });
    await probe.cluster.advance('5s');
    const { first, other } = probe.firstAndOther();
    probe.cluster.crash(first);
    await probe.cluster.advance('2s');
    await cancelAndSee(other);
  });

  it.each(['leaves', 'dies'])('ends one that waits for a node that can run it, when its own one %s', async (how) => {
    probe = await probedCluster({ nodes: 1 }, failing);
    const { cluster } = probe;
    const observer = await cluster.join({ options: observing('o') });
    await probe.add('a', { retry: RETRY });
    await cluster.advance('5s');
    if (how === 'dies') cluster.crash(cluster.node(0));
    else await cluster.during(cluster.node(0).service.stop());
    await cluster.advance('1m');
    expect(probe.unitOf('a').runs).toHaveLength(1);
    await cancelAndSee(observer);
  });

  it('ends one that is to be run again elsewhere once its task goes on', async () => {
    probe = await probedCluster({ nodes: 2 }, untilAborted);
    await probe.add('a', { recovery: 'rerun' });
    await probe.cluster.advance('5s');
    const { first, other } = probe.firstAndOther();
    await probe.cluster.during(other.service.pauseTask('a'));
    await probe.cluster.during(first.service.stop());
    await probe.cluster.advance('1m');
    await cancelAndSee(other);
  });

  it('leaves one alone whose node lives and does not answer', async () => {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => (attempt === 1 ? failing() : undefined));
    await probe.add('a', { retry: { ...RETRY, delay: '1m' } });
    await probe.cluster.advance('5s');
    const { first, other } = probe.firstAndOther();
    const { scheduler } = first;
    scheduler.commands.onCommand = () => false;
    expect(await probe.cluster.during(other.service.cancelRun(probe.started[0]!.run.id))).toBe(false);
    await probe.cluster.advance('2m');
    expect(probe.started.map(({ attempt, node }) => [attempt, node])).toEqual([
      [1, first.id],
      [2, first.id],
    ]);
    expect((await runs('a'))[0]).toMatchObject({ outcome: 'succeeded' });
  });
});

function observing(id: string) {
  return { node: { id, boot: 'first', hostname: id, pid: 1, weight: 1, labels: {}, role: 'observer' as const } };
}
