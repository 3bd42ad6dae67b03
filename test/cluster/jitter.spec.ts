import { afterEach, describe, expect, it } from '@jest/globals';
import { cronSchedule } from '../../lib/core/schedule/cron/cron.js';
import { jittered } from '../../lib/core/schedule/jitter.js';
import { startOf } from '../../lib/core/schedule/schedule.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import type { TestClusterOptions, TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const MINUTE = 60_000;
const EVERY_MINUTE = { cron: '* * * * *' };
const BEGIN = Date.UTC(2030, 0, 1);
const JITTERS = ['5s', '55s', '1s', undefined, '59s', '30s', undefined, '10s'] as const;
const STANDBY_DELAY_MS = 2_000;

/** When the run for the nth minute of task `a` is to start. */
function expectedStart(n: number, jitterMs = 40_000, task = 'a'): number {
  return startOf(jittered(cronSchedule('* * * * *', 'UTC'), jitterMs, task), BEGIN + n * MINUTE);
}

let probe: ProbedCluster;
let work: (run: TaskRun) => unknown;
afterEach(() => probe.cluster.stop());

async function begin(options: TestClusterOptions = {}): Promise<void> {
  work = () => undefined;
  probe = await probedCluster({ nodes: 3, ...options }, (run) => work(run) as void);
}

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));
const service = (): SchedulerService => probe.cluster.node(0).service;
const owner = (): TestNode => probe.cluster.nodes.find((node) => node.service.listOwnTasks().length > 0)!;
const until = (instant: number): Promise<void> => probe.cluster.advance(instant - probe.cluster.clock.now());
const add = (task: Partial<TaskInput> = {}) =>
  during(service().addTask({ name: 'a', schedule: EVERY_MINUTE, jitter: '40s', ...task }));
const starts = (): { tick: number; at: number }[] => probe.of('a').map(({ tick, at }) => ({ tick: tick!, at }));
const planned = (from: number, to: number, jitterMs?: number): { tick: number; at: number }[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    tick: BEGIN + (from + i) * MINUTE,
    at: expectedStart(from + i, jitterMs),
  }));

describe('Jitter', () => {
  it('each run starts so much after its tick as every node computes, whoever owns it; run.tick stays', async () => {
    await begin();
    await add();
    await until(BEGIN + 5 * MINUTE + 50_000);
    const first = owner();
    void first.service.drain();
    await until(BEGIN + 10 * MINUTE + 50_000);
    expect(owner()).not.toBe(first);
    expect(starts()).toEqual(planned(1, 10));
    expect(new Set(planned(1, 10).map(({ tick, at }) => at - tick)).size).toBeGreaterThan(5);
    expect(probe.of('a').every(({ trigger }) => trigger === 'schedule')).toBe(true);
    expect(probe.of('a')[0]!.run.nextTick?.getTime()).toBe(BEGIN + 2 * MINUTE);
    const [last] = await during(service().listRuns({ task: 'a' }));
    expect(last).toMatchObject({ tick: BEGIN + 10 * MINUTE, startedAt: expectedStart(10) });
  });

  it('spreads tasks with one schedule', async () => {
    await begin();
    for (let i = 0; i < 40; i++)
      await during(service().addTask({ name: `t${i}`, schedule: EVERY_MINUTE, jitter: '40s' }));
    await until(BEGIN + 2 * MINUTE);
    const at = probe.started.map((start) => start.at);
    expect(at).toHaveLength(40);
    expect(new Set(at).size).toBeGreaterThan(35);
    for (let quarter = 0; quarter < 4; quarter++) {
      const from = BEGIN + MINUTE + quarter * 10_000;
      expect(at.filter((instant) => instant >= from && instant < from + 10_000).length).toBeGreaterThan(3);
    }
    expect(Math.max(...at)).toBeLessThan(BEGIN + MINUTE + 40_000);
  });

  it.each(['1m', '1h'] as const)(
    "every: '1s' with jitter %s: each tick once, in order, before the next one",
    async (jitter) => {
      await begin();
      await add({ schedule: { every: '1s' }, jitter });
      await until(BEGIN + MINUTE);
      const all = starts();
      expect(all.length).toBeGreaterThanOrEqual(58);
      all.forEach(({ tick, at }, i) => {
        expect(at).toBeGreaterThanOrEqual(tick);
        expect(at).toBeLessThan(tick + 1_000);
        if (i > 0) expect(tick).toBe(all[i - 1]!.tick + 1_000);
      });
    },
  );

  it('is not late before its start, and a misfire is counted from there', async () => {
    await begin({ nodes: 1 });
    await add({ misfire: 'skip' });
    for (const [n, lateMs, runs] of [
      [2, -500, true],
      [4, 900, true],
      [6, 1_200, false],
    ] as const) {
      await until(BEGIN + n * MINUTE - 5_000);
      const { host } = probe.cluster.node(0);
      host.freeze();
      await until(expectedStart(n) + lateMs - 5);
      host.unfreeze();
      await until(BEGIN + (n + 1) * MINUTE - 10_000);
      const run = probe.of('a').find(({ tick }) => tick === BEGIN + n * MINUTE);
      expect({ n, ran: run !== undefined }).toEqual({ n, ran: runs });
      if (run) expect(run.at).toBeGreaterThanOrEqual(expectedStart(n));
    }
  });

  it('the standby takes over a while after the start, and not before it', async () => {
    await begin();
    await add({ jitter: '50s' });
    const start = expectedStart(2, 50_000);
    expect(start - BEGIN - 2 * MINUTE).toBeGreaterThan(5_000);
    await until(BEGIN + 2 * MINUTE - 1_000);
    const frozen = owner();
    frozen.host.freeze(); // for less than its session lives: the unit stays its own
    await until(BEGIN + 2 * MINUTE + 4_000);
    frozen.host.unfreeze();
    await until(start - 4_000);
    frozen.host.freeze();
    await until(start + STANDBY_DELAY_MS - 10);
    expect(starts()).toEqual(planned(1, 1, 50_000));
    await until(start + STANDBY_DELAY_MS + 1_500);
    expect(starts()).toHaveLength(2);
    expect(probe.of('a')[1]).toMatchObject({ tick: BEGIN + 2 * MINUTE, trigger: 'schedule' });
    expect(probe.of('a')[1]!.node).not.toBe(frozen.id);
    expect(probe.of('a')[1]!.at).toBeGreaterThanOrEqual(start + STANDBY_DELAY_MS);
    frozen.host.unfreeze();
    await until(BEGIN + 5 * MINUTE);
    expect(starts().map(({ tick }) => tick)).toEqual(planned(1, 4).map(({ tick }) => tick));
  });

  it('a new owner, while the start is still to come, waits for it', async () => {
    await begin();
    await add({ jitter: '50s' });
    const start = expectedStart(2, 50_000);
    await until(BEGIN + 2 * MINUTE + 1_000);
    void owner().service.drain();
    await until(BEGIN + 3 * MINUTE);
    expect(starts()).toEqual(planned(1, 2, 50_000));
    expect(starts()[1]!.at).toBe(start);
  });

  it('a run that goes on past the next start: that one is skipped, or runs beside it', async () => {
    await begin();
    work = () => pass(70_000);
    await add({ jitter: '10s' });
    await during(service().addTask({ name: 'b', schedule: EVERY_MINUTE, jitter: '10s', overlap: 'allow' }));
    await until(BEGIN + 5 * MINUTE + 30_000);
    expect(starts().map(({ tick }) => (tick - BEGIN) / MINUTE)).toEqual([1, 3, 5]);
    for (const { tick, at } of starts()) expect(at).toBe(expectedStart((tick - BEGIN) / MINUTE, 10_000));
    expect(probe.of('b').map(({ tick }) => (tick! - BEGIN) / MINUTE)).toEqual([1, 2, 3, 4, 5]);
  });

  it.each(['fire-once', 'fire-all', 'skip'] as const)(
    'changed again and again, with misfire %s, no tick runs twice',
    async (misfire) => {
      await begin();
      await add({ misfire });
      for (const [i, jitter] of JITTERS.entries()) {
        await until(BEGIN + (i + 1) * MINUTE + ((i * 13_000) % 50_000));
        await during(
          service().putTask({ name: 'a', schedule: EVERY_MINUTE, misfire, ...(jitter !== undefined && { jitter }) }),
        );
      }
      await until(BEGIN + 12 * MINUTE);
      const ticks = starts().map(({ tick }) => tick);
      expect(new Set(ticks).size).toBe(ticks.length);
      expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
      expect(ticks.length).toBeGreaterThanOrEqual(8);
      if (misfire === 'fire-all') expect(ticks).toHaveLength(11);
    },
  );

  it('taken away while a start is still to come, that tick runs once, late or on time', async () => {
    await begin();
    await add({ jitter: '50s' });
    await until(BEGIN + 2 * MINUTE + 3_000);
    expect(expectedStart(2, 50_000)).toBeGreaterThan(BEGIN + 2 * MINUTE + 5_000);
    await during(service().putTask({ name: 'a', schedule: EVERY_MINUTE }));
    await until(BEGIN + 4 * MINUTE + 5_000);
    expect(starts().map(({ tick }) => (tick - BEGIN) / MINUTE)).toEqual([1, 2, 3, 4]);
  });

  it('the last tick before endAt starts late too, then the task is completed', async () => {
    await begin();
    await add({ endAt: BEGIN + 2 * MINUTE });
    await until(expectedStart(2) - 10);
    expect(service().getTask('a')?.state).toBe('active');
    await until(BEGIN + 3 * MINUTE);
    expect(starts()).toEqual(planned(1, 2));
    expect(service().getTask('a')?.state).toBe('completed');
  });

  it('a task with a single tick starts at it', async () => {
    await begin();
    await add({ schedule: { at: BEGIN + MINUTE }, jitter: '10m' });
    await until(BEGIN + 12 * MINUTE);
    expect(starts()).toMatchObject([{ tick: BEGIN + MINUTE }]);
    expect(starts()[0]!.at).toBe(BEGIN + MINUTE);
    expect(service().getTask('a')?.state).toBe('completed');
  });

  it('paused while a start is still to come: that tick does not run, and is not made up for', async () => {
    await begin();
    await add({ jitter: '50s' });
    await until(BEGIN + 2 * MINUTE + 3_000);
    await during(service().pauseTask('a'));
    await until(BEGIN + 2 * MINUTE + 55_000);
    await during(service().resumeTask('a'));
    await until(BEGIN + 4 * MINUTE);
    expect(starts()).toEqual([...planned(1, 1, 50_000), ...planned(3, 3, 50_000)]);
  });

  it.each([
    ['0s', 'jitter: "0s" is too short; give at least 1 ms, or leave it out'],
    ['soon', 'jitter: "soon" is not a duration'],
    [-5, 'jitter: -5 is not a duration'],
  ])('of %j is refused', async (jitter, problem) => {
    await begin({ nodes: 1 });
    await expect(add({ jitter: jitter as '1s' })).rejects.toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringContaining(problem),
    });
  });
});
