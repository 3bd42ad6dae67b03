import { afterEach, describe, expect, it } from '@jest/globals';
import { NoRetryError } from '../../lib/core/common/errors.js';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { SchedulerEvent } from '../../lib/core/events/scheduler-events.js';
import { failing, probedCluster, untilAborted, type ProbedCluster } from '../support/probe.js';

const FIXED = { attempts: 3, delay: '20s', backoff: 'fixed' } as const;

let probe: ProbedCluster;

async function lastRun(task: string): Promise<RunRecord> {
  const { cluster } = probe;
  const [last] = await cluster.during(cluster.node(0).service.listRuns({ task }));
  return last as RunRecord;
}

describe('A run that waits for another attempt', () => {
  afterEach(() => probe.cluster.stop());

  it('takes no slot meanwhile', async () => {
    probe = await probedCluster({ nodes: 1, options: { concurrency: 1 } }, ({ task }) => {
      if (task === 'a') throw new Error('boom');
    });
    await probe.add('a', { retry: FIXED });
    await probe.add('b', {}, { every: '1s' });
    await probe.cluster.advance('15s');
    expect(probe.of('a')).toHaveLength(1);
    expect(probe.of('b').length).toBeGreaterThanOrEqual(14);
    await probe.cluster.advance('30s');
    expect(probe.of('a').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('is listed with the time of its next attempt, then with the number of that, and is no load of its node', async () => {
    probe = await probedCluster({ nodes: 1 }, (run) => (run.attempt < 3 ? failing() : untilAborted(run)));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await probe.add('a', { retry: FIXED });
    await cluster.advance('5s');
    const [first] = probe.started;
    expect(service.listRunning()).toMatchObject([{ attempt: 1, retryAt: new Date(first!.at + 20_000) }]);
    expect(service.health().running).toBe(0);
    await cluster.clock.advanceUntil(() => probe.started.length === 3);
    expect(service.listRunning()).toMatchObject([{ attempt: 3 }]);
    expect(service.listRunning()[0]).not.toHaveProperty('retryAt');
    expect(service.health().running).toBe(1);
  });

  it('counts as running, so that nothing overlaps with it', async () => {
    probe = await probedCluster({ nodes: 1 }, failing);
    await probe.add('a', { retry: { ...FIXED, attempts: 2 } }, { every: '15s' });
    await probe.cluster.advance('36s');
    expect(new Set(probe.started.map(({ run }) => run.id)).size).toBe(1);
    expect(probe.unitOf('a').counters).toMatchObject({ claimed: 1, overlap: 1, failed: 1 });
  });

  it.each(['none', 'rerun'] as const)("goes on elsewhere when its node dies, recovery '%s'", async (recovery) => {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => {
      if (attempt < 3) throw new Error('boom');
    });
    await probe.add('a', { retry: FIXED, recovery });
    await probe.cluster.advance('5s');
    const { first, other } = probe.firstAndOther();
    probe.cluster.crash(first);
    await probe.cluster.advance('1m');
    expect(probe.started.map(({ node, attempt }) => [node, attempt])).toEqual([
      [first.id, 1],
      [other.id, 2],
      [other.id, 3],
    ]);
    expect(new Set(probe.started.map(({ run }) => run.id)).size).toBe(1);
    expect(Math.round(probe.started[1]!.at - probe.started[0]!.at)).toBe(20_000);
    expect(await lastRun('a')).toMatchObject({ outcome: 'succeeded', attempt: 3, trigger: 'schedule' });
    expect(probe.unitOf('a').runs).toEqual([]);
  });

  it('has a number of its own for each attempt, also where one that had been begun is made again elsewhere', async () => {
    probe = await probedCluster({ nodes: 2 }, (run) => (run.attempt === 2 ? untilAborted(run) : failing()));
    await probe.add('a', { retry: FIXED, recovery: 'rerun' });
    await probe.cluster.advance('25s');
    const { first, other } = probe.firstAndOther();
    probe.cluster.crash(first);
    await probe.cluster.advance('1m');
    expect(probe.started.map(({ node, attempt }) => [node, attempt])).toEqual([
      [first.id, 1],
      [first.id, 2],
      [other.id, 3],
    ]);
  });

  it('fails where its deadline has passed before another node could go on with it', async () => {
    probe = await probedCluster({ nodes: 1 }, failing);
    await probe.add('a', { retry: { ...FIXED, deadline: '30s' } });
    await probe.cluster.advance('5s');
    await probe.cluster.during(probe.cluster.node(0).service.stop());
    await probe.cluster.advance('1m');
    await probe.cluster.join();
    await probe.cluster.advance('5s');
    expect(probe.started).toHaveLength(1);
    expect(probe.unitOf('a')).toMatchObject({ runs: [], counters: { claimed: 1, failed: 1 } });
  });

  it('goes on elsewhere where its time came while its node was cut off and lost its session', async () => {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => {
      if (attempt < 2) throw new Error('boom');
    });
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('15s');
    const { first, other } = probe.firstAndOther();
    first.host.cutLink('requests');
    await probe.cluster.advance('30s');
    first.host.cutLink('none');
    await probe.cluster.advance('10s');
    expect(probe.started.map(({ node, attempt }) => [node, attempt])).toEqual([
      [first.id, 1],
      [other.id, 2],
    ]);
    expect(probe.unitOf('a').counters).toMatchObject({ claimed: 1, succeeded: 1 });
  });

  it('is not given up where its time came and nobody could take it before its own node was back', async () => {
    probe = await probedCluster({ nodes: 1 }, ({ attempt }) => {
      if (attempt < 2) throw new Error('boom');
    });
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('15s');
    probe.cluster.node(0).host.cutLink('requests');
    await probe.cluster.advance('30s');
    probe.cluster.node(0).host.cutLink('none');
    await probe.cluster.advance('20s');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(probe.unitOf('a').counters).toMatchObject({ claimed: 1, succeeded: 1 });
  });

  it('fails where its deadline passes while the registry is away', async () => {
    probe = await probedCluster({ nodes: 1 }, failing);
    await probe.add('a', { retry: { ...FIXED, deadline: '30s' }, overlap: 'allow' });
    await probe.cluster.advance('15s');
    probe.cluster.node(0).host.cutLink('requests');
    await probe.cluster.advance('30s');
    probe.cluster.node(0).host.cutLink('none');
    await probe.cluster.advance('20s');
    expect(probe.started).toHaveLength(1);
    expect(await lastRun('a')).toMatchObject({ outcome: 'failed', attempt: 1, error: { message: 'boom' } });
  });

  it('does not go on from a backup: the attempt it waited for may have been made since', async () => {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => {
      if (attempt < 2) throw new Error('boom');
    });
    await probe.add('a', { retry: FIXED });
    const { cluster } = probe;
    await cluster.advance('5s');
    const backup = cluster.store.backup();
    await cluster.advance('20s');
    cluster.store.restore(backup);
    await cluster.advance('1m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(probe.unitOf('a')).toMatchObject({ runs: [], counters: { claimed: 1, failed: 1 } });
  });

  it('is handed over at once when its node leaves, and keeps its time', async () => {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => {
      if (attempt < 2) throw new Error('boom');
    });
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('5s');
    const { first, other } = probe.firstAndOther();
    await probe.cluster.during(first.service.stop());
    await probe.cluster.advance(500);
    expect(probe.unitOf('a').runs).toMatchObject([{ node: other.id, attempt: 2, retry: { made: 1 } }]);
    await probe.cluster.advance('20s');
    expect(probe.started.map(({ node, attempt }) => [node, attempt])).toEqual([
      [first.id, 1],
      [other.id, 2],
    ]);
    expect(Math.round(probe.started[1]!.at - probe.started[0]!.at)).toBe(20_000);
    expect(probe.unitOf('a').counters).toMatchObject({ claimed: 1, succeeded: 1 });
  });

  it('waits for the next node where its own was the only one', async () => {
    probe = await probedCluster({ nodes: 1 }, ({ attempt }) => {
      if (attempt < 2) throw new Error('boom');
    });
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('5s');
    await probe.cluster.during(probe.cluster.node(0).service.stop());
    await probe.cluster.advance('1h');
    expect(probe.unitOf('a').runs).toMatchObject([{ session: 'released', attempt: 1, retry: { made: 1 } }]);
    await probe.cluster.join();
    await probe.cluster.advance('5s');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('makes an attempt that had been begun again only with rerun', async () => {
    probe = await probedCluster({ nodes: 2 }, (run) => (run.attempt === 1 ? failing() : untilAborted(run)));
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('25s');
    const { first } = probe.firstAndOther();
    expect(probe.unitOf('a').runs[0]!.retry).toEqual({ made: 1, begunAt: expect.any(Number) });
    probe.cluster.crash(first);
    await probe.cluster.advance('1m');
    expect(probe.started).toHaveLength(2);
    expect(probe.unitOf('a').counters).toMatchObject({ lost: 1 });
    await probe.cluster.advance('1s');
    expect(await lastRun('a')).toMatchObject({ outcome: 'lost', attempt: 2 });
  });

  it('begins no attempt while the registry is away, and begins it when it is back', async () => {
    probe = await probedCluster({ nodes: 1 }, failing);
    await probe.add('a', { retry: { ...FIXED, attempts: 2 }, overlap: 'allow' });
    await probe.cluster.advance('15s');
    probe.cluster.node(0).host.cutLink('requests');
    await probe.cluster.advance('30s');
    expect(probe.started).toHaveLength(1);
    probe.cluster.node(0).host.cutLink('none');
    await probe.cluster.advance('20s');
    expect(probe.started).toHaveLength(2);
    expect(probe.unitOf('a').counters).toMatchObject({ failed: 1 });
  });

  it('ends as failed where its task was cancelled before anybody went on with it', async () => {
    probe = await probedCluster({ nodes: 2 }, failing);
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('5s');
    const { first, other } = probe.firstAndOther();
    await probe.cluster.during(other.service.cancelTask('a'));
    probe.cluster.crash(first);
    await probe.cluster.advance('1m');
    expect(probe.started).toHaveLength(1);
    expect(probe.unitOf('a').counters).toMatchObject({ failed: 1 });
  });

  it('can be cancelled', async () => {
    probe = await probedCluster({ nodes: 1 }, failing);
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('5s');
    expect(
      await probe.cluster.during(probe.cluster.node(0).service.cancelRun(probe.started[0]!.run.id, 'enough')),
    ).toBe(true);
    await probe.cluster.advance('1m');
    expect(probe.started).toHaveLength(1);
    expect(await lastRun('a')).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('A run that went on elsewhere', () => {
  afterEach(() => probe.cluster.stop());

  it('is told of by the node that has it, and by none that had it', async () => {
    const errors: string[] = [];
    const note = (message: string): void => void errors.push(message);
    const logger = { log() {}, debug() {}, warn() {}, error: note };
    probe = await probedCluster({ nodes: 2, logger }, ({ attempt }) => (attempt === 1 ? failing() : undefined));
    await probe.add('a', { overlap: 'allow', retry: FIXED });
    await probe.cluster.advance('5s');
    const { first, other } = probe.firstAndOther();
    const told = { first: [] as string[], other: [] as string[] };
    first.service.runEvents$.subscribe(({ type }) => told.first.push(type));
    other.service.runEvents$.subscribe(({ type }) => told.other.push(type));
    first.host.freeze();
    await probe.cluster.advance('40s');
    first.host.unfreeze();
    await probe.cluster.advance('10s');
    expect(await lastRun('a')).toMatchObject({ outcome: 'succeeded', nodeId: other.id });
    expect(told).toEqual({ first: [], other: ['run.started', 'run.succeeded'] });
    expect(errors).toEqual([]);
  });
});

describe('Limits of a run', () => {
  afterEach(() => probe.cluster.stop());

  it('begins no attempt after the deadline of its retries', async () => {
    probe = await probedCluster({ nodes: 1 }, failing);
    await probe.add('a', { retry: { attempts: 10, delay: '10s', backoff: 'fixed', deadline: '35s' } });
    await probe.cluster.advance('2m');
    expect(probe.started).toHaveLength(4);
    expect(await lastRun('a')).toMatchObject({ outcome: 'failed', attempt: 4 });
  });

  it('does not try again after a NoRetryError', async () => {
    probe = await probedCluster({ nodes: 1 }, () => {
      throw new NoRetryError('there is no such invoice');
    });
    await probe.add('a', { retry: FIXED });
    await probe.cluster.advance('2m');
    expect(probe.started).toHaveLength(1);
    expect(await lastRun('a')).toMatchObject({
      outcome: 'failed',
      error: { name: 'NoRetryError', message: 'there is no such invoice' },
    });
  });

  it('aborts the run as a whole when its total timeout is over, be it in an attempt or between two', async () => {
    probe = await probedCluster({ nodes: 1 }, (run) => (run.attempt === 1 ? failing() : untilAborted(run)));
    await probe.add('a', { retry: FIXED, timeout: { attempt: '10s', total: '25s' } });
    await probe.add('b', { retry: FIXED, timeout: { total: '15s' } });
    await probe.cluster.advance('1m');
    const message = expect.stringContaining('total timeout');
    expect(await lastRun('a')).toMatchObject({ outcome: 'timed-out', attempt: 2, error: { message } });
    expect(await lastRun('b')).toMatchObject({ outcome: 'timed-out', attempt: 1, error: { message } });
    const { startedAt, endedAt } = await lastRun('a');
    expect(endedAt - startedAt!).toBeLessThanOrEqual(25_000);
  });

  it('tells of a handler that goes on after its grace, until it ends', async () => {
    let end: () => void = () => undefined;
    const events: SchedulerEvent[] = [];
    probe = await probedCluster({ nodes: 1 }, () => new Promise<void>((resolve) => (end = resolve)));
    const { service, scheduler } = probe.cluster.node(0);
    service.runEvents$.subscribe((event) => events.push(event));
    await probe.add('a', { timeout: '3s', abortGrace: '2s' });
    await probe.cluster.advance('4900ms');
    expect(scheduler.stuck.list()).toEqual([]);
    await probe.cluster.advance('1s');
    const { run, at } = probe.started[0]!;
    expect(scheduler.stuck.list()).toEqual([{ runId: run.id, task: 'a', abortedAt: at + 3_000 }]);
    expect(service.health().degraded).toEqual([expect.stringContaining(`"a"`)]);
    expect(events.map(({ type }) => type)).toEqual(['run.started', 'run.stuck', 'run.timed-out']);
    end();
    await probe.cluster.advance('1s');
    expect(scheduler.stuck.list()).toEqual([]);
    expect(service.health().degraded).toEqual([]);
  });
});
