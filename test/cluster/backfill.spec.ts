import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { BackfillOptions, BackfillView } from '../../lib/core/service/backfills.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import type { TestClusterOptions, TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster, type Started } from '../support/probe.js';

const MINUTE = 60_000;
const EVERY_MINUTE = { cron: '* * * * *' };
const DAILY = { cron: '0 12 * * *' };

let probe: ProbedCluster;
/** What a run does; by default it succeeds at once. */
let work: (run: TaskRun) => unknown;
/** When each run came to a good end, by its id. */
let succeeded: Map<string, number>;
afterEach(() => probe.cluster.stop());

async function begin(options: TestClusterOptions = {}): Promise<void> {
  work = () => undefined;
  succeeded = new Map();
  probe = await probedCluster({ nodes: 2, ...options }, async (run) => {
    await work(run);
    const { cluster } = probe;
    const isThere = cluster.nodes.some(({ id }) => id === run.nodeId); // the promises of a dead node go on
    if (isThere && !run.signal.aborted) succeeded.set(run.id, cluster.clock.now());
  });
}

const during = <T>(ask: Promise<T>): Promise<T> => probe.cluster.during(ask);
const pass = (ms: number): Promise<void> => new Promise((end) => probe.cluster.clock.setTimer(ms, end));
const now = (): number => probe.cluster.clock.now();
const any = (): SchedulerService => probe.cluster.node(0).service;
const owner = (): TestNode => probe.cluster.nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
const ticksOf = ({ remaining }: BackfillView): number[] => remaining.map((tick) => tick.getTime());
const backfilled = (): Started[] => probe.started.filter(({ trigger }) => trigger === 'backfill');
const regular = (): Started[] => probe.started.filter(({ trigger }) => trigger !== 'backfill');
const ticks = (starts: readonly Started[]): number[] => starts.map(({ tick }) => tick!);
const minutes = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i * MINUTE);
const ask = (options: BackfillOptions): Promise<BackfillView> => during(any().backfillTask('a', options));

async function until(instant: number): Promise<void> {
  await probe.cluster.advance(instant - now());
}

/** Adds the task half a minute after a whole minute. @returns that minute */
async function add(task: Partial<TaskInput> = {}): Promise<number> {
  const minute = Math.ceil(now() / MINUTE) * MINUTE;
  await until(minute + MINUTE / 2);
  await during(any().addTask({ name: 'a', schedule: EVERY_MINUTE, ...task }));
  await probe.cluster.advance(100);
  return minute;
}

async function finished(): Promise<BackfillView> {
  for (;;) {
    const view = (await during(any().getBackfill('a')))!;
    if (view.state === 'done') return view;
    await probe.cluster.advance('1s');
  }
}

/** The backfill went through these ticks, in this order, one after the other. */
function expectInTurn(expected: readonly number[], starts = backfilled()): void {
  expect(ticks(starts)).toEqual(expected);
  starts.slice(1).forEach(({ at }, i) => {
    const end = succeeded.get(starts[i]!.run.id);
    if (end !== undefined) expect(at).toBeGreaterThanOrEqual(end);
  });
}

/** Ticks 1 to 20 after `minute`: a success here and there, and everything else that may become of a tick. */
async function mishaps(minute: number): Promise<void> {
  const { cluster } = probe;
  const tick = (n: number): number => minute + n * MINUTE;
  work = (run) => {
    if (run.trigger === 'backfill') return pass(700);
    const n = (run.tick!.getTime() - minute) / MINUTE;
    if (n === 2) throw new Error('failed');
    if (n === 4) return pass(100_000); // times out; the next is skipped
    if (n === 8) return pass(30_000); // its node dies
    return undefined;
  };
  await until(tick(7) + 30_000);
  await until(tick(8) + 5_000);
  cluster.crash(cluster.nodes.find(({ id }) => id === probe.started.at(-1)!.node)!);
  await until(tick(10) + 30_000);
  for (const { host } of cluster.nodes) host.freeze();
  await until(tick(14) + 20_000);
  for (const { host } of cluster.nodes) host.unfreeze();
  await until(tick(16) + 30_000);
  await during(any().pauseTask('a'));
  await until(tick(18) + 30_000);
  await during(any().resumeTask('a'));
  await until(tick(20) + 20_000);
}

describe('A backfill', () => {
  it.each(['unsuccessful', 'all'] as const)('%s: runs what its dry run told, in order, one at a time', async (only) => {
    await begin({ nodes: 3 });
    const minute = await add({ timeout: '90s' });
    await mishaps(minute);
    const before = probe.started.length;
    const good = new Set(ticks(probe.started.filter(({ run }) => succeeded.has(run.id))));
    const range = { from: minute - 3 * MINUTE, to: minute + 20 * MINUTE, only };
    const expected = minutes(minute - 3 * MINUTE, 24).filter((tick) => only === 'all' || !good.has(tick));
    if (only === 'unsuccessful') {
      const after = expected.map((tick) => (tick - minute) / MINUTE);
      expect(after).toEqual(expect.arrayContaining([-3, 0, 2, 4, 5, 8, 11, 12, 17, 18]));
      expect(good.size).toBeGreaterThan(7);
    }
    const dry = await ask({ ...range, dryRun: true });
    expect(dry).toMatchObject({ state: 'planned', more: false, started: 0, only });
    expect(dry.id).toBeUndefined();
    expect(ticksOf(dry)).toEqual(expected);
    expect(await during(any().getBackfill('a'))).toBeUndefined();
    expect(probe.started).toHaveLength(before);

    const asked = await ask(range);
    expect(asked).toMatchObject({ state: 'running', started: 0 });
    expect(ticksOf(asked)).toEqual(expected);
    expect(await finished()).toMatchObject({ id: asked.id, started: expected.length, remaining: [] });
    expectInTurn(expected);
    await probe.cluster.advance('3m');
    expect(ticks(regular()).slice(-3)).toEqual(minutes(ticks(regular()).at(-3)!, 3));
    expect(backfilled()).toHaveLength(expected.length);
    const again = await ask({ from: minute + MINUTE, to: minute + 20 * MINUTE, dryRun: true });
    expect(ticksOf(again)).toEqual([]);
  });

  it('stands in history by its trigger, with the past tick', async () => {
    await begin();
    const minute = await add({ schedule: DAILY });
    await ask({ from: minute - 3 * 86_400_000, only: 'all' });
    await finished();
    const records = (await during(any().listRuns({ task: 'a' }))) as RunRecord[];
    expect(records.map(({ trigger, outcome }) => `${trigger} ${outcome}`)).toEqual(
      Array.from({ length: 3 }, () => 'backfill succeeded'),
    );
    expect(records.map(({ tick }) => tick).reverse()).toEqual(ticks(backfilled()));
  });

  it('does not go beyond now, and leaves what is not settled to its regular turn', async () => {
    await begin();
    const minute = await add();
    const asked = await ask({ from: minute - MINUTE, to: minute + 5 * MINUTE });
    expect(asked.to.getTime()).toBeLessThanOrEqual(now());
    expect(ticksOf(asked)).toEqual([minute - MINUTE, minute]);
    await until(minute + 6 * MINUTE + 1_000);
    expectInTurn([minute - MINUTE, minute]);
    expect(ticks(regular())).toEqual(minutes(minute + MINUTE, 6));
  });

  it('a second one, asked for after the first, does not run what the first has made good', async () => {
    await begin();
    const minute = await add();
    work = ({ trigger, tick }) => {
      if (trigger !== 'backfill' || tick!.getTime() === minute + 2 * MINUTE) throw new Error('failed');
    };
    await until(minute + 4 * MINUTE + 10_000);
    await ask({ from: minute + MINUTE });
    await finished();
    expectInTurn(minutes(minute + MINUTE, 4));
    work = () => undefined;
    const second = await ask({ from: minute + MINUTE, to: minute + 4 * MINUTE });
    expect(ticksOf(second)).toEqual([minute + 2 * MINUTE]);
    await finished();
    expect(ticks(backfilled()).slice(4)).toEqual([minute + 2 * MINUTE]);
  });

  it('a second one does not run ticks from before the task once more that the first has made good', async () => {
    await begin();
    const minute = await add();
    await ask({ from: minute - 4 * MINUTE, to: minute });
    await finished();
    expectInTurn(minutes(minute - 4 * MINUTE, 5));
    expect(ticksOf(await ask({ from: minute - 4 * MINUTE, to: minute, dryRun: true }))).toEqual([]);
  });

  it('knows what it has made good of the time the task was paused, before its next regular tick', async () => {
    await begin();
    const noon = Date.UTC(2030, 0, 1, 12);
    await until(noon - MINUTE);
    await during(any().addTask({ name: 'a', schedule: { cron: '0 * * * *' } }));
    await until(noon + MINUTE);
    await during(any().pauseTask('a'));
    await until(noon + 3 * 3_600_000 + MINUTE);
    await during(any().resumeTask('a'));
    const away = [1, 2, 3].map((hour) => noon + hour * 3_600_000);
    await ask({ from: noon });
    await finished();
    expectInTurn(away);
    expect(ticksOf(await ask({ from: noon, dryRun: true }))).toEqual([]);
  });

  it.each([
    ['paused after it was added', false],
    ['added as disabled', true],
  ])('finds what fell due while the task was %s, before its first tick', async (_, disabled) => {
    await begin();
    const minute = await add({ disabled });
    if (!disabled) await during(any().pauseTask('a'));
    await until(minute + 3 * MINUTE + 30_000);
    await during(any().resumeTask('a'));
    expect(ticksOf(await ask({ from: minute, dryRun: true }))).toEqual(minutes(minute, 4));
    await until(minute + 5 * MINUTE + 30_000);
    expect(ticksOf(await ask({ from: minute, dryRun: true }))).toEqual(minutes(minute, 4));
  });

  it('finds a tick that failed long ago, although many were made good since', async () => {
    await begin({ nodes: 1 });
    const minute = await add();
    work = ({ trigger, tick }) => {
      const n = (tick!.getTime() - minute) / MINUTE;
      if (n === 1 || (n > 5 && n <= 70 && trigger !== 'backfill')) throw new Error('failed');
    };
    await until(minute + 72 * MINUTE + 10_000);
    await ask({ from: minute + 6 * MINUTE });
    await finished();
    expectInTurn(minutes(minute + 6 * MINUTE, 65));
    expect(ticksOf(await ask({ from: minute + MINUTE, dryRun: true }))).toEqual([minute + MINUTE]);
  });

  it("'all' does not make a tick unsuccessful that had its success before", async () => {
    await begin({ nodes: 1 });
    const minute = await add();
    await until(minute + 2 * MINUTE + 10_000);
    work = () => {
      throw new Error('failed');
    };
    await ask({ from: minute + MINUTE, only: 'all' });
    await finished();
    expectInTurn(minutes(minute + MINUTE, 2));
    expect(ticksOf(await ask({ from: minute + MINUTE, to: minute + 2 * MINUTE, dryRun: true }))).toEqual([]);
  });
});

describe('A backfill beside regular ticks', () => {
  it.each([
    ['fire-once', 'runs after it', 1],
    ['fire-all', 'runs after it', 1],
    ['skip', 'is left out as late', 3],
  ] as const)('misfire %s: a tick that falls due during one of its runs %s', async (misfire, _, first) => {
    await begin();
    const minute = await add({ misfire });
    work = ({ trigger }) => (trigger === 'backfill' ? pass(35_000) : undefined);
    await ask({ from: minute - 2 * MINUTE });
    await until(minute + 6 * MINUTE - 10_000);
    expectInTurn(minutes(minute - 2 * MINUTE, 3));
    expect(ticks(regular())).toEqual(minutes(minute + first * MINUTE, 6 - first));
    for (const start of regular()) {
      const [before] = backfilled()
        .filter(({ at }) => at < start.at)
        .slice(-1);
      expect(start.at).toBeGreaterThanOrEqual(succeeded.get(before!.run.id)!);
    }
  });

  it('a tick that fell due during a run taken over from a dead node runs after it', async () => {
    await begin({ nodes: 3 });
    const minute = await add({ recovery: 'rerun' });
    work = ({ trigger }) => (trigger === 'schedule' || trigger === 'misfire' ? undefined : pass(100_000));
    await ask({ from: minute });
    await probe.cluster.clock.advanceUntil(() => probe.started.length === 1);
    probe.cluster.crash(owner());
    await until(minute + 6 * MINUTE);
    const records = await during(any().listRuns({ task: 'a' }));
    expect(records.filter((record) => record.kind === 'skip' && record.reason === 'overlap')).toEqual([]);
  });

  it("with overlap 'allow' still one at a time, and beside them the regular ones", async () => {
    await begin();
    const minute = await add({ overlap: 'allow' });
    work = ({ trigger }) => (trigger === 'backfill' ? pass(40_000) : pass(10_000));
    await ask({ from: minute - 3 * MINUTE });
    await until(minute + 4 * MINUTE + 1_000);
    expectInTurn(minutes(minute - 3 * MINUTE, 4));
    expect(ticks(regular())).toEqual(minutes(minute + MINUTE, 4));
    for (const { at, tick } of regular()) expect(at - tick!).toBeLessThan(1_000);
  });

  it("with overlap 'allow' still one at a time when a dead node's run is taken over", async () => {
    await begin({ nodes: 3 });
    const minute = await add({ schedule: DAILY, overlap: 'allow', recovery: 'rerun' });
    work = () => pass(40_000);
    await ask({ from: minute - 2 * 86_400_000 });
    await probe.cluster.clock.advanceUntil(() => probe.started.length === 1);
    probe.cluster.crash(owner());
    await finished();
    expect(probe.started.map(({ trigger }) => trigger)).toEqual(['backfill', 'recovery', 'backfill']);
    expect(probe.started[2]!.at).toBeGreaterThanOrEqual(succeeded.get(probe.started[1]!.run.id)!);
  });

  it('makes the task wait that has no tick left, and then lets it be completed', async () => {
    await begin();
    const minute = Math.ceil(now() / MINUTE) * MINUTE;
    await add({ endAt: minute + 2 * MINUTE, afterRun: 'delete' });
    await until(minute + MINUTE + 10_000);
    work = ({ trigger }) => (trigger === 'backfill' ? pass(50_000) : undefined);
    await ask({ from: minute - 3 * MINUTE, to: minute });
    await until(minute + 4 * MINUTE);
    expect(any().getTask('a')?.state).toBe('active');
    await until(minute + 6 * MINUTE);
    expectInTurn(minutes(minute - 3 * MINUTE, 4));
    expect(ticks(regular())).toEqual(minutes(minute + MINUTE, 2));
    expect(any().listTasks({ state: 'deleted' })).toHaveLength(1);
  });

  it('goes on soon when its unit changes hands during one of its runs', async () => {
    await begin({ nodes: 2 });
    const minute = await add({ schedule: DAILY });
    work = () => pass(20_000);
    await ask({ from: minute - 3 * 86_400_000 });
    await probe.cluster.clock.advanceUntil(() => probe.started.length === 1);
    void owner().service.drain();
    await probe.cluster.advance('2m');
    expect(ticks(backfilled())).toHaveLength(3);
  });

  it('goes on soon, though all its owner knows is a run on another node of whose end it was not told', async () => {
    await begin({ nodes: 2 });
    const minute = await add({ schedule: DAILY });
    work = () => pass(2_000);
    const other = probe.cluster.nodes.find((node) => node !== owner())!;
    await ask({ from: minute - 3 * 86_400_000 });
    await during(owner().service.pauseTask('a'));
    await probe.cluster.advance('3s');
    await during(other.service.runTask('a'));
    await during(owner().service.getTaskStatus('a'));
    await probe.cluster.advance('3s');
    await during(owner().service.resumeTask('a'));
    await probe.cluster.advance('10s');
    expect(ticks(backfilled())).toHaveLength(3);
  });
});
