import { afterEach, describe, expect, it } from '@jest/globals';
import type { SkipRecord } from '../../lib/core/common/run.js';
import { probedCluster, secondsAfter, type ProbedCluster } from '../support/probe.js';

const EVERY_10S = { cron: '*/10 * * * * *' };
const BREAKER = { circuitBreaker: { threshold: 3, halfOpenAfter: '35s' } };

let probe: ProbedCluster;
let from: number;
let isBroken = true;

async function task(policies: object, nodes = 2): Promise<void> {
  isBroken = true;
  probe = await probedCluster({ nodes }, () => {
    if (isBroken) throw new Error('the service is down');
  });
  const { cluster } = probe;
  await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_10S, ...policies }));
  from = Math.ceil(cluster.clock.now() / 10_000) * 10_000;
  await cluster.advance(from - cluster.clock.now());
}

const ticks = (): number[] => secondsAfter(from, probe.started);

async function status() {
  const { cluster } = probe;
  return cluster.during(cluster.node(0).service.getTaskStatus('a'));
}

describe('A circuit breaker', () => {
  afterEach(() => probe.cluster.stop());

  it('skips ticks after so many failures in a row, then lets one probe', async () => {
    await task(BREAKER);
    await probe.cluster.advance('25s');
    expect(await status()).toMatchObject({ circuit: 'open', failures: 3 });
    await probe.cluster.advance('34s');
    expect(ticks()).toEqual([0, 10, 20]);
    await probe.cluster.advance('2s');
    expect(ticks()).toEqual([0, 10, 20, 60]); // open from second 20 to 55
    await probe.cluster.advance('1m');
    expect(ticks()).toEqual([0, 10, 20, 60, 100]); // the probe failed: open from second 60 to 95
    const { cluster } = probe;
    const records = await cluster.during(cluster.node(0).service.listRuns({ task: 'a' }));
    const skipped = records.filter((record): record is SkipRecord => record.kind === 'skip').map((skip) => skip);
    expect(skipped.at(-1)).toMatchObject({ reason: 'circuit-open', count: 3, from: from + 30_000, to: from + 50_000 });
  });

  it('closes when the probe succeeds', async () => {
    await task(BREAKER);
    await probe.cluster.advance('30s');
    isBroken = false;
    await probe.cluster.advance('61s');
    expect(ticks()).toEqual([0, 10, 20, 60, 70, 80, 90]);
    expect(await status()).toMatchObject({ circuit: 'closed', failures: 0 });
  });

  it('counts failures in a row, on whatever node they are', async () => {
    await task(BREAKER, 3);
    await probe.cluster.advance('15s');
    isBroken = false;
    await probe.cluster.advance('10s');
    isBroken = true;
    await probe.cluster.advance('6s');
    probe.cluster.crash(probe.cluster.nodes.find(({ id }) => id === probe.started.at(-1)!.node)!);
    await probe.cluster.advance('1m');
    expect((await status()).failures).toBeGreaterThanOrEqual(3);
    expect((await status()).circuit).not.toBe('closed');
  });

  it('is closed anew by a resume', async () => {
    await task(BREAKER);
    const { cluster } = probe;
    await cluster.advance('25s');
    await cluster.during(cluster.node(0).service.pauseTask('a'));
    await cluster.during(cluster.node(1).service.resumeTask('a'));
    await cluster.advance('10s');
    expect(ticks()).toEqual([0, 10, 20, 30]);
    expect(await status()).toMatchObject({ circuit: 'closed', failures: 1 });
  });

  it('keeps no run away that is asked for, nor does a pause; its failure counts, its success closes', async () => {
    await task(BREAKER);
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.advance('25s');
    await cluster.during(service.pauseTask('a'));
    const ask = async () => cluster.during((await cluster.during(service.runTask('a'))).result());
    expect(await ask()).toMatchObject({ outcome: 'failed', trigger: 'manual' });
    expect(await status()).toMatchObject({ circuit: 'open', failures: 4 });
    isBroken = false;
    expect(await ask()).toMatchObject({ outcome: 'succeeded' });
    expect(await status()).toMatchObject({ circuit: 'closed', failures: 0 });
    expect(service.getTask('a')!.state).toBe('paused');
  });

  it('lets a single probe run where runs may overlap', async () => {
    const never = new Promise(() => undefined);
    await task({ ...BREAKER, overlap: 'allow' });
    const { cluster } = probe;
    await cluster.advance('25s');
    for (const { scheduler } of cluster.nodes) {
      scheduler.handlers.remove('*');
      scheduler.handlers.add('*', () => (probe.started.push(probe.started[0]!), never), 'test');
    }
    await cluster.advance('1m');
    expect(probe.started).toHaveLength(4);
  });
});

describe('pauseAfter', () => {
  afterEach(() => probe.cluster.stop());

  it('pauses the task after so many failures in a row, and says why', async () => {
    await task({ pauseAfter: 3 });
    await probe.cluster.advance('1m');
    expect(ticks()).toEqual([0, 10, 20]);
    const view = probe.cluster.node(1).service.getTask('a');
    expect(view).toMatchObject({ state: 'paused', note: 'paused after 3 failed runs in a row' });
    await probe.cluster.during(probe.cluster.node(0).service.resumeTask('a'));
    await probe.cluster.advance('1m');
    expect(ticks()).toHaveLength(6);
  });

  it('pauses it when the last of them ends, not at the tick after that', async () => {
    await task({ pauseAfter: 2, schedule: { cron: '*/10 * * * *' } }, 1);
    const { cluster } = probe;
    await cluster.clock.advanceUntil(() => probe.started.length === 2, '25m');
    await cluster.advance('1m');
    expect(cluster.node(0).service.getTask('a')).toMatchObject({ state: 'paused' });
  });

  it.each([0, 1])('counts runs that were asked for too, on whatever node (%i)', async (asked) => {
    await task({ pauseAfter: 3, schedule: { cron: '0 0 1 1 *' } });
    const { cluster } = probe;
    for (let count = 0; count < 3; count++) {
      expect(cluster.node(0).service.getTask('a')!.state).toBe('active');
      const handle = await cluster.during(cluster.node(asked).service.runTask('a'));
      await cluster.during(handle.result());
    }
    await cluster.advance('5s');
    for (const { service } of cluster.nodes) expect(service.getTask('a')!.state).toBe('paused');
  });

  it('leaves a task completed that had its last run', async () => {
    await task({ pauseAfter: 1, maxRuns: 1 });
    await probe.cluster.advance('15s');
    expect(probe.cluster.node(0).service.getTask('a')).toMatchObject({ state: 'completed' });
  });

  it('does not count a failure before a success', async () => {
    await task({ pauseAfter: 3 });
    await probe.cluster.advance('15s');
    isBroken = false;
    await probe.cluster.advance('10s');
    isBroken = true;
    await probe.cluster.advance('15s');
    expect(probe.cluster.node(0).service.getTask('a')!.state).toBe('active');
    await probe.cluster.advance('10s');
    expect(ticks()).toEqual([0, 10, 20, 30, 40, 50].slice(0, ticks().length));
  });
});
