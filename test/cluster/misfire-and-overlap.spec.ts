import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunRecord, SkipRecord } from '../../lib/core/common/run.js';
import { probedCluster, secondsAfter, type ProbedCluster } from '../support/probe.js';

const EVERY_10S = { cron: '*/10 * * * * *' };

describe('Missed ticks', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  /** One node, frozen for `seconds` from a whole minute on. @returns the instant of the freeze */
  async function away(policies: object, seconds: number): Promise<number> {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: EVERY_10S, ...policies }));
    const from = Math.ceil(cluster.clock.now() / 60_000) * 60_000;
    await cluster.advance(from + 5_000 - cluster.clock.now());
    probe.started.length = 0;
    host.freeze();
    await cluster.advance(seconds * 1_000);
    host.unfreeze();
    await cluster.clock.advanceUntil(() => service.state === 'working');
    await cluster.advance('3s');
    return from;
  }

  async function history(): Promise<(RunRecord | SkipRecord)[]> {
    const { cluster } = probe;
    return cluster.during(cluster.node(0).service.listRuns({ task: 'a' }));
  }

  it('fire-once: the latest runs, the earlier are coalesced into one record', async () => {
    const from = await away({ misfire: 'fire-once' }, 120);
    expect(secondsAfter(from, probe.of('a'))[0]).toBe(120);
    expect(probe.of('a')[0]!.trigger).toBe('misfire');
    const skips = (await history()).filter((record) => record.kind === 'skip');
    expect(skips).toMatchObject([{ reason: 'coalesced', count: 11, from: from + 10_000, to: from + 110_000 }]);
  });

  it('fire-all: each runs in order with its own tick, up to the limit', async () => {
    const from = await away({ misfire: 'fire-all', misfireLimit: 5, overlap: 'skip' }, 120);
    expect(secondsAfter(from, probe.of('a')).slice(0, 5)).toEqual([80, 90, 100, 110, 120]);
    const skips = (await history()).filter((record) => record.kind === 'skip');
    expect(skips).toMatchObject([{ reason: 'over-limit', count: 7 }]);
  });

  it('skip: none runs, all are on record', async () => {
    const from = await away({ misfire: 'skip' }, 118);
    expect(secondsAfter(from, probe.of('a')).every((second) => second > 120)).toBe(true);
    const skips = (await history()).filter((record) => record.kind === 'skip');
    expect(skips).toMatchObject([{ reason: 'misfire-skipped' }]);
  });

  it('a tick older than the deadline never runs, whatever the policy', async () => {
    const from = await away({ misfire: 'fire-all', misfireDeadline: '30s' }, 118);
    expect(secondsAfter(from, probe.of('a'))[0]).toBeGreaterThanOrEqual(90);
    const skips = (await history()).filter((record) => record.kind === 'skip');
    expect(skips).toMatchObject([{ reason: 'too-late' }]);
  });

  it('a new schedule and a resumed task have missed nothing', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: EVERY_10S, disabled: true }));
    await cluster.advance('5m');
    await cluster.during(service.resumeTask('a'));
    await cluster.during(service.updateSchedule('a', { cron: '30 * * * * *' }));
    await cluster.advance('5s');
    expect(probe.started).toEqual([]);
    expect(await history()).toEqual([]);
  });

  it('a forward step of the clock is a misfire, a backward step runs nothing twice', async () => {
    probe = await probedCluster({ nodes: 1, options: { cluster: { ttlMs: 10_000 } } });
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: EVERY_10S }));
    await cluster.advance('25s');
    for (const skew of [-3_600_000, 3_600_000, 0]) {
      host.skewMs = skew;
      await cluster.advance('2m');
    }
    const ticks = probe.of('a').map(({ tick }) => tick!);
    expect(new Set(ticks).size).toBe(ticks.length);
    // the registry tells the time: once it was asked, ticks are on the instant again, whatever the machine says
    expect(probe.of('a').filter(({ at, tick }) => at < tick!)).toEqual([]);
    expect(ticks.at(-1)).toBeGreaterThan(cluster.clock.now() - 15_000);
  });
});

describe('Overlap', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  async function slow(seconds: number, policies: object): Promise<void> {
    probe = await probedCluster(
      { nodes: 2 },
      () => new Promise<void>((end) => probe.cluster.clock.setTimer(seconds * 1_000, end)),
    );
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_10S, ...policies }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    await cluster.advance('95s');
  }

  it('skip: no run beside another, each skip names its blocker', async () => {
    await slow(25, { overlap: 'skip' });
    const { cluster } = probe;
    const first = probe.of('a')[0]!.tick!;
    expect(secondsAfter(first, probe.of('a'))).toEqual([0, 30, 60, 90]);
    const records = await cluster.during(cluster.node(1).service.listRuns({ task: 'a' }));
    const skip = records.find((record) => record.kind === 'skip' && record.from === first + 10_000);
    expect(skip).toMatchObject({ reason: 'overlap', count: 2, blocker: { runId: probe.of('a')[0]!.run.id } });
  });

  it('skip holds across nodes: a new owner waits for the run of the old one', async () => {
    await slow(200, { overlap: 'skip' });
    const { cluster } = probe;
    const runner = cluster.nodes.find(({ id }) => id === probe.of('a')[0]!.node)!;
    void runner.service.drain(); // hands its units over while its run goes on
    await cluster.advance('60s');
    expect(probe.of('a')).toHaveLength(1);
    await cluster.advance('60s');
    expect(probe.of('a').length).toBeGreaterThan(1);
    expect(probe.of('a')[1]!.at).toBeGreaterThanOrEqual(probe.of('a')[0]!.at + 200_000);
  });

  it('allow: runs side by side, up to maxParallel', async () => {
    await slow(25, { overlap: 'allow', maxParallel: 2 });
    const first = probe.of('a')[0]!.tick!;
    expect(secondsAfter(first, probe.of('a'))).toEqual([0, 10, 30, 40, 60, 70, 90]);
  });

  it('fire-all waits for the run before instead of skipping what it is to make up for', async () => {
    probe = await probedCluster(
      { nodes: 1 },
      () => new Promise<void>((end) => probe.cluster.clock.setTimer(2_000, end)),
    );
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: EVERY_10S, misfire: 'fire-all' }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    await cluster.advance('5s');
    const first = probe.of('a')[0]!.tick!;
    host.freeze();
    await cluster.advance('60s');
    host.unfreeze();
    await cluster.advance('40s');
    const ticks = secondsAfter(first, probe.of('a'));
    expect(ticks.slice(0, 8)).toEqual([0, 10, 20, 30, 40, 50, 60, 70]);
  });
});
