import { afterEach, describe, expect, it } from '@jest/globals';
import { of } from 'rxjs';
import { DistributedScheduleError } from '../../lib/core/common/errors.js';
import type { RunRecord } from '../../lib/core/common/run.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

describe('Execution', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  async function lastRun(task: string): Promise<RunRecord> {
    const { cluster } = probe;
    const [last] = await cluster.during(cluster.node(0).service.listRuns({ task }));
    return last as RunRecord;
  }

  it.each([
    [
      'an Error',
      () => {
        throw new Error('boom');
      },
      { name: 'Error', message: 'boom' },
    ],
    [
      'a string',
      () => {
        throw 'boom';
      },
      { message: 'boom' },
    ],
    ['nothing', () => Promise.reject(undefined), { message: 'undefined' }],
    [
      'a rejection',
      async () => {
        throw new TypeError('later');
      },
      { name: 'TypeError', message: 'later' },
    ],
  ])('records a handler that throws %s, and goes on', async (_what, work, error) => {
    probe = await probedCluster({ nodes: 1 }, work);
    await probe.cluster.during(probe.cluster.node(0).service.addTask({ name: 'a', schedule: { every: '10s' } }));
    await probe.cluster.advance('35s');
    expect(probe.started).toHaveLength(3);
    expect(await lastRun('a')).toMatchObject({ outcome: 'failed', error });
  });

  it.each([
    ['a value', () => ({ rows: 3 }), { rows: 3 }],
    ['a promise', async () => 'done', 'done'],
    ['an observable', () => of(1, 2), 2],
    ['a BigInt', () => 10n, '10'],
    ['what cannot be stored', () => 'x'.repeat(10_000), expect.stringContaining('not kept')],
    ['nothing', () => undefined, undefined],
  ])('keeps what a handler gives: %s', async (_what, work, result) => {
    probe = await probedCluster({ nodes: 1 }, work);
    await probe.cluster.during(probe.cluster.node(0).service.addTask({ name: 'a', schedule: 'now' }));
    await probe.cluster.advance('1s');
    const run = await lastRun('a');
    expect(run.outcome).toBe('succeeded');
    expect(run.result).toEqual(result);
  });

  it('tells the handler everything about its run', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    await cluster.during(
      cluster
        .node(0)
        .service.addTask({ name: 'a', handler: 'elsewhere', schedule: { cron: '*/10 * * * * *' }, payload: { x: 1 } }),
    );
    await cluster.advance('10s');
    const { run, at } = probe.started[0]!;
    expect(run).toMatchObject({
      task: 'a',
      unit: 'a',
      attempt: 1,
      trigger: 'schedule',
      nodeId: 'node-1',
      payload: { x: 1 },
    });
    expect(run.tick!.getTime()).toBe(at);
    expect(run.startedAt.getTime()).toBe(at);
    expect(run.nextTick!.getTime()).toBe(at + 10_000);
    expect(run.previousTick!.getTime()).toBe(at - 10_000);
    await cluster.advance('10s');
    expect(probe.started[1]!.run.previousTick).toEqual(run.tick);
    expect(run.signal.aborted).toBe(false);
    expect(typeof run.fencingToken).toBe('bigint');
  });

  it('tells a handler the tick before its own, also in another attempt, and none where no tick stands behind the run', async () => {
    probe = await probedCluster({ nodes: 1 }, ({ task, attempt }) => {
      if (task === 'a' && attempt === 1) throw new Error('boom');
    });
    const { cluster } = probe;
    const policies = { jitter: '5m', retry: { attempts: 2, delay: '1s' }, timeout: '10s' };
    await probe.add('a', policies, { cron: '0 3,5 * * *' });
    await probe.add('b', {}, { every: '2h' });
    await cluster.during(cluster.node(0).service.runTask('b'));
    await cluster.advance('6h');
    const runsOf = (task: string) => probe.of(task).map(({ run }) => run);
    const before = [new Date('2029-12-31T05:00:00Z'), new Date('2030-01-01T03:00:00Z')];
    expect(runsOf('a').map(({ previousTick }) => previousTick)).toEqual([before[0], before[0], before[1], before[1]]);
    const [byHand, first, second] = runsOf('b');
    expect([byHand!.previousTick, first!.previousTick]).toEqual([undefined, undefined]);
    expect(second!.previousTick).toEqual(first!.tick);
  });

  it('aborts an attempt that takes too long, by its signal', async () => {
    probe = await probedCluster(
      { nodes: 1 },
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: 'now', timeout: '3s' }));
    await cluster.advance('10s');
    const run = await lastRun('a');
    const message = expect.stringContaining('3000 ms');
    expect(run).toMatchObject({ outcome: 'timed-out', error: { message, code: 'RUN_TIMEOUT' } });
    expect(run.endedAt - run.startedAt!).toBe(3_000);
  });

  it('records a handler as failed that waited in vain for another run', async () => {
    probe = await probedCluster({ nodes: 1 }, () => {
      const what = 'Run b~1 of task "b" has not ended within 10 ms; it goes on';
      throw new DistributedScheduleError('RUN_TIMEOUT', what, { task: 'b', runId: 'b~1' });
    });
    await probe.cluster.during(probe.cluster.node(0).service.addTask({ name: 'a', schedule: 'now' }));
    await probe.cluster.advance('2s');
    expect(await lastRun('a')).toMatchObject({ outcome: 'failed', error: { message: expect.stringContaining('b~1') } });
  });

  it('gives up on a handler that ignores its signal, after a grace in which nothing overlaps with it', async () => {
    probe = await probedCluster({ nodes: 1 }, () => new Promise(() => undefined));
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: { every: '2s' }, timeout: '3s' }));
    await cluster.advance('10500ms');
    expect(probe.started).toHaveLength(2);
    expect(probe.started[1]!.at - probe.started[0]!.at).toBe(8_000);
  });

  it('retries within the run, with growing waits, and counts the attempts', async () => {
    probe = await probedCluster({ nodes: 1 }, ({ attempt }) => {
      if (attempt < 4) throw new Error(`attempt ${attempt}`);
      return 'at last';
    });
    const { cluster } = probe;
    const retry = { attempts: 5, delay: '1s', backoff: 'linear' } as const;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: 'now', retry }));
    await cluster.advance('30s');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(new Set(probe.started.map(({ run }) => run.id)).size).toBe(1);
    probe.started
      .slice(1)
      .forEach(({ at }, index) => expect(at - probe.started[index]!.at).toBeLessThanOrEqual(1_000 * (index + 1)));
    expect(await lastRun('a')).toMatchObject({ outcome: 'succeeded', attempt: 4, result: 'at last' });
  });

  it('runs no more at once than it has slots, higher priority first, and can be given more', async () => {
    const going: string[] = [];
    const ends: (() => void)[] = [];
    let most = 0;
    probe = await probedCluster({ nodes: 1, options: { concurrency: 2 } }, ({ task }) => {
      going.push(task);
      most = Math.max(most, going.length);
      return new Promise<void>((end) =>
        ends.push(() => {
          going.splice(going.indexOf(task), 1);
          end();
        }),
      );
    });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    const at = new Date(cluster.clock.now() + 5_000);
    for (const [name, priority] of [
      ['low', -1],
      ['mid', 0],
      ['mid2', 0],
      ['high', 9],
      ['higher', 10],
    ] as const) {
      await cluster.during(service.addTask({ name, schedule: { at }, priority, misfire: 'fire-once' }));
    }
    await cluster.advance('5500ms');
    expect(going).toHaveLength(2);
    const first = [...going];
    for (let i = 0; i < 5; i++) {
      ends.shift()?.();
      await cluster.advance(10);
    }
    expect(most).toBe(2);
    const later = probe.started.map(({ task }) => task).filter((task) => !first.includes(task));
    const rank = ['higher', 'high', 'mid', 'mid2', 'low'];
    expect(later).toEqual([...later].sort((a, b) => rank.indexOf(a) - rank.indexOf(b)));
    service.setConcurrency(5);
    ends.forEach((end) => end());
    await cluster.advance('1s');
    expect(probe.started).toHaveLength(5);
  });

  it('a full node claims nothing, and the standby takes what it lets pass', async () => {
    probe = await probedCluster(
      { nodes: 2, options: { concurrency: 1 } },
      () => new Promise<void>((end) => probe.cluster.clock.setTimer(30_000, end)),
    );
    const { cluster } = probe;
    const at = new Date(cluster.clock.now() + 60_000);
    const { service } = cluster.node(0);
    const name = (i: number): string => `t${i}`;
    for (let i = 0; i < 2; i++) await cluster.during(service.addTask({ name: name(i), schedule: { at } }));
    const owners = cluster.nodes.map((node) => node.service.listOwnTasks().length);
    await cluster.advance('70s');
    expect(new Set(probe.started.map(({ node }) => node)).size).toBe(2);
    if (Math.max(...owners) === 2) expect(probe.started[1]!.at - at.getTime()).toBeGreaterThanOrEqual(2_000);
    expect(probe.started).toHaveLength(2);
  });

  it('runs a task by hand, under its own overlap policy', async () => {
    probe = await probedCluster(
      { nodes: 2 },
      () => new Promise<string>((end) => probe.cluster.clock.setTimer(5_000, () => end('ok'))),
    );
    const { cluster } = probe;
    const [a, b] = cluster.nodes.map(({ service }) => service);
    await cluster.during(a!.addTask({ name: 'a', schedule: { cron: '0 0 1 1 *' }, payload: 'stored' }));
    await cluster.advance('1s');
    const handle = await cluster.during(b!.runTask('a', { payload: 'given' }));
    await cluster.advance('1s');
    await expect(cluster.during(a!.runTask('a'))).rejects.toMatchObject({
      code: 'TASK_RUNNING',
      message: expect.stringContaining(handle.id),
    });
    const record = await cluster.during(handle.result());
    expect(record).toMatchObject({
      id: handle.id,
      outcome: 'succeeded',
      trigger: 'manual',
      nodeId: b!.nodeId,
      result: 'ok',
    });
    expect(record.tick).toBeUndefined();
    expect(probe.started[0]!.run.payload).toBe('given');
    await cluster.during(a!.runTask('a'));
  });

  it('cancels a run by its signal', async () => {
    probe = await probedCluster(
      { nodes: 1 },
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: { cron: '0 0 1 1 *' }, retry: { attempts: 3 } }));
    const handle = await cluster.during(service.runTask('a'));
    await cluster.advance('1s');
    expect(await cluster.during(service.cancelRun(handle.id, 'not needed'))).toBe(true);
    expect(await cluster.during(handle.result())).toMatchObject({
      outcome: 'cancelled',
      error: { message: expect.stringContaining('not needed') },
    });
    expect(probe.started).toHaveLength(1);
    expect(await cluster.during(service.cancelRun(handle.id))).toBe(false);
  });

  it.each([
    ['is cancelled', { timeout: '30s' }, true],
    ['is at the end of its whole time', { timeout: { total: '30s' } }, false],
    ['and its attempt are at the end of their time at once', { timeout: { attempt: '30s', total: '30s' } }, false],
  ])('tells once of a handler that is stuck when its run %s', async (_when, policies, isCancelled) => {
    probe = await probedCluster({ nodes: 1 }, () => new Promise(() => undefined));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    const told: string[] = [];
    service.events$.subscribe(({ type }) => told.push(type));
    await probe.add('a', { ...policies, abortGrace: '5s' });
    await cluster.advance('10s');
    if (isCancelled) await cluster.during(service.cancelRun(probe.of('a')[0]!.run.id));
    await cluster.advance('5m');
    expect(told.filter((type) => type.startsWith('run.'))).toEqual([
      'run.started',
      'run.stuck',
      isCancelled ? 'run.cancelled' : 'run.timed-out',
    ]);
    expect(service.health().degraded).toHaveLength(1);
  });
});
