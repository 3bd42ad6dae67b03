import { DEFAULT_POLICIES } from '../../lib/core/task/policies.js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClusterView } from '../../lib/core/cluster/cluster-view.js';
import { RegistryUnavailableError } from '../../lib/core/registry/registry-errors.js';
import { updateDocument } from '../../lib/core/registry/update-document.js';
import type { KnownTask } from '../../lib/core/task/catalog.js';
import type { Write } from '../../lib/core/registry/registry.js';
import { decideFinish, decideLost, decideTakeOver } from '../../lib/core/scheduler/run-decisions.js';
import { newUnitState, type RunEntry, type UnitState } from '../../lib/core/scheduler/unit-state.js';
import { Catalog } from '../../lib/core/task/catalog.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { MemoryStore } from '../../lib/adapters/memory/memory-store.js';
import { VirtualClock } from '../../lib/testing/cluster/virtual-clock.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

// One test for each rule of the protocol that a deliberate bug got past the other tests.

const EVERY_10S = { cron: '*/10 * * * * *' };
const EVERY_MINUTE = { cron: '* * * * *' };
const SELDOM = { cron: '0 0 1 1 *' };

let probe: ProbedCluster;

/** A handler that takes so long, whatever its signal says. */
const lasting = (ms: number) => () => new Promise<void>((end) => probe.cluster.clock.setTimer(ms, end));

/** Calls `then` once, when a write that `wanted` picks has been carried out and its reply is not yet on its way. */
function onceWritten(wanted: (write: Write) => boolean, then: () => void): void {
  const { store } = probe.cluster;
  const write = store.write.bind(store);
  store.write = (given) => {
    const result = write(given);
    if (!result.ok || !wanted(given)) return result;
    store.write = write;
    then();
    return result;
  };
}

function ownerOf(task: string): TestNode {
  return probe.cluster.nodes.find(({ service }) => service.listOwnTasks().some(({ name }) => name === task))!;
}

function otherThan(node: TestNode): TestNode {
  return probe.cluster.nodes.find((other) => other !== node)!;
}

function unitOf(task: string): { key: string; state: UnitState } {
  const [entry] = probe.cluster.store.list(`test/units/${task}@`, {}).entries;
  return { key: entry!.key, state: JSON.parse(entry!.value) as UnitState };
}

async function add(task: string, schedule: object | 'now', policies: object = {}): Promise<void> {
  const { cluster } = probe;
  await cluster.during(cluster.node(0).service.addTask({ name: task, schedule: schedule as 'now', ...policies }));
  await cluster.advance(50);
}

async function history(task: string) {
  const node = probe.cluster.nodes.find(({ service }) => service.state === 'working')!;
  return probe.cluster.during(node.service.listRuns({ task }));
}

/** Puts a run on the unit's books that `node` claimed under a session it no longer has, and does not execute. */
function plantRun(task: string, node: TestNode): void {
  const { key, state } = unitOf(task);
  const { boot } = node.scheduler.options.node;
  const claimedAt = probe.cluster.clock.now();
  const run: RunEntry = {
    id: 'planted',
    trigger: 'manual',
    node: node.id,
    boot,
    session: 'over',
    attempt: 1,
    claimedAt,
    seq: state.seq + 1,
  };
  probe.cluster.store.write({ key, value: JSON.stringify({ ...state, seq: run.seq, runs: [run] }) });
}

const NO_RESYNC = { cluster: { resyncMs: 600_000 } };

describe('Decisions about a unit', () => {
  const run = (id: string, more: Partial<RunEntry> = {}): RunEntry => ({
    id,
    trigger: 'schedule',
    node: 'n',
    boot: 'b',
    session: 's1',
    attempt: 1,
    claimedAt: 0,
    seq: 1,
    ...more,
  });
  const task = { token: 1n, policies: DEFAULT_POLICIES, doc: { since: 0 } } as KnownTask;
  const holding = (...runs: RunEntry[]): UnitState => ({ ...newUnitState(0, 1n), runs });

  it('a finish takes out its own run and no other', () => {
    const others = [run('x'), run('z')];
    const { next } = decideFinish(holding(others[0]!, run('y'), others[1]!), task, run('y'), 'succeeded', 5);
    expect(next!.runs).toEqual(others);
  });

  it('a run that was bound to a new session since it was found dead is neither taken over nor lost', () => {
    const state = holding(run('y', { session: 's2' }));
    const by = { node: 'm', boot: 'c', session: 's3', now: 9 };
    expect(decideTakeOver(state, task, run('y'), by)).toEqual({ outcome: undefined });
    expect(decideLost(state, task, run('y'), 9)).toEqual({ outcome: undefined });
  });

  it('a run that waits for another attempt since it was found dead is not lost', () => {
    const retry = { made: 1, begunAt: 0, at: 8 };
    expect(decideLost(holding(run('y', { retry })), task, run('y'), 9)).toEqual({ outcome: undefined });
    expect(decideLost(holding(run('y')), task, run('y'), 9).outcome).toBe('lost');
  });

  it('a run that was found waiting and has begun its next attempt since is not taken over', () => {
    const by = { node: 'm', boot: 'c', session: 's3', now: 9 };
    const retry = { made: 1, begunAt: 0 };
    const waiting = run('y', { retry: { ...retry, at: 8 } });
    expect(decideTakeOver(holding(run('y', { retry })), task, waiting, by)).toEqual({ outcome: undefined });
    expect(decideTakeOver(holding(waiting), task, waiting, by).outcome).toMatchObject({ node: 'm', attempt: 2 });
  });
});

describe('A write of unknown outcome', () => {
  afterEach(() => probe?.cluster.stop());

  it('is settled before the document is believed: once it is left as it is, the late write fails', async () => {
    const clock = new VirtualClock();
    const store = new MemoryStore(clock);
    store.write({ key: 'k', value: 'before' });
    let late: Write | undefined;
    const port = {
      read: async (key: string) => store.get(key),
      commit: async (write: Write) => {
        if (late) return store.write(write);
        late = write;
        throw new RegistryUnavailableError('no reply', { outcomeUnknown: true });
      },
    };
    let asked = 0;
    const update = updateDocument(
      port,
      'k',
      () => (asked++ === 0 ? { write: 'late', result: 'written' } : { keep: 'kept' }),
      { clock, known: 'unread', again: () => true },
    );
    await clock.advance('1s');
    expect((await update).result).toBe('kept');
    expect(store.write(late!).ok).toBe(false);
    expect(store.get('k')!.value).toBe('before');
  });

  it('a finish recognises that it went through, and the run is on record', async () => {
    probe = await probedCluster({ nodes: 1 }, lasting(9_000));
    const { cluster } = probe;
    await add('a', EVERY_MINUTE, { overlap: 'allow' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    await cluster.advance(200);
    cluster.node(0).host.cutLink('replies');
    await cluster.clock.advanceUntil(() => unitOf('a').state.runs.length === 0); // by then trust is gone
    expect(cluster.node(0).service.state).toBe('rejoining');
    cluster.node(0).host.cutLink('none');
    await cluster.advance('20s');
    expect(await history('a')).toMatchObject([{ outcome: 'succeeded' }]);
  });

  it('a take-over recognises that it went through, and is one attempt', async () => {
    probe = await probedCluster({ nodes: 2 }, lasting(30_000));
    const { cluster } = probe;
    await add('a', EVERY_MINUTE, { recovery: 'rerun' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const runner = ownerOf('a');
    const heir = otherThan(runner);
    onceWritten(
      ({ key, value }) => key.startsWith('test/units/') && value!.includes('"attempt":2'),
      () => {
        heir.host.cutLink('replies');
        cluster.clock.setTimer(500, () => heir.host.cutLink('none'));
      },
    );
    cluster.crash(runner);
    await cluster.advance('90s');
    expect(
      probe
        .of('a')
        .filter(({ tick }) => tick === probe.started[0]!.tick)
        .map(({ attempt }) => attempt),
    ).toEqual([1, 2]);
  });

  it('a finish that finds no registry is tried until it is recorded', async () => {
    probe = await probedCluster({ nodes: 1 }, lasting(5_000));
    const { cluster } = probe;
    await add('a', EVERY_MINUTE);
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    await cluster.advance('4s');
    cluster.node(0).host.cutLink('requests');
    await cluster.advance('3s');
    cluster.node(0).host.cutLink('none');
    await cluster.advance('10s');
    expect(unitOf('a').state).toMatchObject({ runs: [], counters: { succeeded: 1 } });
  });
});

describe('Trust', () => {
  afterEach(() => probe.cluster.stop());

  /** One node that claims five seconds ahead and has claimed the next tick of `a`. @returns the tick */
  async function claimedAhead(nodes = 1): Promise<number> {
    probe = await probedCluster({ nodes, options: { cluster: { claimAheadMs: 5_000, resyncMs: 600_000 } } });
    await add('a', EVERY_MINUTE, { overlap: 'allow' });
    await probe.cluster.clock.advanceUntil(() => unitOf('a').state.runs.length === 1);
    return unitOf('a').state.runs[0]!.tick!;
  }

  it('a run that may outlive its session still does not start once the session is gone', async () => {
    await claimedAhead();
    const { cluster } = probe;
    cluster.node(0).host.freeze();
    await cluster.advance('30s');
    cluster.node(0).host.unfreeze();
    await cluster.advance('5s');
    expect(probe.started).toEqual([]);
    expect(await history('a')).toMatchObject([{ outcome: 'lost', error: { name: 'NotStarted' } }]);
  });

  it('after a step of the clock the registry tells the time before a run starts', async () => {
    const tick = await claimedAhead();
    const { cluster } = probe;
    const { host, scheduler } = cluster.node(0);
    await cluster.advance('1s');
    host.skewMs = 10_000;
    scheduler.context.timeline.rearm();
    await cluster.advance('10s');
    expect(probe.of('a').map(({ at }) => at)).toEqual([tick]);
  });

  it('after a step of the clock a run that is no longer on the books does not start', async () => {
    const tick = await claimedAhead(2);
    const { cluster } = probe;
    const owner = ownerOf('a');
    owner.host.cutLink('watches');
    await cluster.during(otherThan(owner).service.purgeTask('a'));
    await cluster.advance(tick - 100 - cluster.clock.now());
    owner.host.skewMs = 10_000;
    await cluster.advance('5s');
    expect(probe.started).toEqual([]);
  });

  it('a run does not start under a new session before it is bound to it', async () => {
    const tick = await claimedAhead();
    const { cluster } = probe;
    const { host, scheduler } = cluster.node(0);
    await cluster.advance(tick - 500 - cluster.clock.now());
    onceWritten(
      ({ value }) => value?.includes('"status":"starting"') === true,
      () => host.cutLink('replies'),
    );
    cluster.store.endSession(scheduler.context.keeper.session!.id);
    await cluster.during(scheduler.context.keeper.renew());
    await cluster.advance('2s');
    expect(probe.started).toEqual([]);
    host.cutLink('none');
  });

  it('counts from when a renewal was sent, not from its reply', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { store, clock } = cluster;
    const { host, service } = cluster.node(0);
    const renew = store.renewSession.bind(store);
    let sent: number | undefined;
    store.renewSession = (id) => {
      if (sent !== undefined) return renew(id);
      sent = clock.now();
      host.freeze();
      return renew(id);
    };
    await clock.advanceUntil(() => sent !== undefined);
    await cluster.advance('4s');
    host.unfreeze();
    host.cutLink('requests');
    await cluster.advance(sent! + 8_100 - clock.now());
    expect(service.state).toBe('rejoining');
    host.cutLink('none');
  });

  it('counts from when a session was asked for, not from the reply', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { store } = cluster;
    const joiner = cluster.makeNode({ id: 'late' });
    const open = store.openSession.bind(store);
    store.openSession = (ttlMs) => {
      store.openSession = open;
      joiner.host.freeze();
      return open(ttlMs);
    };
    void joiner.service.start();
    await cluster.advance('9s');
    joiner.host.unfreeze();
    await cluster.advance('2s');
    expect(joiner.service.state).toBe('working');
    expect(store.get('test/nodes/late')).toBeDefined();
  });
});

describe('A session that was lost', () => {
  afterEach(() => probe.cluster.stop());

  it('a run that goes on is bound to the new one', async () => {
    probe = await probedCluster({ nodes: 2 }, lasting(40_000));
    const { cluster } = probe;
    await add('a', EVERY_MINUTE, { overlap: 'allow' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const node = ownerOf('a');
    node.host.cutLink('requests');
    await cluster.advance('8500ms'); // trust is gone, the session not yet
    node.host.cutLink('none');
    await cluster.advance('15s');
    const [run] = unitOf('a').state.runs;
    expect(run).toMatchObject({ id: probe.started[0]!.run.id, session: node.scheduler.context.keeper.session!.id });
  });

  it('a run that others have settled is aborted when its node comes back, and records nothing', async () => {
    probe = await probedCluster({ nodes: 2 }, lasting(25_000));
    const { cluster } = probe;
    await add('a', EVERY_MINUTE, { overlap: 'allow' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const { signal } = probe.started[0]!.run; // comes into being when it is asked for
    const node = ownerOf('a');
    node.host.cutLink('requests');
    await cluster.advance('15s');
    expect(await history('a')).toMatchObject([{ outcome: 'lost' }]);
    expect(signal.aborted).toBe(false);
    node.host.cutLink('none');
    await cluster.advance('8s');
    expect(signal.aborted).toBe(true);
    await cluster.advance('15s');
    expect(await history('a')).toMatchObject([{ outcome: 'lost' }]);
  });

  it('a node on its way back, which has yet to bind its runs, is not taken for dead', async () => {
    probe = await probedCluster({ nodes: 2, options: NO_RESYNC }, lasting(40_000));
    const { cluster } = probe;
    await add('a', EVERY_MINUTE, { overlap: 'allow' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const node = ownerOf('a');
    const other = otherThan(node);
    other.host.cutLink('watches');
    onceWritten(
      ({ value }) => value?.includes('"status":"starting"') === true,
      () => node.host.freeze(),
    );
    cluster.store.endSession(node.scheduler.context.keeper.session!.id);
    await cluster.clock.advanceUntil(() => cluster.store.get(`test/nodes/${node.id}`) !== undefined);
    other.host.cutLink('none');
    await cluster.advance('2s');
    expect(ownerOf('a')).toBe(other);
    node.host.unfreeze();
    await cluster.advance('40s');
    expect(await history('a')).toMatchObject([{ outcome: 'succeeded', nodeId: node.id }]);
  });
});

describe('Orphans', () => {
  afterEach(() => probe.cluster.stop());

  it.each(['the owner itself', 'another node that lives on'])(
    'a run that %s claimed and does not execute is settled',
    async (who) => {
      probe = await probedCluster({ nodes: 2, options: NO_RESYNC });
      const { cluster } = probe;
      await add('a', EVERY_10S);
      await cluster.advance('1s');
      const owner = ownerOf('a');
      plantRun('a', who === 'the owner itself' ? owner : otherThan(owner));
      await cluster.advance('25s');
      expect(unitOf('a').state).toMatchObject({ runs: [], counters: { lost: 1 } });
      expect(probe.started.length).toBeGreaterThan(0);
    },
  );

  it('a run of a node that this one has not heard of is not taken for dead', async () => {
    probe = await probedCluster({ nodes: 1, options: NO_RESYNC }, ({ trigger }) =>
      trigger === 'manual' ? lasting(35_000)() : undefined,
    );
    const { cluster } = probe;
    const tasks = ['t0', 't1', 't2', 't3', 't4', 't5'];
    for (const task of tasks) await add(task, EVERY_10S);
    await cluster.advance('12s');
    cluster.node(0).host.cutLink('watches');
    const joined = await cluster.join();
    expect(joined.service.listOwnTasks().length).toBeLessThan(tasks.length); // some are looked after by the first alone
    for (const task of tasks) await cluster.during(joined.service.runTask(task));
    const at = cluster.clock.now();
    await cluster.advance('50s');
    expect(probe.started.filter((start) => start.at > at && start.at < at + 34_000)).toEqual([]);
    for (const task of tasks) {
      expect(probe.of(task).at(-1)!.at).toBeGreaterThan(at + 34_000);
      expect(unitOf(task).state.counters.lost).toBeUndefined();
    }
  });

  it('of a node that was no owner are found as soon as it is gone', async () => {
    probe = await probedCluster({ nodes: 2, options: NO_RESYNC }, lasting(60_000));
    const { cluster } = probe;
    await add('a', SELDOM);
    const runner = otherThan(ownerOf('a'));
    await cluster.during(runner.service.runTask('a'));
    await cluster.during(ownerOf('a').scheduler.context.units.read(ownerOf('a').scheduler.owned[0]!));
    cluster.crash(runner);
    await cluster.advance('11s');
    expect(unitOf('a').state).toMatchObject({ runs: [], counters: { lost: 1 } });
  });

  it('of a cancelled task are not run again', async () => {
    probe = await probedCluster({ nodes: 2 }, lasting(60_000));
    const { cluster } = probe;
    await add('a', EVERY_MINUTE, { recovery: 'rerun' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const runner = ownerOf('a');
    await cluster.during(otherThan(runner).service.cancelTask('a'));
    await cluster.advance('1s');
    cluster.crash(runner);
    await cluster.advance('30s');
    expect(probe.started).toHaveLength(1);
    expect(await history('a')).toMatchObject([{ outcome: 'lost' }]);
  });

  it('that somebody else settled meanwhile cost no slot', async () => {
    probe = await probedCluster({ nodes: 2, options: { concurrency: 1 } }, ({ attempt }) =>
      probe.started.length === 1 ? lasting(60_000)() : attempt,
    );
    const { cluster } = probe;
    const { store } = cluster;
    await add('a', EVERY_MINUTE, { recovery: 'rerun' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const runner = ownerOf('a');
    const heir = otherThan(runner);
    const get = store.get.bind(store);
    cluster.crash(runner);
    let settled = false;
    store.get = (key) => {
      if (settled || key !== `test/nodes/${runner.id}` || get(key)) return get(key);
      settled = true;
      const { key: unit, state } = unitOf('a');
      store.write({ key: unit, value: JSON.stringify({ ...state, runs: [] }) });
      return undefined;
    };
    await cluster.advance('15s');
    expect(settled).toBe(true);
    expect(heir.scheduler.context.slots.used).toBe(0);
  });
});

describe('A standby', () => {
  afterEach(() => probe.cluster.stop());

  /** The owner frozen from a second before a tick until four seconds after it. @returns the tick */
  async function ownerAway(
    schedule: object,
    policies: object,
    meanwhile?: (standby: TestNode) => Promise<unknown>,
  ): Promise<number> {
    const { cluster } = probe;
    await add('a', schedule, policies);
    await cluster.advance('61s');
    const owner = ownerOf('a');
    const tick = owner.service.nextTicks('a', 1)[0]!.getTime();
    await cluster.advance(tick - 1_000 - cluster.clock.now());
    owner.host.freeze();
    await cluster.advance('1500ms');
    if (meanwhile) await cluster.during(meanwhile(otherThan(owner)));
    await cluster.advance(tick + 4_000 - cluster.clock.now());
    return tick;
  }

  it.each([
    ['comes in for no tick of a frequent task', EVERY_10S, {}],
    ['comes in for no tick of a task that wants none', EVERY_MINUTE, { standby: false }],
  ])('%s', async (_what, schedule, policies) => {
    probe = await probedCluster({ nodes: 2 });
    const tick = await ownerAway(schedule, policies);
    expect(probe.of('a').filter((start) => start.tick === tick)).toEqual([]);
    for (const { host } of probe.cluster.nodes) host.unfreeze();
    await probe.cluster.advance('1s');
    expect(probe.of('a').at(-1)).toMatchObject({ tick, node: ownerOf('a').id });
  });

  it('is not late by coming late: its run is on schedule, whatever the misfire policy', async () => {
    probe = await probedCluster({ nodes: 2 });
    const tick = await ownerAway(EVERY_MINUTE, { misfire: 'skip' });
    expect(probe.of('a').at(-1)).toMatchObject({ tick, trigger: 'schedule', at: tick + 2_000 });
  });

  it('keeps its delay when it is asked to look earlier', async () => {
    probe = await probedCluster({ nodes: 2 });
    const task = { name: 'a', schedule: EVERY_MINUTE, description: 'changed' };
    const tick = await ownerAway(EVERY_MINUTE, {}, ({ service }) => service.putTask(task));
    const [start] = probe.of('a').filter((each) => each.tick === tick);
    expect(start!.at - tick).toBeGreaterThanOrEqual(2_000);
  });

  it('leaves a tick alone whose run another one blocks', async () => {
    probe = await probedCluster({ nodes: 2 }, lasting(90_000));
    const tick = await ownerAway(EVERY_MINUTE, {});
    expect(unitOf('a').state.cursor).toBe(tick - 60_000);
  });
});

describe('A change', () => {
  afterEach(() => probe.cluster.stop());

  it('that somebody else committed without touching the units holds once it is acknowledged here', async () => {
    probe = await probedCluster({ nodes: 2, options: NO_RESYNC });
    const { cluster } = probe;
    await add('a', { cron: '* * * * * *' });
    await cluster.advance('3s');
    const owner = ownerOf('a');
    const key = 'test/tasks/a';
    owner.host.cutLink('watches');
    const doc = JSON.parse(cluster.store.get(key)!.value) as object;
    cluster.store.write({ key, value: JSON.stringify({ ...doc, state: 'paused', updatedAt: cluster.clock.now() }) });
    await cluster.during(otherThan(owner).service.pauseTask('a'));
    const acknowledged = cluster.clock.now();
    await cluster.advance('10s');
    expect(probe.of('a').filter(({ at }) => at > acknowledged + 100)).toEqual([]);
  });

  it('holds for a run by hand on a node that has not heard of it', async () => {
    probe = await probedCluster({ nodes: 2, options: NO_RESYNC });
    const { cluster } = probe;
    await add('a', SELDOM, { payload: 'old' });
    const [a, b] = cluster.nodes;
    b!.host.cutLink('watches');
    await cluster.during(a!.service.putTask({ name: 'a', schedule: SELDOM, payload: 'new' }));
    await cluster.during(b!.service.runTask('a'));
    await cluster.advance('1s');
    expect(probe.started.map(({ run }) => run.payload)).toEqual(['new']);
  });

  it.each([
    ['a restored task', SELDOM, 'restore'],
    ['a new schedule', SELDOM, 'updateSchedule'],
    ['a task put with a new schedule', SELDOM, 'put'],
  ] as const)('%s has missed nothing', async (_what, before, how) => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await add('a', how === 'restore' ? EVERY_MINUTE : before);
    if (how === 'restore') await cluster.during(service.deleteTask('a'));
    await cluster.advance('150s');
    if (how === 'restore') await cluster.during(service.restoreTask('a'));
    if (how === 'updateSchedule') await cluster.during(service.updateSchedule('a', EVERY_MINUTE));
    if (how === 'put') await cluster.during(service.putTask({ name: 'a', schedule: EVERY_MINUTE }));
    await cluster.advance('10s');
    expect(probe.started).toEqual([]);
    expect(await history('a')).toEqual([]);
  });

  it('that leaves the schedule as it is forgets no tick that is due', async () => {
    probe = await probedCluster({ nodes: 1, options: { concurrency: 1 } }, ({ task }) =>
      task === 'busy' ? lasting(80_000)() : undefined,
    );
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await add('a', EVERY_MINUTE);
    await add('busy', 'now');
    await cluster.advance('70s');
    await cluster.during(service.putTask({ name: 'a', schedule: EVERY_MINUTE, description: 'changed' }));
    await cluster.advance('15s');
    expect(probe.of('a')).toMatchObject([{ trigger: 'misfire' }]);
  });

  it('of a completed task gives it a unit of its own, and it runs', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    await add('a', 'now');
    await cluster.advance('2s');
    expect(cluster.node(0).service.getTask('a')).toMatchObject({ state: 'completed' });
    await cluster.during(cluster.node(1).service.putTask({ name: 'a', schedule: { every: '1s' } }));
    await cluster.advance('5s');
    expect(probe.of('a').length).toBeGreaterThan(3);
    expect(cluster.store.list('test/units/', {}).entries).toHaveLength(1);
  });

  it('is not overwritten by the completion of what the task was before', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { service, scheduler } = cluster.node(0);
    await add('a', SELDOM);
    const before = scheduler.context.catalog.get('a')!;
    await cluster.during(service.updateSchedule('a', EVERY_MINUTE));
    await cluster.during(scheduler.writer.complete(before));
    expect(service.getTask('a')).toMatchObject({ state: 'active' });
  });
});

describe('Units', () => {
  afterEach(() => probe.cluster.stop());

  const left = () => ['tasks/', 'units/'].flatMap((prefix) => probe.cluster.store.list(`test/${prefix}`, {}).entries);

  it('are not made over one that is there', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    await add('a', EVERY_10S);
    await cluster.advance('25s');
    const { context, owned } = cluster.node(0).scheduler;
    const before = unitOf('a').state;
    await cluster.during(context.units.create(owned[0]!, newUnitState(0, 0n), () => true));
    expect(unitOf('a').state).toEqual(before);
  });

  it('are not made anew for a task that is being purged', async () => {
    probe = await probedCluster({ nodes: 2, options: NO_RESYNC });
    const { cluster } = probe;
    await add('a', { cron: '* * * * * *' });
    await cluster.advance('2s');
    const purger = otherThan(ownerOf('a'));
    onceWritten(
      ({ key, value }) => key.startsWith('test/units/') && value === undefined,
      () => {
        purger.host.freeze();
        cluster.clock.setTimer(3_000, () => purger.host.unfreeze());
      },
    );
    const purged = cluster.clock.now();
    await cluster.during(purger.service.purgeTask('a'));
    await cluster.advance('5s');
    expect(probe.of('a').filter(({ at }) => at > purged + 200)).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('are taken back where the task went away while they were made', async () => {
    probe = await probedCluster({ nodes: 1, options: NO_RESYNC });
    const { cluster } = probe;
    await add('a', EVERY_10S);
    await cluster.advance('1s');
    cluster.node(0).host.cutLink('watches');
    cluster.store.write({ key: unitOf('a').key });
    onceWritten(
      ({ key, value }) => key.startsWith('test/units/') && value !== undefined,
      () => void cluster.store.write({ key: 'test/tasks/a' }),
    );
    await cluster.advance('25s');
    expect(probe.started).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('of a task that is added anew while its predecessor is purged stay', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const [a, b] = cluster.nodes.map(({ service }) => service);
    await add('a', EVERY_10S);
    let added: Promise<unknown> | undefined;
    onceWritten(
      ({ value }) => value?.includes('"state":"purged"') === true,
      () => {
        added = b!.addTask({ name: 'a', schedule: { every: '1s' } });
        added.catch(() => undefined);
        cluster.node(0).host.freeze();
        cluster.clock.setTimer(1_000, () => cluster.node(0).host.unfreeze());
      },
    );
    await cluster.during(a!.purgeTask('a'));
    await added;
    await cluster.advance('5s');
    expect(probe.of('a').length).toBeGreaterThan(2);
    expect(left()).toHaveLength(2);
  });
});

describe('Slots and waits', () => {
  afterEach(() => probe.cluster.stop());

  it('a run that fails, one that does not start and one that is refused give back their slot', async () => {
    probe = await probedCluster({ nodes: 1, options: { concurrency: 2 } }, ({ task }) => {
      if (task === 'long') return lasting(60_000)();
      throw new Error('boom');
    });
    const { cluster } = probe;
    const { service, scheduler } = cluster.node(0);
    const { slots } = scheduler.context;
    await add('fails', EVERY_10S);
    await cluster.advance('21s');
    expect(probe.started.length).toBeGreaterThan(1);
    expect(slots.used).toBe(0);
    await cluster.clock.advanceUntil(() => slots.used === 1); // claimed ahead of its tick
    await cluster.during(service.pauseTask('fails'));
    await cluster.advance('1s');
    expect(await history('fails')).toMatchObject([{ outcome: 'cancelled' }, { outcome: 'failed' }, {}]);
    expect(slots.used).toBe(0);
    await add('long', SELDOM);
    await cluster.during(service.runTask('long'));
    await expect(cluster.during(service.runTask('long'))).rejects.toMatchObject({ code: 'TASK_RUNNING' });
    expect(slots.used).toBe(1);
  });

  it('a retry waits its delay', async () => {
    probe = await probedCluster({ nodes: 1 }, () => Promise.reject(new Error('boom')));
    await add('a', 'now', { retry: { attempts: 3, delay: '2s', backoff: 'fixed' } });
    await probe.cluster.advance('10s');
    const [first] = probe.started;
    expect(probe.started.map(({ at }) => at - first!.at)).toEqual([0, 2_000, 4_000]);
  });

  it('a run that is aborted goes on standing in the way until its handler has ended', async () => {
    probe = await probedCluster({ nodes: 1 }, lasting(4_000));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await add('a', SELDOM);
    const { id } = await cluster.during(service.runTask('a'));
    await cluster.advance('1s');
    void service.cancelRun(id);
    await cluster.advance('1s');
    await expect(cluster.during(service.runTask('a'))).rejects.toMatchObject({ code: 'TASK_RUNNING' });
    await cluster.advance('3s');
    await cluster.during(service.runTask('a'));
  });

  it('a late tick that waits for a run on another node goes on when that has ended', async () => {
    probe = await probedCluster({ nodes: 2, options: NO_RESYNC }, () =>
      probe.started.length === 1 ? lasting(45_000)() : undefined,
    );
    const { cluster } = probe;
    await add('a', { cron: '*/30 * * * * *' }, { misfire: 'fire-all' });
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const { tick } = probe.started[0]!;
    const runner = ownerOf('a');
    const heir = otherThan(runner);
    await cluster.advance('25s');
    heir.host.freeze();
    void runner.service.drain();
    await cluster.advance('8s');
    heir.host.unfreeze();
    await cluster.advance('15s');
    expect(probe.started.map((start) => start.tick! - tick!)).toEqual([0, 30_000]);
    expect(probe.started[1]!.at - tick!).toBeLessThanOrEqual(46_500);
  });

  it('a drained node takes nothing more, and says so once its runs have ended', async () => {
    probe = await probedCluster({ nodes: 1 }, lasting(5_000));
    const { cluster } = probe;
    await add('a', EVERY_10S);
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    const asked = cluster.clock.now();
    await cluster.during(cluster.node(0).service.drain());
    expect(cluster.clock.now() - asked).toBeGreaterThanOrEqual(4_900);
    await cluster.advance('30s');
    expect(probe.started).toHaveLength(1);
  });
});

describe('What a node knows', () => {
  afterEach(() => probe?.cluster.stop());

  it('is not replaced by an older version of it', () => {
    const changes: string[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error() {}, log() {} } as never;
    const view = new ClusterView(({ node }) => changes.push(node.status));
    const record = { id: 'n', boot: 'b', session: 's', handlers: [] };
    const node = (status: string, token: bigint) =>
      view.apply({ key: 'nodes/n', value: JSON.stringify({ ...record, status }), revision: String(token), token });
    node('working', 2n);
    node('starting', 1n);
    expect(changes).toEqual(['working']);
    const states: string[] = [];
    const catalog = new Catalog(
      (change) => states.push(change.type === 'put' ? change.task.doc.state : 'gone'),
      logger,
    );
    const definition = { name: 'a', handler: 'a', schedule: { at: 5 }, policies: {}, source: 'dynamic' };
    const task = (state: string, token: bigint) => {
      const value = JSON.stringify({ definition, generation: 'g', state, since: 0, createdAt: 0, updatedAt: 0 });
      catalog.apply({ key: 'tasks/a', value, revision: String(token), token });
    };
    task('paused', 2n);
    task('active', 1n);
    expect(states).toEqual(['paused']);
  });

  it('is repaired by the next resync where a watch told nothing', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const deaf = cluster.node(1);
    deaf.host.cutLink('watches');
    await add('a', EVERY_10S);
    const joined = await cluster.join();
    await cluster.advance('31s');
    expect(deaf.service.getTask('a')).toBeDefined();
    expect(deaf.service.getNode(joined.id)).toMatchObject({ status: 'working' });
  });

  it('of a unit it could not read is made up for at the next renewal', async () => {
    probe = await probedCluster({ nodes: 2, options: NO_RESYNC });
    const { cluster } = probe;
    const { host, service } = cluster.node(1);
    for (const task of ['t0', 't1', 't2', 't3', 't4', 't5']) {
      onceWritten(
        ({ key }) => key === `test/tasks/${task}`,
        () => host.cutLink('requests'),
      );
      await add(task, { every: '1s' });
      await cluster.advance('2s');
      host.cutLink('none');
      await cluster.advance('5s');
    }
    expect(service.listOwnTasks().length).toBeGreaterThan(0);
    const from = cluster.clock.now();
    await cluster.advance('3s');
    const going = new Set(probe.started.filter(({ at }) => at > from).map(({ task }) => task));
    expect(going.size).toBe(6);
  });

  it('is written back after a loss of data only where it is absent', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const [a, b] = cluster.nodes;
    await add('a', EVERY_10S);
    b!.host.freeze();
    cluster.store.wipe();
    await cluster.advance('1s');
    await cluster.during(a!.service.pauseTask('a'));
    b!.host.unfreeze();
    await cluster.advance('20s');
    expect(a!.service.getTask('a')).toMatchObject({ state: 'paused' });
    expect(b!.service.getTask('a')).toMatchObject({ state: 'paused' });
  });

  it('of ticks before a loss of data was noticed is not enough to make up for them', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const { host } = cluster.node(0);
    await add('a', EVERY_10S, { misfire: 'fire-all' });
    await cluster.advance('25s');
    host.cutLink('requests');
    cluster.store.wipe();
    await cluster.advance('60s');
    const healed = cluster.clock.now();
    host.cutLink('none');
    await cluster.advance('25s');
    const after = probe.of('a').filter(({ at }) => at > healed);
    expect(after.length).toBeGreaterThan(0);
    expect(after.filter(({ trigger }) => trigger === 'misfire')).toEqual([]);
  });

  it('of its clock decides whether it runs a task by hand', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    await add('a', SELDOM);
    const { host, scheduler, service } = cluster.node(0);
    const { registry } = scheduler.context;
    const serverTime = registry.serverTime!.bind(registry);
    host.skewMs = 10_000;
    registry.serverTime = () => Promise.reject(new Error('not now')); // so it cannot be measured
    await expect(cluster.during(service.runTask('a'))).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(probe.started).toEqual([]);
    registry.serverTime = serverTime;
    await cluster.during(service.runTask('a'));
    expect(probe.started).toHaveLength(1);
  });
});

describe('Also', () => {
  afterEach(() => probe.cluster.stop());

  it('history and feed are rings that hold the latest records', async () => {
    probe = await probedCluster({ nodes: 1, options: { keepRuns: 5 } });
    const { cluster } = probe;
    const { id, service } = cluster.node(0);
    await add('a', { cron: '* * * * * *' });
    await cluster.advance('12500ms');
    const latest = probe.started.slice(-5).map(({ run }) => run.id);
    for (const filter of [{ task: 'a' }, { nodeId: id }]) {
      const records = await cluster.during(service.listRuns(filter));
      expect(records.map((record) => record.kind === 'run' && record.id)).toEqual(latest.toReversed());
    }
  });

  it('a task runs only on nodes with the labels it asks for', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const labelled = await cluster.join({ options: { node: { labels: { disk: 'fast' } } as never } });
    for (let i = 0; i < 6; i++) await add(`t${i}`, { cron: '* * * * * *' }, { nodeSelector: { disk: 'fast' } });
    await cluster.advance('3s');
    expect(new Set(probe.started.map(({ node }) => node))).toEqual(new Set([labelled.id]));
  });

  it('the claims and finishes of one node do not make each other conflict', async () => {
    probe = await probedCluster({ nodes: 1 }, lasting(900));
    const { cluster } = probe;
    const write = cluster.store.write.bind(cluster.store);
    let conflicts = 0;
    cluster.store.write = (given) => {
      const result = write(given);
      if (!result.ok && given.key.startsWith('test/units/')) conflicts++;
      return result;
    };
    await add('a', { cron: '* * * * * *' }, { overlap: 'allow' });
    await cluster.advance('20s');
    expect(probe.started.length).toBeGreaterThan(15);
    expect(conflicts).toBe(0);
  });

  it('a node that has stopped watches nothing', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const watch = cluster.store.watch.bind(cluster.store);
    let watches = 0;
    cluster.store.watch = (prefix, listener) => {
      const watching = watch(prefix, listener);
      watches++;
      return {
        dispose: () => {
          watches--;
          watching.dispose();
        },
      };
    };
    const node = await cluster.join();
    expect(watches).toBe(3);
    await cluster.during(node.service.stop());
    expect(watches).toBe(0);
  });
});
