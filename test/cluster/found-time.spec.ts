import { afterEach, describe, expect, it } from '@jest/globals';
import type { Handler, TaskRun } from '../../lib/core/execution/task-run.js';
import { normalizeCalendar } from '../../lib/core/schedule/calendar/named-calendar.js';
import type { ScheduleSpec } from '../../lib/core/schedule/schedule-spec.js';
import type { BackfillOptions } from '../../lib/core/service/backfills.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import type { TestClusterOptions } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, secondsAfter, type ProbedCluster, type Started } from '../support/probe.js';

// What reviews found about schedules, ends, backfills and the life of a cluster: one test for each.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Tuesday; the cluster begins then. */
const BEGIN = Date.UTC(2030, 0, 1);
const EVERY_10S = { cron: '*/10 * * * * *' };
const EVERY_MINUTE = { cron: '* * * * *' };
const NOON = { cron: '0 12 * * *' };

let probe: ProbedCluster;
let work: (run: TaskRun) => unknown;
let handler: Handler;
let warnings: string[];
afterEach(() => probe.cluster.stop());

async function begin(options: TestClusterOptions = {}): Promise<void> {
  work = () => undefined;
  handler = (run) => work(run) as void;
  warnings = [];
  const silent = (): void => undefined;
  const logger = { debug: silent, log: silent, error: silent, warn: (text: string) => void warnings.push(text) };
  probe = await probedCluster({ nodes: 2, logger, ...options }, (run) => handler(run) as void);
}

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));
const until = (instant: number): Promise<void> => probe.cluster.advance(instant - probe.cluster.clock.now());
const service = (): SchedulerService => probe.cluster.nodes.at(-1)!.service;
const add = (task: Partial<TaskInput>) => during(service().addTask({ name: 'a', schedule: EVERY_10S, ...task }));
const put = (task: Partial<TaskInput>, by = service()) =>
  during(by.putTask({ name: 'a', schedule: EVERY_10S, ...task }));
const state = (): string | undefined => service().getTask('a')?.state;
const byTick = (): Started[] =>
  probe.of('a').filter(({ tick, trigger }) => tick !== undefined && trigger !== 'backfill');
/** Ticks that have run, as seconds after the beginning. */
const ran = (): number[] => secondsAfter(BEGIN, byTick());
const backfilled = (): number[] =>
  secondsAfter(
    BEGIN,
    probe.started.filter(({ trigger }) => trigger === 'backfill'),
  );

/** What a backfill would run, as seconds after the beginning. */
async function planned(options: BackfillOptions): Promise<number[]> {
  const { remaining } = await during(service().backfillTask('a', { ...options, dryRun: true }));
  return remaining.map((tick) => (tick.getTime() - BEGIN) / SECOND);
}

async function backfill(options: BackfillOptions): Promise<void> {
  await during(service().backfillTask('a', options));
  while ((await during(service().getBackfill('a')))?.state === 'running') await probe.cluster.advance('1s');
}

const refused = (ask: Promise<unknown>): Promise<unknown> =>
  during(ask).then(
    () => 'accepted',
    (error: unknown) => error,
  );
const refusal = (code: string, ...parts: string[]) =>
  expect.objectContaining({ code, message: expect.stringMatching(new RegExp(parts.join('[^]*'))) });

describe('A backfill', () => {
  it('of the time before the task does not run again, after a change of the schedule, what one made good before', async () => {
    await begin();
    await until(BEGIN + 30 * SECOND);
    await add({ schedule: EVERY_MINUTE });
    const range = { from: BEGIN - 4 * MINUTE, to: BEGIN };
    await backfill(range);
    expect(backfilled()).toEqual([-240, -180, -120, -60, 0]);
    await until(BEGIN + 150 * SECOND);
    await during(service().updateSchedule('a', { cron: '*/2 * * * *' }));
    expect(await planned(range)).toEqual([]);
    await until(BEGIN + 10 * MINUTE + 30 * SECOND);
    await backfill({ from: range.from });
    expect(backfilled()).toHaveLength(5);
    expect(await planned({ ...range, only: 'all' })).toEqual([-240, -120, 0]);
  });

  it('goes on to its end where maxRuns is reached meanwhile; then the task is completed', async () => {
    await begin();
    await until(BEGIN + 5 * SECOND);
    await add({ schedule: EVERY_MINUTE, maxRuns: 1 });
    work = ({ trigger }) => (trigger === 'backfill' ? pass(25_000) : undefined);
    await during(service().backfillTask('a', { from: BEGIN - 5 * MINUTE }));
    await until(BEGIN + 100 * SECOND);
    expect(ran()).toEqual([60]);
    expect(state()).toBe('active');
    await until(BEGIN + 4 * MINUTE);
    expect(backfilled()).toEqual([-300, -240, -180, -120, -60, 0]);
    expect(await during(service().getBackfill('a'))).toMatchObject({ state: 'done', started: 6 });
    expect(ran()).toEqual([60]);
    expect(state()).toBe('completed');
  });

  it('to a date means all of that day, in the zone of the task', async () => {
    await begin({ start: new Date('2030-01-06T12:00:00Z'), options: { timeZone: 'UTC' } });
    await add({ schedule: { cron: '0 * * * *', timeZone: 'Asia/Tokyo' } });
    const view = await during(
      service().backfillTask('a', { from: '2030-01-05', to: '2030-01-05', only: 'all', dryRun: true }),
    );
    expect(view.from).toEqual(new Date('2030-01-05T00:00:00+09:00'));
    expect(view.to).toEqual(new Date('2030-01-05T23:59:59.999+09:00'));
    expect(view.remaining).toHaveLength(24);
    expect(view.remaining[0]).toEqual(view.from);
    expect(view.remaining.at(-1)).toEqual(new Date('2030-01-05T23:00:00+09:00'));
  });

  it.each<[string, unknown, string[]]>([
    ['a misspelt dryRun', { from: BEGIN - MINUTE, dryrun: true }, ['dryrun', "did you mean 'dryRun'"]],
    ['a dryRun that is text', { from: BEGIN - MINUTE, dryRun: 'yes' }, ['dryRun', 'yes']],
    ['no options at all', undefined, ['from']],
  ])('refuses %s, and runs nothing', async (_, options, parts) => {
    await begin();
    await add({ schedule: NOON });
    const asked = service().backfillTask('a', options as BackfillOptions);
    expect(await refused(asked)).toEqual(refusal('INVALID_OPTIONS', ...parts));
    expect(await during(service().getBackfill('a'))).toBeUndefined();
  });
});

describe('A completed task', () => {
  it.each<[string, Partial<TaskInput>, number[]]>([
    ['maxRuns', { maxRuns: 2 }, [10, 20]],
    ['oneShot', { oneShot: true }, [10]],
    ['an end', { endAt: BEGIN + 20 * SECOND }, [10, 20]],
  ])('%s: put once more just as it was, by every node, it stays so', async (_, task, runs) => {
    await begin({ nodes: 3 });
    const created = (await put({ payload: { to: 'x', of: [1] }, ...task })).createdAt;
    await until(BEGIN + 45 * SECOND);
    expect(state()).toBe('completed');
    const again = probe.cluster.nodes.map((node) => put({ payload: { of: [1], to: 'x' }, ...task }, node.service));
    for (const view of await Promise.all(again)) expect(view.state).toBe('completed');
    await probe.cluster.advance('1m');
    expect(ran()).toEqual(runs);
    expect(service().getTask('a')).toMatchObject({ state: 'completed', createdAt: created });
  });

  it('put with another definition begins anew, and a backfill does not run again what succeeded before', async () => {
    await begin({ nodes: 3 });
    const created = (await put({ maxRuns: 2 })).createdAt;
    await until(BEGIN + 45 * SECOND);
    expect(await put({ maxRuns: 3 })).toMatchObject({ state: 'active', createdAt: created });
    await until(BEGIN + 2 * MINUTE - 5 * SECOND);
    expect(ran()).toEqual([10, 20, 50, 60, 70]);
    await put({ maxRuns: 9 });
    await probe.cluster.advance('1s');
    expect(await planned({ from: created, to: BEGIN + 20 * SECOND })).toEqual([]);
  });

  it('put with a payload that differs only in something called anchor begins anew', async () => {
    await begin();
    await put({ maxRuns: 1, payload: { anchor: 'bow' } });
    await until(BEGIN + 15 * SECOND);
    expect(await put({ maxRuns: 1, payload: { anchor: 'stern' } })).toMatchObject({ state: 'active' });
  });
});

describe('A task without a tick', () => {
  const PAST = { endAt: BEGIN - DAY };
  const EXCEPTED: ScheduleSpec = { cron: '0 9 * * *', except: { from: '2029-12-01', to: '2030-06-30' } };

  it.each<[string, Partial<TaskInput>]>([
    ['an end that has passed', PAST],
    ['exceptions up to its end', { schedule: EXCEPTED, endAt: '2030-06-30' }],
  ])('for %s is refused, or warned of where code declares it', async (_, task) => {
    await begin();
    await until(BEGIN + SECOND);
    expect(await refused(service().addTask({ name: 'a', schedule: EVERY_10S, ...task }))).toEqual(
      refusal('INVALID_SCHEDULE', 'no tick'),
    );
    expect(service().getTask('a')).toBeUndefined();
    await during(service().defineTask({ name: 's', schedule: EVERY_10S, ...task, run: () => undefined }));
    await probe.cluster.advance('1s');
    expect(service().getTask('s')).toBeDefined();
    expect(warnings).toEqual([expect.stringMatching(/"s".*no tick/)]);
  });

  it('is not made by updateSchedule', async () => {
    await begin();
    await add({ endAt: '2030-06-30' });
    expect(await refused(service().updateSchedule('a', EXCEPTED))).toEqual(refusal('INVALID_SCHEDULE', 'no tick'));
    expect(service().getTask('a')).toMatchObject({ state: 'active', schedule: EVERY_10S });
  });

  it('is not made by putTask of one that is active', async () => {
    await begin();
    await add({});
    expect(await refused(service().putTask({ name: 'a', schedule: EVERY_10S, ...PAST }))).toEqual(
      refusal('INVALID_SCHEDULE', 'no tick'),
    );
  });

  it('that has been there before its exceptions is accepted from code', async () => {
    await begin();
    const past = [BEGIN - DAY, BEGIN - HOUR].map((at) => ({ at }));
    const schedule: ScheduleSpec = { anyOf: past, except: '2030-12-25' };
    await during(service().defineTask({ name: 's', schedule, run: () => undefined }));
    expect(service().getTask('s')).toBeDefined();
    const never: ScheduleSpec = { cron: '0 9 * * *', except: { cron: '* 9 * * *' } };
    const asked = service().defineTask({ name: 'n', schedule: never, run: () => undefined });
    expect(await refused(asked)).toEqual(refusal('INVALID_TASK', 'it takes out every tick'));
  });
});

describe('The bounds of a task', () => {
  it.each<[string, ScheduleSpec, string]>([
    ['of its schedule', { cron: '0 * * * *', timeZone: 'Asia/Tokyo' }, '+09:00'],
    ['of the module, where it names none', { cron: '0 * * * *' }, '-05:00'],
  ])('are dates in the zone %s; endAt means all of its day', async (_, schedule, offset) => {
    await begin({ options: { timeZone: 'America/New_York' } });
    const { policies } = await add({ schedule, startAt: '2031-01-02T06:00', endAt: '2031-01-03' });
    expect(new Date(policies.startAt!)).toEqual(new Date(`2031-01-02T06:00:00${offset}`));
    const ticks = service().nextTicks('a', 100);
    expect(ticks[0]).toEqual(new Date(`2031-01-02T06:00:00${offset}`));
    expect(ticks.at(-1)).toEqual(new Date(`2031-01-03T23:00:00${offset}`));
    expect(ticks).toHaveLength(42);
  });
});

describe('A changed calendar', () => {
  const given = (...holidays: string[]) => ({ calendars: { de: normalizeCalendar('de', { weekend: [], holidays }) } });
  const WORKING: ScheduleSpec = { daily: '09:00', except: { calendar: 'de' } };
  const LONG = { ttlMs: 3 * HOUR, heartbeatMs: HOUR, resyncMs: 6 * HOUR };
  /** Days of January on which the task has run. */
  const days = (): number[] => byTick().map(({ tick }) => new Date(tick!).getUTCDate());

  async function deploy(...holidays: string[]): Promise<void> {
    const node = probe.cluster.makeNode({ id: `late-${holidays.length}`, options: given(...holidays) });
    await probe.cluster.settle([node]);
    await probe.cluster.advance('5s');
  }

  async function downOverNine(task: Partial<TaskInput> = {}): Promise<void> {
    await begin({ nodes: 1, options: { ...given('2030-01-20'), cluster: LONG } });
    await add({ schedule: WORKING, ...task });
    await until(BEGIN + 2 * DAY + 8 * HOUR);
    const [old] = probe.cluster.nodes.splice(0);
    await during(old!.service.stop());
    await until(BEGIN + 2 * DAY + 9 * HOUR + MINUTE);
  }

  it('runs late what was due while all nodes were down, where it was due by either', async () => {
    await downOverNine();
    await deploy('2030-01-20', '2030-01-04');
    await until(BEGIN + 4 * DAY + 12 * HOUR);
    expect(days()).toEqual([1, 2, 3, 5]);
  });

  it('begins anew where a tick of the last day is another', async () => {
    await downOverNine();
    await deploy('2030-01-20', '2030-01-03');
    await until(BEGIN + 4 * DAY + 12 * HOUR);
    expect(days()).toEqual([1, 2, 4, 5]);
  });

  it.each([
    ['right after the task is made', 0],
    ['after it has run', 2 * DAY + 12 * HOUR],
  ])('is not taken over where it would leave the task no tick, %s', async (_, after) => {
    await begin({ nodes: 1, options: { ...given('2030-01-20'), cluster: LONG } });
    await add({ schedule: WORKING, endAt: '2030-01-06' });
    await until(BEGIN + after + MINUTE);
    const taken = after === 0 ? [1, 2, 3] : [];
    await deploy('2030-01-20', ...[...taken, 4, 5, 6].map((day) => `2030-01-0${day}`));
    await until(BEGIN + 7 * DAY);
    expect(days()).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('A preview', () => {
  const locals = (spec: ScheduleSpec, task?: string): string[] =>
    service()
      .previewSchedule(spec, task === undefined ? {} : { task })
      .ticks.map(({ local }) => local);

  it('of a union is in the zone of the union', async () => {
    await begin();
    const shown = service().previewSchedule({
      anyOf: [{ daily: '09:00' }, { daily: '17:30' }],
      timeZone: 'Asia/Tokyo',
    });
    expect(shown.timeZone).toBe('Asia/Tokyo');
    expect(shown.ticks.slice(0, 2).map(({ local }) => local)).toEqual([
      '2030-01-01T17:30:00+09:00',
      '2030-01-02T09:00:00+09:00',
    ]);
  });

  it('of a task shows no more ticks than it will have', async () => {
    await begin();
    const shown = (): number => service().previewTask('a', { count: 5 }).ticks.length;
    await add({ schedule: NOON });
    expect(shown()).toBe(5);
    await during(service().pauseTask('a'));
    expect(shown()).toBe(0);
    await put({ schedule: NOON, oneShot: true });
    expect(shown()).toBe(1);
    await put({ schedule: NOON, maxRuns: 3 });
    expect(shown()).toBe(3);
    await put({ schedule: NOON, maxRuns: 30 });
    expect(shown()).toBe(5);
  });

  it.each(['H H * * *', 'H(0-29) 9 * * *', 'H(0-1) * * * *', '0 H(3-4) * * *', '0 0 * * H'])(
    'of %s without a task warns; with it the numbers are those of the task',
    async (cron) => {
      await begin();
      const { warnings: without } = service().previewSchedule({ cron });
      expect(without).toContainEqual(expect.stringContaining('name of the task'));
      const { warnings: named } = service().previewSchedule({ cron }, { task: 'a' });
      expect(named).not.toContainEqual(expect.stringContaining('name of the task'));
      await add({ schedule: { cron } });
      expect(locals({ cron }, 'a')).toEqual(
        service()
          .previewTask('a')
          .ticks.map(({ local }) => local),
      );
      const { warnings: plain } = service().previewSchedule(NOON);
      expect(plain).toEqual([]);
    },
  );
});

describe('jitter', () => {
  it.each<[string, ScheduleSpec, number]>([
    ['an instant', { at: BEGIN + 5 * MINUTE }, BEGIN + 5 * MINUTE],
    ['a delay', { delay: '5m' }, BEGIN + 6 * MINUTE],
    ["'now'", 'now', BEGIN + MINUTE],
  ])('does not delay %s', async (_, schedule, expected) => {
    await begin();
    await until(BEGIN + MINUTE);
    for (const name of ['a', 'b', 'c']) await add({ name, schedule, jitter: '1h' });
    await until(expected + 2 * SECOND);
    expect(probe.started.map(({ task }) => task).sort()).toEqual(['a', 'b', 'c']);
    expect(Math.min(...probe.started.map(({ at }) => at))).toBeGreaterThanOrEqual(expected);
  });
});
