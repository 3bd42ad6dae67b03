import { afterEach, describe, expect, it } from '@jest/globals';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import type { TestClusterOptions, TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, secondsAfter, type ProbedCluster } from '../support/probe.js';

const MINUTE = 60_000;
const EVERY_10S = { cron: '*/10 * * * * *' };
/** The cluster begins then. */
const BEGIN = Date.UTC(2030, 0, 1);

let probe: ProbedCluster;
let work: (run: TaskRun) => unknown;
afterEach(() => probe.cluster.stop());

async function begin(options: TestClusterOptions = {}): Promise<void> {
  work = () => undefined;
  probe = await probedCluster({ nodes: 3, ...options }, (run) => work(run) as void);
}

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));
const service = (): SchedulerService => probe.cluster.nodes.find((node) => node.service.state === 'working')!.service;
const owner = (): TestNode => probe.cluster.nodes.find((node) => node.service.listOwnTasks().length > 0)!;
const add = (task: Partial<TaskInput>) => during(service().addTask({ name: 'a', schedule: EVERY_10S, ...task }));
const put = (task: Partial<TaskInput>) => during(service().putTask({ name: 'a', schedule: EVERY_10S, ...task }));
const until = (instant: number): Promise<void> => probe.cluster.advance(instant - probe.cluster.clock.now());
/** Ticks that have run, as seconds after the beginning. */
const ran = (): number[] => secondsAfter(BEGIN, probe.of('a'));
const state = (): string | undefined =>
  service()
    .listTasks({ state: ['active', 'paused', 'completed', 'deleted'] })
    .find(({ name }) => name === 'a')?.state;

describe('startAt and endAt', () => {
  it('are both included, and the task is completed after the last tick', async () => {
    await begin();
    const view = await add({ startAt: new Date(BEGIN + 40_000), endAt: BEGIN + 70_000 });
    expect(view.nextTick?.getTime()).toBe(BEGIN + 40_000);
    await until(BEGIN + 71_000);
    expect(ran()).toEqual([40, 50, 60, 70]);
    await until(BEGIN + 5 * MINUTE);
    expect(ran()).toEqual([40, 50, 60, 70]);
    expect(service().getTask('a')).toMatchObject({ state: 'completed' });
    expect(service().getTask('a')).not.toHaveProperty('nextTick');
    expect(service().nextTicks('a')).toEqual([]);
  });

  it('a millisecond beside a tick they leave it out', async () => {
    await begin();
    await add({ startAt: BEGIN + 40_001, endAt: BEGIN + 69_999 });
    await until(BEGIN + 5 * MINUTE);
    expect(ran()).toEqual([50, 60]);
  });

  it('as text without an offset they are local times in the zone of the module', async () => {
    await begin({ options: { timeZone: 'Asia/Kolkata' } });
    await add({ startAt: '2030-01-01T05:31:00', endAt: '2030-01-01T05:31:20' });
    await until(BEGIN + 5 * MINUTE);
    expect(ran()).toEqual([60, 70, 80]);
  });

  it('of which one has an offset and the other has none, they are compared as the instants they are', async () => {
    await begin({ options: { timeZone: 'America/New_York' } });
    const first = '2030-01-01T00:01:00Z';
    await add({ startAt: first, endAt: '2029-12-31T19:01:20' });
    await until(BEGIN + 5 * MINUTE);
    expect(ran()).toEqual([60, 70, 80]);
    const none = during(
      service().addTask({
        name: 'b',
        schedule: EVERY_10S,
        startAt: '2030-01-01T10:00:00Z',
        endAt: '2030-01-01T04:00:00',
      }),
    );
    await expect(none).rejects.toMatchObject({ code: 'INVALID_TASK', message: expect.stringContaining('endAt') });
  });

  it('an interval has its first tick at startAt, also where that has passed', async () => {
    await begin();
    await add({ schedule: { every: '40s' }, startAt: BEGIN + 55_000 });
    await until(BEGIN + 3 * MINUTE);
    expect(ran()).toEqual([55, 95, 135, 175]);
    await during(service().addTask({ name: 'b', schedule: { every: '40s' }, startAt: BEGIN + 5_000 }));
    await until(BEGIN + 5 * MINUTE);
    expect(secondsAfter(BEGIN, probe.of('b'))).toEqual([205, 245, 285]);
  });

  it('an interval that is given anew keeps to startAt', async () => {
    await begin();
    await add({ schedule: { every: '40s' }, startAt: BEGIN + 15_000 });
    await until(BEGIN + MINUTE);
    await during(service().updateSchedule('a', { every: '30s' }));
    await until(BEGIN + 3 * MINUTE);
    expect(ran()).toEqual([15, 55, 75, 105, 135, 165]);
  });

  it('endAt passes while the task is paused: resumed, it is completed without a run', async () => {
    await begin();
    await add({ endAt: BEGIN + 60_000 });
    await until(BEGIN + 25_000);
    await during(service().pauseTask('a'));
    await until(BEGIN + 5 * MINUTE);
    expect(state()).toBe('paused');
    await during(service().resumeTask('a'));
    await probe.cluster.advance('2s');
    expect(state()).toBe('completed');
    expect(ran()).toEqual([10, 20]);
  });

  it('endAt passes while the last tick is late: it runs, then the task is completed', async () => {
    await begin();
    await add({ endAt: BEGIN + 60_000 });
    await until(BEGIN + 45_000);
    for (const { host } of probe.cluster.nodes) host.freeze();
    await until(BEGIN + 3 * MINUTE);
    for (const { host } of probe.cluster.nodes) host.unfreeze();
    await probe.cluster.advance('1m');
    expect(ran()).toEqual([10, 20, 30, 40, 60]);
    expect(probe.started.at(-1)!.trigger).toBe('misfire');
    expect(state()).toBe('completed');
  });

  it('completed only after the run of its last tick', async () => {
    await begin();
    work = ({ tick }) => (tick!.getTime() === BEGIN + 30_000 ? pass(50_000) : undefined);
    await add({ endAt: BEGIN + 30_000, afterRun: 'purge' });
    await until(BEGIN + 75_000);
    expect(state()).toBe('active');
    await until(BEGIN + 85_000);
    expect(state()).toBeUndefined();
  });

  it('changed bounds begin anew: nothing is made up for, nothing runs twice', async () => {
    await begin();
    await add({ misfire: 'fire-all', endAt: BEGIN + 10 * MINUTE });
    await until(BEGIN + 35_000);
    await put({ misfire: 'fire-all', startAt: BEGIN + 10_000, endAt: BEGIN + 60_000 });
    await until(BEGIN + 2 * MINUTE + 5_000);
    expect(state()).toBe('completed');
    await put({ misfire: 'fire-all', startAt: BEGIN + 10_000, endAt: BEGIN + 150_000 });
    await until(BEGIN + 5 * MINUTE);
    expect(ran()).toEqual([10, 20, 30, 40, 50, 60, 130, 140, 150]);
  });

  it.each<[string, Partial<TaskInput>]>([
    ['a delay that ends before startAt', { schedule: { delay: '10s' }, startAt: BEGIN + MINUTE }],
    ['an instant after endAt', { schedule: { at: BEGIN + MINUTE }, endAt: BEGIN + 30_000 }],
    ['an endAt that has passed', { endAt: BEGIN - MINUTE }],
  ])('%s never runs', async (_, task) => {
    await begin();
    await add(task).catch(() => undefined); // refused or completed at once: both are an answer
    await until(BEGIN + 3 * MINUTE);
    expect(ran()).toEqual([]);
    expect(['completed', undefined]).toContain(state());
  });

  it('startAt far ahead: the node sleeps until then', async () => {
    await begin({ nodes: 1 });
    const startAt = BEGIN + 40 * 86_400_000; // longer than a timer of the machine can be set
    await add({ schedule: { every: '1h' }, startAt });
    await probe.cluster.advance('1d');
    expect(ran()).toEqual([]);
    expect(service().getTask('a')?.nextTick?.getTime()).toBe(startAt);
  });
});

describe('maxRuns', () => {
  it.each<[string, TaskInput['afterRun'], string | undefined]>([
    ['kept as completed', 'keep', 'completed'],
    ['deleted', 'delete', 'deleted'],
    ['purged', 'purge', undefined],
  ])('after exactly so many runs the task is %s', async (_, afterRun, expected) => {
    await begin();
    await add({ maxRuns: 3, afterRun });
    await until(BEGIN + 29_000);
    expect(service().getTask('a')?.nextTick?.getTime()).toBe(BEGIN + 30_000);
    await until(BEGIN + 31_000);
    expect(ran()).toEqual([10, 20, 30]);
    expect(state()).toBe(expected);
    expect(service().getTask('a')?.nextTick).toBeUndefined();
    await until(BEGIN + 3 * MINUTE);
    expect(ran()).toEqual([10, 20, 30]);
  });

  it('counts in the cluster: crashes, outages and late ticks', async () => {
    await begin();
    await add({ maxRuns: 9, misfire: 'fire-all', schedule: { cron: '*/35 * * * * *' } });
    await until(BEGIN + 2 * MINUTE + 10_000);
    for (let i = 0; i < 4; i++) {
      const doomed = owner();
      probe.cluster.crash(doomed);
      await probe.cluster.join({ id: `late-${i}` });
      await probe.cluster.advance('45s');
    }
    for (const { host } of probe.cluster.nodes) host.cutLink('requests');
    await probe.cluster.advance('2m');
    for (const { host } of probe.cluster.nodes) host.cutLink('none');
    await probe.cluster.advance('5m');
    const ids = new Set(probe.of('a').map(({ tick }) => tick));
    expect(ids.size).toBe(9);
    expect(probe.of('a')).toHaveLength(9);
    expect(state()).toBe('completed');
  });

  it('a run that is started again on another node counts once', async () => {
    await begin();
    work = () => pass(5_000);
    await add({ maxRuns: 2, recovery: 'rerun' });
    await until(BEGIN + 12_000);
    probe.cluster.crash(owner());
    await until(BEGIN + 3 * MINUTE);
    expect(new Set(probe.of('a').map(({ run }) => run.id)).size).toBe(2);
    expect(probe.of('a').map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
    expect(state()).toBe('completed');
  });

  it('counts across a pause, a deletion and a put; skipped ticks do not count, nor do runs by hand', async () => {
    await begin();
    await add({ maxRuns: 5 });
    await until(BEGIN + 25_000); // 10, 20
    await during(service().runTask('a'));
    await during(service().pauseTask('a'));
    await until(BEGIN + 65_000);
    await during(service().resumeTask('a'));
    await until(BEGIN + 75_000); // 70
    await during(service().deleteTask('a'));
    await until(BEGIN + 105_000);
    await during(service().restoreTask('a'));
    await put({ maxRuns: 5, description: 'changed' });
    await until(BEGIN + 5 * MINUTE); // 110, 120
    const byTick = probe.of('a').filter(({ trigger }) => trigger !== 'manual');
    expect(secondsAfter(BEGIN, byTick)).toEqual([10, 20, 70, 110, 120]);
    expect(state()).toBe('completed');
  });

  it('runs side by side count each, and the last of them ends the task', async () => {
    await begin();
    work = ({ tick }) => pass(tick!.getTime() === BEGIN + 10_000 ? 60_000 : 15_000);
    await add({ maxRuns: 3, overlap: 'allow' });
    await until(BEGIN + 65_000);
    expect(ran()).toEqual([10, 20, 30]);
    expect(state()).toBe('active');
    await until(BEGIN + 75_000);
    expect(state()).toBe('completed');
  });

  it('raised or lowered by a put it holds from then on', async () => {
    await begin();
    await add({ maxRuns: 3 });
    await until(BEGIN + 25_000);
    await put({ maxRuns: 4 });
    await until(BEGIN + 35_000);
    expect(state()).toBe('active');
    await put({ maxRuns: 2 });
    await probe.cluster.advance('1s');
    expect(state()).toBe('completed');
    await until(BEGIN + 2 * MINUTE);
    expect(ran()).toEqual([10, 20, 30]);
  });

  it('a completed task that is given another schedule, or put again, begins to count anew', async () => {
    await begin();
    await add({ maxRuns: 2 });
    await until(BEGIN + 32_000);
    await during(service().updateSchedule('a', { cron: '*/20 * * * * *' }));
    await until(BEGIN + 2 * MINUTE);
    expect(ran()).toEqual([10, 20, 40, 60]);
    expect(state()).toBe('completed');
    await put({ maxRuns: 1 });
    await until(BEGIN + 3 * MINUTE);
    expect(ran()).toEqual([10, 20, 40, 60, 130]);
  });

  it('neither a start run nor a backfill counts', async () => {
    await begin();
    await add({ maxRuns: 2, runOnStart: 'cluster' });
    await during(service().backfillTask('a', { from: BEGIN - MINUTE, only: 'all' }));
    await until(BEGIN + MINUTE);
    const triggers = probe.of('a').map(({ trigger }) => trigger);
    expect(triggers.filter((trigger) => trigger === 'start')).toHaveLength(1);
    expect(triggers.filter((trigger) => trigger === 'schedule')).toHaveLength(2);
    expect(triggers.filter((trigger) => trigger === 'backfill')).toHaveLength(7);
    expect(state()).toBe('completed');
  });

  it('a static task that is completed stays so at a restart with the same code, and runs again with another', async () => {
    probe = await probedCluster({ nodes: 0 });
    const ticks: number[] = [];
    const start = async (id: string, maxRuns: number): Promise<TestNode> => {
      const node = probe.cluster.makeNode({ id });
      await node.service.defineTask({ name: 'a', schedule: EVERY_10S, maxRuns, run: (r) => ticks.push(+r.tick!) });
      await probe.cluster.settle([node]);
      await probe.cluster.advance('1m');
      return node;
    };
    await start('one', 2);
    expect(ticks).toHaveLength(2);
    await start('two', 2);
    expect(ticks).toHaveLength(2);
    await start('three', 3);
    expect(ticks).toHaveLength(5);
  });
});
