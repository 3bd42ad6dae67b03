import { afterEach, describe, expect, it } from '@jest/globals';
import type { SkipRecord } from '../../lib/core/common/run.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import { probedCluster, secondsAfter, type ProbedCluster } from '../support/probe.js';

const EVERY_10S = { cron: '*/10 * * * * *' };

let probe: ProbedCluster;
let from: number;

/** A task that ticks every ten seconds, the first time at second 0. */
async function task(policies: object, nodes: number, work: (run: TaskRun) => unknown): Promise<void> {
  probe = await probedCluster({ nodes }, work);
  const { cluster } = probe;
  const node = cluster.node(0);
  await cluster.during(node.service.addTask({ name: 'a', schedule: EVERY_10S, ...policies }));
  from = Math.ceil(cluster.clock.now() / 10_000) * 10_000;
  await cluster.advance(from - cluster.clock.now());
}

function unit(): UnitState {
  const [entry] = probe.cluster.store.list('test/units/a@', {}).entries;
  return JSON.parse(entry!.value) as UnitState;
}

async function skips(): Promise<SkipRecord[]> {
  const { cluster } = probe;
  const records = await cluster.during(cluster.node(0).service.listRuns({ task: 'a' }));
  return records.filter((record): record is SkipRecord => record.kind === 'skip');
}

/** Takes so many seconds, or less when it is aborted. */
const lasting = (seconds: number, { signal }: Pick<TaskRun, 'signal'>): Promise<void> =>
  new Promise((end, fail) => {
    probe.cluster.clock.setTimer(seconds * 1_000, end);
    signal.addEventListener('abort', () => fail(signal.reason as Error));
  });

/** When they started and the ticks they stand for, in seconds. */
const starts = (): [at: number, tick: number][] =>
  probe.started.map((start) => [Math.round((start.at - from) / 100) / 10, secondsAfter(from, [start])[0]!]);

describe("overlap: 'queue'", () => {
  afterEach(() => probe.cluster.stop());

  it('lets the latest tick wait for the run in its way, and skips those before it', async () => {
    await task({ overlap: 'queue' }, 1, (run) => lasting(probe.started.length === 1 ? 35 : 1, run));
    await probe.cluster.advance('49s');
    expect(starts()).toEqual([
      [0, 0],
      [35, 30],
      [40, 40],
    ]);
    const [first] = probe.started;
    expect(await skips()).toMatchObject([
      { reason: 'overlap', count: 2, from: from + 10_000, to: from + 20_000, blocker: { runId: first!.run.id } },
    ]);
    expect(probe.started[1]!.trigger).toBe('schedule');
    expect(unit().counters).toEqual({ claimed: 3, succeeded: 3, overlap: 2 });
  });

  it('tells of a stretch of skipped ticks anew as it grows: the later event replaces the earlier', async () => {
    await task({}, 1, (run) => lasting(35, run));
    const told: SkipRecord[] = [];
    probe.cluster.node(0).service.events$.subscribe(({ type, data }) => {
      if (type === 'tick.skipped') told.push(data);
    });
    await probe.cluster.advance('34s');
    expect(told.map((skip) => [skip.reason, skip.from - from, skip.to - from, skip.count])).toEqual([
      ['overlap', 10_000, 10_000, 1],
      ['overlap', 10_000, 20_000, 2],
      ['overlap', 10_000, 30_000, 3],
    ]);
    expect(await skips()).toEqual([told.at(-1)]);
  });

  it('shows the tick that waits', async () => {
    await task({ overlap: 'queue' }, 1, (run) => lasting(35, run));
    await probe.cluster.advance('12s');
    const { cluster } = probe;
    const status = await cluster.during(cluster.node(0).service.getTaskStatus('a'));
    expect(status).toMatchObject({ queued: new Date(from + 10_000), circuit: 'closed', failures: 0 });
    expect(status.running).toMatchObject([{ id: probe.started[0]!.run.id, tick: new Date(from) }]);
  });

  it('lets it run also when the owner dies and another node takes over', async () => {
    await task({ overlap: 'queue' }, 3, (run) => lasting(probe.started.length === 1 ? 35 : 1, run));
    await probe.cluster.advance('12s');
    const first = probe.cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    const blocker = { runId: probe.started[0]!.run.id, nodeId: first.id };
    expect(unit().queued).toEqual({ tick: from + 10_000, trigger: 'schedule', blocker });
    probe.cluster.crash(first);
    await probe.cluster.advance('30s');
    expect(starts().map(([, tick]) => tick)).toEqual([0, 10, 20, 30, 40]);
    expect(probe.started[1]!.node).not.toBe(first.id);
    expect(unit().queued).toBeUndefined();
  });

  it('gives up on a tick that waits longer than its deadline', async () => {
    await task({ overlap: 'queue', misfireDeadline: '15s', endAt: new Date(from_(10)) }, 1, (run) => lasting(60, run));
    await probe.cluster.advance('70s');
    expect(starts()).toEqual([[0, 0]]);
    expect(await skips()).toMatchObject([{ reason: 'too-late', count: 1, from: from + 10_000 }]);
    expect(probe.cluster.node(0).service.getTask('a')!.state).toBe('completed');
  });

  it('drops it when the task is paused meanwhile', async () => {
    await task({ overlap: 'queue' }, 1, (run) => lasting(probe.started.length === 1 ? 25 : 1, run));
    const { cluster } = probe;
    await cluster.advance('12s');
    await cluster.during(cluster.node(0).service.pauseTask('a'));
    await cluster.advance('20s');
    expect(starts()).toEqual([[0, 0]]);
    await cluster.during(cluster.node(0).service.resumeTask('a'));
    await cluster.advance('10s');
    expect(starts().map(([, tick]) => tick)).toEqual([0, 40]);
    expect(unit().queued).toBeUndefined();
    expect(await skips()).toMatchObject([
      { reason: 'overlap', from: from + 10_000, blocker: { runId: probe.started[0]!.run.id } },
    ]);
  });

  it('drops it when its task has had its runs meanwhile', async () => {
    await task({ overlap: 'queue' }, 1, (run) => lasting(probe.started.length === 1 ? 25 : 1, run));
    const { cluster } = probe;
    await cluster.advance('12s');
    const { service } = cluster.node(0);
    await cluster.during(service.putTask({ name: 'a', schedule: EVERY_10S, overlap: 'queue', maxRuns: 1 }));
    await cluster.advance('1m');
    expect(starts()).toEqual([[0, 0]]);
    expect(unit().queued).toBeUndefined();
    expect(await skips()).toMatchObject([
      { reason: 'overlap', from: from + 10_000, blocker: { runId: probe.started[0]!.run.id } },
    ]);
    expect(service.getTask('a')!.state).toBe('completed');
  });

  it('lets a standby run it where the owner cannot, and nothing before it', async () => {
    probe = await probedCluster({ nodes: 2 }, (run) =>
      lasting(run.task === 'b' ? 600 : probe.started.length === 1 ? 65 : 1, run),
    );
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: { every: '60s' }, overlap: 'queue' }));
    await cluster.clock.advanceUntil(() => unit().queued !== undefined);
    const [first] = probe.of('a');
    from = first!.tick!;
    const owner = cluster.nodes.find(({ id }) => id === first!.node)!;
    const at = owner.service;
    await cluster.during(at.addTask({ name: 'b', schedule: { cron: '0 0 1 1 *' }, handler: 'a' }));
    await cluster.during(at.runTask('b'));
    at.setConcurrency(1);
    await cluster.advance('150s');
    expect(probe.of('a').map((start) => [start.node === owner.id, secondsAfter(from, [start])[0]])).toEqual([
      [true, 0],
      [false, 60],
      [false, 180],
    ]);
  });

  it('lets as many run at once as maxParallel says', async () => {
    await task({ overlap: 'queue', maxParallel: 2 }, 2, (run) => lasting(25, run));
    await probe.cluster.advance('59s');
    expect(starts()).toEqual([
      [0, 0],
      [10, 10],
      [25, 20],
      [35, 30],
      [50, 40],
    ]);
  });

  it('makes a run that is asked for wait its turn', async () => {
    await task({ overlap: 'queue' }, 2, (run) => lasting(probe.started.length === 1 ? 5 : 1, run));
    const { cluster } = probe;
    await cluster.advance('1s');
    await cluster.during(cluster.node(1).service.runTask('a'));
    await cluster.advance('1s');
    expect(starts().map(([at]) => at)[1]).toBeGreaterThanOrEqual(5);
    expect(probe.started[1]!.trigger).toBe('manual');
  });
});

describe("overlap: 'replace'", () => {
  afterEach(() => probe.cluster.stop());

  it.each([1, 3])('aborts the run in its way, on whatever node it is (%i nodes)', async (nodes) => {
    await task({ overlap: 'replace' }, nodes, (run) => lasting(probe.started.length === 1 ? 60 : 1, run));
    await probe.cluster.advance('19s');
    expect(starts().map(([, tick]) => tick)).toEqual([0, 10]);
    expect(starts()[1]![0]).toBeLessThan(11);
    const { cluster } = probe;
    const [, first] = await cluster.during(cluster.node(0).service.listRuns({ task: 'a' }));
    expect(first).toMatchObject({ outcome: 'cancelled', error: { message: expect.stringContaining('a newer tick') } });
  });

  it('aborts it across nodes within a moment', async () => {
    await task({ overlap: 'replace' }, 2, (run) => lasting(run.trigger === 'manual' ? 60 : 1, run));
    const { cluster } = probe;
    await cluster.advance('2s');
    const owner = cluster.nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
    const other = cluster.nodes.find((node) => node !== owner)!;
    await cluster.during(other.service.runTask('a'));
    await cluster.advance('17s');
    expect(starts().at(-1)).toEqual([expect.any(Number), 10]);
    expect(starts().at(-1)![0]).toBeLessThan(10.5);
  });

  it('waits for its grace where it ignores its signal, and no longer', async () => {
    await task({ overlap: 'replace', abortGrace: '3s' }, 1, () => new Promise(() => undefined));
    await probe.cluster.advance('19s');
    expect(starts()).toEqual([
      [0, 0],
      [13, 10],
    ]);
  });
});

/** The instant so many seconds after the first tick, which is not known before the cluster is made. */
function from_(seconds: number): number {
  return Date.UTC(2030, 0, 1, 0, 0, 10) + seconds * 1_000;
}
