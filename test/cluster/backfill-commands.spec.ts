import { afterEach, describe, expect, it } from '@jest/globals';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { BackfillOptions, BackfillView } from '../../lib/core/service/backfills.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import { probedCluster, type ProbedCluster, type Started } from '../support/probe.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAILY = { cron: '0 12 * * *' };
/** Noon of the first day of the cluster, which begins at midnight. */
const NOON = Date.UTC(2030, 0, 1, 12);
const MIDNIGHT = NOON - 12 * HOUR;

let probe: ProbedCluster;
afterEach(() => probe.cluster.stop());

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const service = (index = 0): SchedulerService => probe.cluster.node(index).service;
const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));
const backfilled = (): Started[] => probe.started.filter(({ trigger }) => trigger === 'backfill');
/** As days from the first one. */
const days = (starts: readonly Started[] = backfilled()): number[] => starts.map(({ tick }) => (tick! - NOON) / DAY);
const remaining = (view: BackfillView): number[] => view.remaining.map((tick) => (tick.getTime() - NOON) / DAY);
const ask = (options: BackfillOptions): Promise<BackfillView> => during(service().backfillTask('a', options));
const get = (): Promise<BackfillView | undefined> => during(service().getBackfill('a'));
const advance = (by: string): Promise<void> => probe.cluster.advance(by as '1s');

/** A daily task, whose backfilled runs take ten seconds. */
async function begin(task: Partial<TaskInput> = {}, work?: (run: TaskRun) => unknown): Promise<void> {
  probe = await probedCluster({ nodes: 2 }, async (run) => {
    await (work ? work(run) : pass(10_000));
  });
  await during(service().addTask({ name: 'a', schedule: DAILY, ...task }));
}

const WEEK: BackfillOptions = { from: MIDNIGHT - 5 * DAY, to: MIDNIGHT, only: 'all' };

describe('Commands to a backfill', () => {
  it('of two that ask at once one has it, the other is told so', async () => {
    await begin();
    const asked = [0, 1].map((i) => service(i).backfillTask('a', WEEK));
    const answers = await during(Promise.allSettled(asked));
    const [won, lost] = [0, 1].map((i) => answers.filter(({ status }) => (status === 'fulfilled') === (i === 0)));
    expect(won).toHaveLength(1);
    expect(lost).toMatchObject([{ reason: { code: 'TASK_STATE', message: expect.stringContaining('is under way') } }]);
    const { id } = (won![0] as PromiseFulfilledResult<BackfillView>).value;
    expect(await get()).toMatchObject({ id });
    await advance('2m');
    expect(days()).toEqual([-5, -4, -3, -2, -1]);
  });

  it('is refused while another one goes on, and taken once that is done', async () => {
    await begin();
    await ask(WEEK);
    await advance('15s');
    await expect(ask(WEEK)).rejects.toMatchObject({ code: 'TASK_STATE' });
    expect(remaining(await ask({ ...WEEK, dryRun: true }))).toEqual([-5, -3, -2, -1]); // -4 goes on
    await advance('1m');
    expect(await get()).toMatchObject({ state: 'done', started: 5, remaining: [], more: false });
    const again = await ask({ ...WEEK, from: MIDNIGHT - 2 * DAY });
    expect(again).toMatchObject({ state: 'running', started: 0 });
    await advance('1m');
    expect(days()).toEqual([-5, -4, -3, -2, -1, -2, -1]);
    expect(await get()).toMatchObject({ state: 'done', started: 2 });
  });

  it('stops while the task is paused, and goes on where it was', async () => {
    await begin();
    await ask(WEEK);
    await advance('15s');
    await during(service(1).pauseTask('a'));
    await advance('2h');
    expect(days()).toEqual([-5, -4]);
    expect(await get()).toMatchObject({ state: 'stopped', started: 2 });
    expect(remaining((await get())!)).toEqual([-3, -2, -1]);
    await during(service(1).resumeTask('a'));
    await advance('2m');
    expect(days()).toEqual([-5, -4, -3, -2, -1]);
    expect(await get()).toMatchObject({ state: 'done', started: 5 });
  });

  it('stops while the task is cancelled or deleted, and goes on where it was', async () => {
    await begin();
    await ask(WEEK);
    await advance('5s');
    await during(service().cancelTask('a'));
    await advance('1h');
    expect(days()).toEqual([-5]);
    await during(service().resumeTask('a'));
    await advance('5s');
    expect(days()).toEqual([-5, -4]);
    await during(service(1).deleteTask('a'));
    await advance('1h');
    expect(days()).toEqual([-5, -4]);
    await expect(get()).rejects.toMatchObject({ code: 'TASK_DELETED' });
    await during(service(1).restoreTask('a'));
    await advance('2m');
    expect(days()).toEqual([-5, -4, -3, -2, -1]);
    expect(await get()).toMatchObject({ state: 'done', started: 5 });
  });

  it('purged with its task it is gone, and the task made anew has none', async () => {
    await begin();
    await ask(WEEK);
    await advance('5s');
    await during(service().purgeTask('a'));
    await during(service().addTask({ name: 'a', schedule: DAILY }));
    await advance('2m');
    expect(days()).toEqual([-5]);
    expect(await get()).toBeUndefined();
  });

  it('cancelled, no further run of it starts, and the one that goes on comes to its end', async () => {
    let ended = 0;
    await begin({}, async () => {
      await pass(10_000);
      ended++;
    });
    await ask(WEEK);
    await advance('15s');
    await during(service(1).cancelBackfill('a'));
    await during(service(1).cancelBackfill('a'));
    await advance('5m');
    expect(days()).toEqual([-5, -4]);
    expect(ended).toBe(2);
    expect(await get()).toBeUndefined();
    await ask({ ...WEEK, from: MIDNIGHT - 2 * DAY });
    await advance('1m');
    expect(days()).toEqual([-5, -4, -2, -1]);
  });

  it('ends with the schedule it was asked for', async () => {
    await begin();
    await ask(WEEK);
    await advance('5s');
    await during(service(1).updateSchedule('a', { cron: '0 * * * *' }));
    await advance('3m');
    expect(days()).toEqual([-5]);
    expect(await get()).toBeUndefined();
  });

  it('goes on beside a change that leaves the schedule as it is', async () => {
    await begin();
    await ask(WEEK);
    await advance('5s');
    await during(service(1).putTask({ name: 'a', schedule: DAILY, description: 'changed', jitter: '5m' }));
    await during(service().updateSchedule('a', DAILY));
    await advance('3m');
    expect(days()).toEqual([-5, -4, -3, -2, -1]);
    expect(await get()).toMatchObject({ state: 'done', started: 5 });
  });

  it('ends where the task is put with another schedule, or other bounds', async () => {
    await begin();
    for (const put of [{ schedule: { cron: '0 13 * * *' } }, { schedule: DAILY, endAt: MIDNIGHT + 90 * DAY }]) {
      await during(service(1).putTask({ name: 'a', schedule: DAILY }));
      await ask(WEEK);
      await advance('5s');
      const before = backfilled().length;
      await during(service(1).putTask({ name: 'a', ...put }));
      await advance('3m');
      expect(backfilled()).toHaveLength(before);
      expect(await get()).toBeUndefined();
    }
  });

  it('is not done once more when the registry has lost its data', async () => {
    await begin();
    await ask(WEEK);
    await advance('2m');
    expect(await get()).toMatchObject({ state: 'done' });
    probe.cluster.store.wipe();
    await advance('3m');
    expect(service().getTask('a')?.state).toBe('active');
    expect(days()).toEqual([-5, -4, -3, -2, -1]);
  });

  it('runs nothing once more when the registry is restored, with the task as it was and its unit from before', async () => {
    await begin();
    await ask(WEEK);
    await advance('15s');
    const backup = probe.cluster.store.backup();
    await advance('20s');
    const done = days();
    expect(done.length).toBeGreaterThan(2);
    probe.cluster.store.restore(backup);
    await advance('3m');
    expect(service().getTask('a')?.state).toBe('active');
    expect(await get()).toBeUndefined();
    expect(days()).toEqual(done);
  });

  it('is not done once more when its unit is lost', async () => {
    await begin();
    await ask(WEEK);
    await advance('2m');
    const [unit] = probe.cluster.store.list('test/units/a@', {}).entries;
    probe.cluster.store.write({ key: unit!.key });
    await advance('25h'); // beyond its next tick: then its owner finds that it is gone
    expect(days()).toEqual([-5, -4, -3, -2, -1]);
  });

  it('runs under the policies of its task: what fails is called again', async () => {
    await begin({ retry: { attempts: 2, delay: '1s' } }, ({ attempt }) => {
      if (attempt === 1) throw new Error('not yet');
    });
    await ask({ ...WEEK, from: MIDNIGHT - DAY });
    await advance('1m');
    const [record] = await during(service().listRuns({ task: 'a' }));
    expect(record).toMatchObject({ trigger: 'backfill', outcome: 'succeeded', attempt: 2 });
  });
});

describe('A backfill that cannot be had', () => {
  it.each(['pauseTask', 'cancelTask'] as const)('after %s: it says what to do', async (halt) => {
    await begin();
    await during(service()[halt]('a'));
    await expect(ask(WEEK)).rejects.toMatchObject({
      code: 'TASK_STATE',
      message: expect.stringMatching(/^Task "a" is (paused|cancelled); resume it, then ask for the backfill$/),
    });
    expect(remaining(await ask({ ...WEEK, dryRun: true }))).toEqual([-5, -4, -3, -2, -1]);
  });

  it.each<[string, Partial<TaskInput>]>([
    ['has had its one run', { oneShot: true }],
    ['has had all its runs', { maxRuns: 1 }],
    ['has no tick left', { endAt: NOON + HOUR }],
  ])('of a completed task, which %s: it does not say to resume what cannot be resumed', async (_, task) => {
    await begin(task);
    await advance('14h');
    expect(service().getTask('a')?.state).toBe('completed');
    const refused = await ask(WEEK).catch((error: unknown) => error as { code: string; message: string });
    expect(refused).toMatchObject({ code: 'TASK_STATE', message: expect.stringContaining('is completed') });
    expect((refused as { message: string }).message).not.toContain('resume it');
    await advance('1h');
    expect(backfilled()).toEqual([]);
  });

  it('of no task, or a deleted one', async () => {
    await begin();
    const of = (name: string) => during(service().backfillTask(name, WEEK));
    await expect(of('b')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    await during(service().deleteTask('a'));
    await expect(of('a')).rejects.toMatchObject({ code: 'TASK_DELETED' });
  });

  it.each<[what: unknown, problem: string]>([
    [{}, 'from: undefined is not an instant'],
    [{ from: 'soon' }, 'from: "soon" is not an instant'],
    [{ from: new Date(Number.NaN) }, 'from: null is not an instant'],
    [{ from: -1 }, 'from: -1 is outside the years 1970 to 2199'],
    [{ from: MIDNIGHT, to: 'late' }, 'to: "late" is not an instant'],
    [{ from: MIDNIGHT - DAY, to: MIDNIGHT - 2 * DAY }, 'from: it lies after to'],
    [{ from: MIDNIGHT + DAY }, 'from: it lies after to; from: it lies in the future'],
    [{ from: MIDNIGHT + DAY, to: MIDNIGHT + 2 * DAY }, 'from: it lies in the future; only past ticks can be run again'],
    [{ from: MIDNIGHT - DAY, only: 'failed' }, `only: "failed" is none of 'unsuccessful', 'all'`],
  ])('with options %j', async (options, problem) => {
    await begin();
    await expect(ask(options as BackfillOptions)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(`The backfill of task "a" is not valid: ${problem}`),
    });
  });

  it('a text without an offset is local time in the zone of the module', async () => {
    probe = await probedCluster({ nodes: 1, options: { timeZone: 'America/New_York' } });
    await during(service().addTask({ name: 'a', schedule: DAILY }));
    const view = await ask({ from: '2029-12-30T12:00:00', to: '2029-12-31T11:59:59', dryRun: true });
    expect(view.from.toISOString()).toBe('2029-12-30T17:00:00.000Z');
    expect(view.remaining.map((tick) => tick.toISOString())).toEqual(['2029-12-30T17:00:00.000Z']);
  });

  it('a long range shows its first thousand ticks', async () => {
    await begin({ schedule: { cron: '* * * * *' } });
    const view = await ask({ from: MIDNIGHT - 5 * DAY, dryRun: true });
    expect(view).toMatchObject({ more: true, state: 'planned' });
    expect(view.remaining).toHaveLength(1_000);
    expect(view.remaining[0]!.getTime()).toBe(MIDNIGHT - 5 * DAY);
  });
});
