import { afterEach, describe, expect, it } from '@jest/globals';
import type { CalendarOptions, StoredCalendar } from '../../lib/core/schedule/calendar/named-calendar.js';
import { normalizeCalendar } from '../../lib/core/schedule/calendar/named-calendar.js';
import type { ScheduleSpec } from '../../lib/core/schedule/schedule-spec.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const DAY = 86_400_000;
/** A Tuesday; the cluster begins then. */
const BEGIN = Date.UTC(2030, 0, 1);
const WORKING_DAYS: ScheduleSpec = { daily: '09:00', except: { calendar: 'de' } };

type Calendars = Record<string, StoredCalendar>;

function calendars(all: Record<string, CalendarOptions>): Calendars {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, normalizeCalendar(name, one)]));
}

/** Epiphany is a holiday, a Sunday; the Monday after it too. */
const DE = calendars({ de: { weekend: ['sat', 'sun'], holidays: ['01-06', '2030-01-07'] } });
/** The Thursday is one as well, and the first Saturday is worked. */
const CHANGED = calendars({
  de: { weekend: ['sat', 'sun'], holidays: ['2030-01-03', '2030-01-07'], workdays: ['2030-01-05'] },
});

let probe: ProbedCluster;
let work: () => Promise<void> | undefined;
let made = 0;
afterEach(() => probe.cluster.stop());

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const until = (day: number): Promise<void> =>
  probe.cluster.advance(BEGIN + (day - 1) * DAY + 12 * 3_600_000 - probe.cluster.clock.now());
const service = (): SchedulerService => probe.cluster.nodes.at(-1)!.service;
const add = (task: Partial<TaskInput> = {}) =>
  during(service().addTask({ name: 'a', schedule: WORKING_DAYS, ...task }));
/** Days of January on which the task has run. */
const ran = (): number[] => probe.of('a').map(({ tick }) => new Date(tick!).getUTCDate());
const planned = (count: number): number[] =>
  service()
    .nextTicks('a', count)
    .map((tick) => tick.getUTCDate());

async function up(
  given: Calendars | undefined,
  count = 1,
  before?: (node: TestNode) => Promise<void>,
): Promise<TestNode[]> {
  const { cluster } = probe;
  const options = given ? { calendars: given } : {};
  const nodes = Array.from({ length: count }, () => cluster.makeNode({ id: `node-${++made}`, options }));
  for (const node of nodes) await before?.(node);
  await cluster.settle(nodes);
  await cluster.advance('2s');
  return nodes;
}

async function down(nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes) {
    await during(node.service.stop());
    probe.cluster.nodes.splice(probe.cluster.nodes.indexOf(node), 1);
  }
}

/** Days pass quickly where sessions live long. */
const LONG = { ttlMs: 3 * 3_600_000, heartbeatMs: 3_600_000, resyncMs: 6 * 3_600_000 };

async function begin(given: Calendars | undefined = DE, count = 2, cluster: object = LONG): Promise<TestNode[]> {
  work = () => undefined;
  probe = await probedCluster({ nodes: 0, options: { cluster } }, () => work());
  return up(given, count);
}

describe('A named calendar', () => {
  it('closes its days for the tasks that name it', async () => {
    await begin();
    await add();
    await until(15);
    expect(ran()).toEqual([1, 2, 3, 4, 8, 9, 10, 11, 14, 15]);
    const records = await during(service().listRuns({ task: 'a' }));
    expect(records.filter(({ kind }) => kind === 'skip')).toEqual([]); // what is excluded is no tick
  });

  it('moves ticks to the next or the previous working day; two that meet are one', async () => {
    await begin();
    const monthly = { monthly: { day: [5, 6, 8], at: '09:00' } } as const;
    await add({ schedule: { ...monthly, except: { calendar: 'de', shift: 'next' } } });
    await during(
      service().addTask({ name: 'b', schedule: { ...monthly, except: { calendar: 'de', shift: 'previous' } } }),
    );
    await until(15);
    expect(ran()).toEqual([8]);
    expect(probe.of('b').map(({ tick }) => new Date(tick!).getUTCDate())).toEqual([4, 8]);
  });

  it('stands in the task: a node that has no calendars runs it all the same', async () => {
    const [first] = await begin(DE, 1);
    await add();
    const others = await up(undefined, 2);
    await down([first!]);
    await until(9);
    expect(ran()).toEqual([1, 2, 3, 4, 8, 9]);
    expect(new Set(others.map(({ id }) => id)).has(probe.of('a').at(-1)!.node)).toBe(true);
  });

  it('that there is not is refused, with what there is', async () => {
    await begin();
    const refused = (schedule: ScheduleSpec) =>
      during(service().addTask({ name: 'b', schedule })).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(await refused({ daily: '09:00', except: { calendar: 'dee' } })).toMatchObject({
      code: expect.stringMatching(/^INVALID_(TASK|SCHEDULE)$/),
      message: expect.stringContaining(`there is no calendar "dee"; did you mean 'de'? There are de`),
    });
    await add();
    await expect(
      during(service().updateSchedule('a', { daily: '09:00', except: { calendar: 'fr' } })),
    ).rejects.toMatchObject({ code: 'INVALID_SCHEDULE' });
    expect(service().getTask('a')?.schedule).toMatchObject({ except: [{ calendar: 'de' }] });
  });

  it.each<[string, ScheduleSpec]>([
    ['a day of the month twice', { every: '1h', except: { monthly: { day: [1, 1], at: '09:00' } } }],
    ['a time of day twice', { every: '1h', except: { daily: ['09:00', '09:00'] } }],
    ['a calendar twice', { daily: '09:00', except: [{ calendar: 'de' }, { calendar: 'de' }] }],
  ])('%s among the exclusions: the task is there and has ticks', async (_, schedule) => {
    await begin();
    await add({ schedule });
    expect(service().nextTicks('a', 1)).toHaveLength(1);
    await probe.cluster.advance('20s');
    expect(probe.cluster.nodes.map((node) => node.service.getTask('a')?.state)).toEqual(['active', 'active']);
  });
});

describe('A changed calendar', () => {
  it('is followed from the next deploy on, by every task that names it', async () => {
    const old = await begin();
    await add();
    await during(service().addTask({ name: 'b', schedule: { anyOf: [WORKING_DAYS, { cron: '0 0 1 2 *' }] } }));
    await until(2);
    await up(CHANGED, 2);
    await down(old);
    await until(9);
    expect(ran()).toEqual([1, 2, 4, 5, 8, 9]);
    expect(probe.of('b').map(({ tick }) => new Date(tick!).getUTCDate())).toEqual([1, 2, 4, 5, 8, 9]);
  });

  it('every node has the same ticks at once, those of the old deploy too', async () => {
    await begin();
    await add();
    await up(CHANGED, 1);
    await probe.cluster.advance('5s');
    for (const node of probe.cluster.nodes)
      expect(node.service.nextTicks('a', 5).map((tick) => tick.getUTCDate())).toEqual([1, 2, 4, 5, 8]);
  });

  it('a node of the old deploy that loses its session and comes back does not bring the old days back', async () => {
    const [old] = await begin(DE, 2, {});
    await add();
    await up(CHANGED, 1);
    old!.host.cutLink('requests');
    await probe.cluster.advance('1m');
    old!.host.cutLink('none');
    await probe.cluster.clock.advanceUntil(() => old!.service.state === 'working');
    await probe.cluster.advance('1m');
    expect(planned(5)).toEqual([1, 2, 4, 5, 8]);
  });

  it('the same calendar once more changes nothing', async () => {
    const old = await begin();
    await add();
    await until(2);
    const before = service().getTask('a')!.updatedAt;
    const again = await up(
      calendars({ de: { weekend: ['sunday', 'sat'], holidays: ['2030-01-07', '01-06', '01-06'] } }),
      2,
    );
    await down(old);
    expect(again[0]!.service.getTask('a')!.updatedAt).toEqual(before);
  });

  it('costs no tick of the last day: one that was due while all nodes were down runs late', async () => {
    const old = await begin();
    await add({ misfire: 'fire-all', misfireDeadline: '30d' });
    await until(2);
    await down(old);
    await until(4);
    await up(CHANGED, 1);
    await until(5);
    expect(ran()).toEqual([1, 2, 4, 5]);
  });

  it.each(['paused', 'cancelled', 'deleted', 'completed'] as const)('leaves a %s task in its state', async (state) => {
    const old = await begin();
    await add(state === 'completed' ? { maxRuns: 1 } : {});
    await until(2);
    if (state === 'paused') await during(service().pauseTask('a'));
    if (state === 'cancelled') await during(service().cancelTask('a'));
    if (state === 'deleted') await during(service().deleteTask('a'));
    const runs = ran();
    await up(CHANGED, 1);
    await down(old);
    await until(9);
    expect(ran()).toEqual(runs);
    expect(
      service()
        .listTasks({ state })
        .map(({ name }) => name),
    ).toEqual(['a']);
    if (state === 'completed') return;
    await during(state === 'deleted' ? service().restoreTask('a') : service().resumeTask('a'));
    await until(16);
    expect(ran()).toEqual([...runs, 10, 11, 14, 15, 16]);
  });

  it('a tombstone that comes back has the days of now', async () => {
    const old = await begin();
    await add();
    await during(service().deleteTask('a'));
    await up(CHANGED, 1);
    await down(old);
    await during(service().restoreTask('a'));
    expect(planned(4)).toEqual([1, 2, 4, 5]);
  });

  it('a calendar that is gone from the options leaves its tasks as they are', async () => {
    const old = await begin();
    await add();
    await up(calendars({ fr: { weekend: [] } }), 1);
    await down(old);
    expect(planned(6)).toEqual([1, 2, 3, 4, 8, 9]);
  });

  it('a backfill that was asked for by the old days ends with them', async () => {
    const old = await begin();
    await add();
    work = () => new Promise<void>((end) => probe.cluster.clock.setTimer(10_000, end));
    await during(service().backfillTask('a', { from: BEGIN - 200 * DAY, only: 'all' }));
    await probe.cluster.advance('1m');
    await up(CHANGED, 1);
    await down(old);
    const runs = probe.started.length;
    expect(runs).toBeGreaterThan(4);
    await probe.cluster.advance('5m');
    expect(probe.started.length).toBe(runs);
    expect(await during(service().getBackfill('a'))).toBeUndefined();
  });

  it('of a static task: the declaration of the new deploy and the calendar agree', async () => {
    const ticks: number[] = [];
    const declared = ({ service: on }: TestNode): Promise<void> =>
      on.defineTask({ name: 's', schedule: WORKING_DAYS, run: ({ tick }) => void ticks.push(tick!.getUTCDate()) });
    await begin(undefined, 0);
    const old = await up(DE, 2, declared);
    await until(2);
    await up(CHANGED, 2, declared);
    await down(old);
    await until(9);
    expect(ticks).toEqual([1, 2, 4, 5, 8, 9]);
  });
});
