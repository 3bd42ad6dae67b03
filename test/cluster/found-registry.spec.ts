import { afterEach, describe, expect, it } from '@jest/globals';
import type { Write } from '../../lib/core/registry/registry.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import type { WatchFate } from '../../lib/testing/cluster/link.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, secondsAfter, type ProbedCluster } from '../support/probe.js';

// What the simulation found about a registry that loses data, all of it or what is younger than a backup.

const EVERY_SECOND = { cron: '* * * * * *' };
const EVERY_10S = { cron: '*/10 * * * * *' };
const SELDOM = { cron: '0 0 1 1 *' };

let probe: ProbedCluster;

async function start(nodes: number): Promise<void> {
  probe = await probedCluster({ nodes });
}

async function add(task: string, schedule: object | 'now', policies: object = {}): Promise<void> {
  const { cluster } = probe;
  await cluster.during(cluster.node(0).service.addTask({ name: task, schedule: schedule as 'now', ...policies }));
  await cluster.advance(50);
}

function ownerOf(task: string): TestNode {
  return probe.cluster.nodes.find(({ service }) => service.listOwnTasks().some(({ name }) => name === task))!;
}

/** The process dies, and the registry notices at once. */
function kill(node: TestNode): void {
  const { session } = node.scheduler.membership.keeper;
  probe.cluster.crash(node);
  if (session) probe.cluster.store.endSession(session.id);
}

/** The epochs that are written from now on. */
function epochs(): Set<string> {
  const written = new Set<string>();
  probe.cluster.store.watch('test/cluster', (change) => {
    if (change.type === 'put') written.add((JSON.parse(change.entry.value) as { epoch: string }).epoch);
  });
  return written;
}

/** Calls `then` with each write that is carried out from now on. */
function onWrite(then: (write: Write) => void): void {
  const { store } = probe.cluster;
  const write = store.write.bind(store);
  store.write = (given) => {
    const result = write(given);
    if (result.ok) then(given);
    return result;
  };
}

/** The state of the task as the registry holds it and as every node knows it; all say the same. */
function stateOf(task: string): string {
  const entry = probe.cluster.store.get(`test/tasks/${task}`);
  const known = probe.cluster.nodes.map(({ scheduler }) => scheduler.context.catalog.get(task)?.doc);
  for (const doc of known) expect(doc).toEqual(entry && JSON.parse(entry.value));
  return known[0]?.state ?? 'unknown';
}

const unitKeys = (): string[] => probe.cluster.store.list('test/units/', {}).entries.map(({ key }) => key);

describe('A registry restored from a backup', () => {
  afterEach(() => probe.cluster.stop());

  it('is noticed where all that is left in it is as it was, and what was added since comes back', async () => {
    await start(2);
    const { cluster } = probe;
    await add('old', SELDOM);
    const backup = cluster.store.backup();
    await add('young', SELDOM);
    await cluster.advance('65s');
    cluster.store.restore(backup);
    await cluster.advance('5s');
    expect(stateOf('young')).toBe('active');
    expect(unitKeys()).toHaveLength(2);
  });

  it('fires nothing again, not on nodes that had not seen it run either', async () => {
    await start(2);
    const { cluster } = probe;
    await add('a', EVERY_10S, { misfire: 'fire-all' });
    await cluster.advance('12s');
    const backup = cluster.store.backup();
    await cluster.advance('13s');
    const owner = ownerOf('a');
    const heir = cluster.nodes.find((node) => node !== owner)!;
    heir.host.watchFate = () => ({ resyncAfterMs: 500 });
    cluster.store.restore(backup);
    await cluster.advance('1s');
    kill(owner);
    await cluster.advance('60s');
    const ticks = probe.of('a').map(({ tick }) => tick);
    expect(ticks.length).toBeGreaterThan(6);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  it('fires nothing again, though a node that knows of nothing touches the cluster document meanwhile', async () => {
    await start(2);
    const { cluster } = probe;
    await add('a', EVERY_10S, { misfire: 'fire-all' });
    await cluster.advance('12s');
    const backup = cluster.store.backup();
    await cluster.advance('13s');
    const owner = ownerOf('a');
    cluster.store.restore(backup);
    await cluster.advance('1s');
    kill(owner);
    await cluster.advance('60s');
    const ticks = probe.of('a').map(({ tick }) => tick);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  // Fails: after the touch the token is higher than any that was seen, and nothing else shows the restore.
  it('loses no task, though a node that was away touches the cluster document first', async () => {
    await start(2);
    const { cluster } = probe;
    const away = cluster.node(0);
    await add('old', SELDOM);
    const backup = cluster.store.backup();
    await add('young', SELDOM);
    await cluster.advance('28s');
    away.host.fate = () => 'lost'; // it misses one resync
    await cluster.advance('3s');
    away.host.fate = () => 'passes';
    await cluster.advance('3s');
    cluster.node(1).host.watchFate = () => ({ lateMs: 10 });
    cluster.store.restore(backup);
    await cluster.advance('2m');
    expect(stateOf('young')).toBe('active');
  });

  it('is noticed also by a node that has met an older unit and written it since', async () => {
    await start(1);
    const { cluster } = probe;
    await add('a', EVERY_SECOND);
    const backup = cluster.store.backup();
    await add('young', SELDOM);
    await cluster.advance('2s');
    cluster.node(0).host.watchFate = () => ({ resyncAfterMs: 5_000 });
    cluster.store.restore(backup);
    await cluster.advance('10s');
    expect(stateOf('young')).toBe('active');
  });

  it.each([
    ['put anew', 'active', (service: SchedulerService) => service.putTask({ name: 'a', schedule: EVERY_SECOND })],
    ['paused', 'paused', (service: SchedulerService) => service.pauseTask('a')],
    ['deleted', 'deleted', (service: SchedulerService) => service.deleteTask('a')],
  ])('gets back the newest version of a task that was %s since', async (_, state, change) => {
    await start(2);
    const { cluster } = probe;
    await add('a', SELDOM);
    const backup = cluster.store.backup();
    const owner = ownerOf('a');
    await cluster.during(change(owner.service) as Promise<unknown>);
    kill(owner); // the other one has only heard of the change
    cluster.store.restore(backup);
    await cluster.advance('1s');
    await cluster.join();
    await cluster.advance('5s');
    expect(stateOf('a')).toBe(state);
    expect(probe.started.length > 2).toBe(state === 'active');
  });

  it('has one new epoch, however often it is looked at', async () => {
    await start(3);
    const { cluster } = probe;
    await add('a', EVERY_SECOND);
    await add('b', SELDOM);
    await cluster.advance('3s');
    const backup = cluster.store.backup();
    await cluster.during(cluster.node(0).service.pauseTask('b'));
    await cluster.advance('5s');
    const written = epochs();
    cluster.store.restore(backup);
    await cluster.advance('3m');
    expect(written.size).toBe(1);
    expect(stateOf('b')).toBe('paused');
  });

  it('brings back a task that was being purged, on every node alike', async () => {
    await start(3);
    const { cluster } = probe;
    await add('a', EVERY_10S);
    const backup = cluster.store.backup();
    const purger = cluster.node(0);
    onWrite(({ value }) => value?.includes('"state":"purged"') && !purger.host.isCrashed && kill(purger));
    purger.service.purgeTask('a').catch(() => undefined);
    await cluster.advance('1s');
    expect(stateOf('a')).toBe('purged');
    const written = epochs();
    cluster.store.restore(backup);
    await cluster.advance('95s');
    expect(stateOf('a')).toBe('active');
    expect(probe.of('a').length).toBeGreaterThan(7);
    expect(written.size).toBe(1);
  });

  it('keeps no unit of what a task was before', async () => {
    await start(2);
    const { cluster } = probe;
    await add('a', 'now');
    await cluster.advance('2s');
    const backup = cluster.store.backup();
    await cluster.during(cluster.node(0).service.putTask({ name: 'a', schedule: EVERY_SECOND }));
    await cluster.advance('3s');
    const before = unitKeys();
    cluster.store.restore(backup);
    expect(unitKeys()).not.toEqual(before);
    await cluster.advance('5s');
    expect(unitKeys()).toEqual(before);
    expect(probe.of('a').length).toBeGreaterThan(5);
  });
});

describe('A registry that was wiped', () => {
  afterEach(() => probe.cluster.stop());

  it('fires nothing from before the moment a node that was cut off notices it', async () => {
    await start(2);
    const { cluster } = probe;
    await add('a', EVERY_10S, { misfire: 'fire-all' });
    await cluster.advance('15s');
    const [a, b] = cluster.nodes;
    b!.host.cutLink('requests');
    cluster.store.wipe();
    await cluster.advance('21s');
    await cluster.during(a!.service.purgeTask('a'));
    await cluster.advance('40s');
    const noticed = cluster.clock.now();
    const before = probe.started.length;
    b!.host.cutLink('none'); // and what it knows of is written back
    await cluster.advance('35s');
    const after = probe.started.slice(before);
    expect(after.length).toBeGreaterThan(1);
    expect(secondsAfter(noticed, after).filter((seconds) => seconds < 0)).toEqual([]);
  });

  it('is claimed in under a new session only', async () => {
    await start(1);
    const { cluster } = probe;
    const { service, scheduler, host } = cluster.node(0);
    await add('a', EVERY_SECOND);
    await cluster.advance(3_500 - (cluster.clock.now() % 1_000));
    const dead = scheduler.membership.keeper.session!.id;
    const sessions: string[] = [];
    onWrite(({ key, value }) => {
      if (key.startsWith('test/units/') && value)
        sessions.push(...(JSON.parse(value) as UnitState).runs.map(({ session }) => session));
    });
    const fates: WatchFate[] = [{ resyncAfterMs: 6_000 }]; // that its own record is gone it hears late
    host.watchFate = () => fates.shift() ?? 'passes';
    cluster.store.wipe();
    await cluster.advance('10s');
    expect(service.state).toBe('working');
    expect(sessions.length).toBeGreaterThan(5);
    expect(sessions).not.toContain(dead);
  });
});
