import { afterEach, describe, expect, it } from '@jest/globals';
import type { Write } from '../../lib/core/registry/registry.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import type { CallStep, Fate } from '../../lib/testing/cluster/link.js';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

// What the simulation found about claims, sessions and runs: one test for each, told as simply as it can be.

const EVERY_SECOND = { cron: '* * * * * *' };
const SELDOM = { cron: '0 0 1 1 *' };

let probe: ProbedCluster;

/** A handler that takes so long, whatever its signal says. */
const lasting = (ms: number) => () => new Promise<void>((end) => probe.cluster.clock.setTimer(ms, end));

const forEver = (): Promise<void> => new Promise(() => undefined);

async function add(task: string, schedule: object | 'now', policies: object = {}): Promise<void> {
  const { cluster } = probe;
  await cluster.during(cluster.node(0).service.addTask({ name: task, schedule: schedule as 'now', ...policies }));
  await cluster.advance(50);
}

async function nextStart(): Promise<void> {
  const before = probe.started.length;
  await probe.cluster.clock.advanceUntil(() => probe.started.length > before);
}

/** What becomes of the node's next call, or of one a few calls later. */
function nextCall({ host }: TestNode, step: CallStep, fate: Fate, ahead = 1): void {
  const number = host.calls + ahead;
  host.fate = (call, at) => (call === number && at === step ? fate : 'passes');
}

/** Calls `then` once, right before the node sends a write that `wanted` picks. */
function onceSent({ scheduler }: TestNode, wanted: (write: Write) => boolean, then: () => void): void {
  const { registry } = scheduler.context;
  const commit = registry.commit.bind(registry);
  registry.commit = (writes) => {
    if (writes.some(wanted)) {
      registry.commit = commit;
      then();
    }
    return commit(writes);
  };
}

/** Calls `then` once, right before the node asks for the document. */
function onceAsked({ scheduler }: TestNode, wanted: string, then: () => void): void {
  const { registry } = scheduler.context;
  const get = registry.get.bind(registry);
  registry.get = (key, options) => {
    if (key === wanted) {
      registry.get = get;
      then();
    }
    return get(key, options);
  };
}

const isUnit = ({ key }: Write): boolean => key.startsWith('units/');

function unitOf(task: string): UnitState {
  const [entry] = probe.cluster.store.list(`test/units/${task}@`, {}).entries;
  return JSON.parse(entry!.value) as UnitState;
}

function ownerAndOther(): { owner: TestNode; other: TestNode } {
  const { nodes } = probe.cluster;
  const owner = nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
  return { owner, other: nodes.find((node) => node !== owner)! };
}

/** The process dies, and the registry notices at once. */
function kill(node: TestNode): void {
  const { id } = node.scheduler.membership.keeper.session!;
  probe.cluster.crash(node);
  probe.cluster.store.endSession(id);
}

/** Runs that were claimed and never started, because their session was over. */
async function lostBeforeStart(node: TestNode) {
  const records = await probe.cluster.during(node.service.listRuns({ task: 'a' }));
  return records.filter((record) => record.kind === 'run' && record.error?.message.includes('before the run started'));
}

describe('A claim that waits in line', () => {
  afterEach(() => probe.cluster.stop());

  it('takes no tick a minute ahead when the clock is stepped meanwhile', async () => {
    probe = await probedCluster({ nodes: 1 }, lasting(500));
    const { cluster } = probe;
    const node = cluster.node(0);
    await add('a', EVERY_SECOND);
    await nextStart();
    onceSent(node, isUnit, () => nextCall(node, 'request', { lateMs: 900 })); // the finish; the next claim waits for it
    await cluster.advance(1_100);
    node.host.skewMs = 60_000;
    await cluster.advance('1s');
    expect(unitOf('a').cursor).toBeLessThan(cluster.clock.now());
    const before = probe.started.length;
    await cluster.advance('10s');
    expect(probe.started.length).toBeGreaterThan(before + 5);
  });

  it('through an outage is decided under the session it was begun under, or not at all', async () => {
    probe = await probedCluster({ nodes: 1, options: { keepRuns: 1_000 } }, lasting(500));
    const { cluster } = probe;
    const node = cluster.node(0);
    await add('a', EVERY_SECOND);
    for (const outage of [11_000, 11_500, 12_000, 12_500, 13_000]) {
      await cluster.advance('3s');
      await nextStart();
      await cluster.advance(100);
      node.host.cutLink('requests');
      await cluster.advance(outage);
      node.host.cutLink('none');
      await nextStart();
    }
    expect(await lostBeforeStart(node)).toEqual([]);
  });

  it('is taken to its end, though it went through unheard while the clock was in doubt', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const node = cluster.node(0);
    await add('a', { cron: '*/10 * * * * *' }, { overlap: 'allow' });
    onceSent(node, isUnit, () => {
      nextCall(node, 'reply', 'lost');
      cluster.clock.setTimer(500, () => (node.host.skewMs = 2_000));
    });
    await cluster.clock.advanceUntil(() => unitOf('a').runs.length === 1);
    const [stray] = unitOf('a').runs;
    await cluster.advance('20s');
    expect(unitOf('a').runs).not.toContainEqual(expect.objectContaining({ id: stray!.id }));
    expect(probe.started.map(({ run }) => run.id)).toContain(stray!.id);
  });

  it('to take over an orphan is decided under the session it was begun under, or begun again', async () => {
    let doomed = '';
    probe = await probedCluster({ nodes: 2 }, ({ nodeId }) => (nodeId === doomed ? forEver() : lasting(400)()));
    const { cluster } = probe;
    await add('a', SELDOM, { recovery: 'rerun', overlap: 'allow' });
    const { owner, other } = ownerAndOther();
    doomed = other.id;
    await cluster.during(other.service.runTask('a'));
    await cluster.during(owner.service.runTask('a'));
    onceAsked(owner, `nodes/${doomed}`, () => nextCall(owner, 'request', { lateMs: 600 })); // it is dead: then in line
    kill(other);
    await cluster.advance(200);
    owner.host.cutLink('requests');
    await cluster.advance('12s');
    owner.host.cutLink('none');
    await cluster.advance('1m');
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 1, 2]);
  });

  it('by hand through an outage is refused', async () => {
    probe = await probedCluster({ nodes: 1 }, lasting(400));
    const { cluster } = probe;
    const node = cluster.node(0);
    await add('a', SELDOM, { overlap: 'allow' });
    await cluster.during(node.service.runTask('a'));
    node.host.cutLink('requests');
    await cluster.advance(600);
    const refusal = node.service.runTask('a').catch((error: { code: string }) => error.code);
    await cluster.advance('12s');
    node.host.cutLink('none');
    await cluster.advance('10s');
    expect(await refusal).toBe('NOT_RUNNING');
    expect(await lostBeforeStart(node)).toEqual([]);
  });
});

describe('A run', () => {
  afterEach(() => probe.cluster.stop());

  it('that was taken over while its node was frozen between two attempts makes no further one there', async () => {
    probe = await probedCluster({ nodes: 2 }, () => {
      if (probe.started.length === 1) throw new Error('boom');
    });
    const { cluster } = probe;
    await add('a', 'now', { recovery: 'rerun', retry: { attempts: 2, delay: '2s', backoff: 'fixed' } });
    await cluster.advance('1s');
    const first = cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    const heir = cluster.nodes.find((node) => node !== first)!;
    first.host.freeze();
    await cluster.advance('30s');
    first.host.unfreeze();
    await cluster.advance('30s');
    expect(probe.started.map(({ node, attempt }) => ({ node, attempt }))).toEqual([
      { node: first.id, attempt: 1 },
      { node: heir.id, attempt: 2 },
    ]);
  });

  it('by hand of a task that is completed is taken over when its node dies', async () => {
    probe = await probedCluster({ nodes: 3 }, ({ trigger }) => (trigger === 'manual' ? forEver() : undefined));
    const { cluster } = probe;
    await add('a', 'now', { recovery: 'rerun' });
    await cluster.advance('2s');
    expect(cluster.node(0).service.getTask('a')).toMatchObject({ state: 'completed' });
    const { other } = ownerAndOther();
    await cluster.during(other.service.runTask('a'));
    kill(other);
    await cluster.advance('2m');
    expect(probe.started.map(({ trigger }) => trigger)).toEqual(['schedule', 'manual', 'recovery']);
  });
});

describe('A node that is stopped while it joins', () => {
  afterEach(() => probe.cluster.stop());

  it('leaves neither a watch nor a timer behind, at whatever moment that is', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    for (let moment = 0; moment < 12_000; moment += 300) {
      const node = cluster.makeNode({ id: `stopped-after-${moment}` });
      node.host.fate = (_, step) => (step === 'reply' ? { lateMs: 900 } : 'passes');
      await node.service.start();
      await cluster.advance(moment);
      await cluster.during(node.service.stop());
      await cluster.advance('30s');
      const { id, host } = node;
      expect({ id, watches: host.watches, timers: host.timers }).toEqual({ id, watches: 0, timers: 0 });
    }
    expect(cluster.store.clients).toEqual({ sessions: 0, watchers: 0 });
  });
});

describe('A schedule that was asked for', () => {
  afterEach(() => probe.cluster.stop());

  it.each(['completed', 'paused'] as const)(
    'before its task was %s, and written after that, makes good nothing from in between',
    async (state) => {
      probe = await probedCluster({ nodes: 1 });
      const { cluster } = probe;
      await add('a', SELDOM);
      const key = 'test/tasks/a';
      const halted = cluster.clock.now() + 5_000;
      onceSent(
        cluster.node(0),
        (write) => write.key === 'tasks/a',
        () => {
          const doc = JSON.parse(cluster.store.get(key)!.value) as object;
          cluster.store.write({ key, value: JSON.stringify({ ...doc, state, updatedAt: halted }) });
        },
      );
      await cluster.during(cluster.node(0).service.updateSchedule('a', EVERY_SECOND));
      expect(JSON.parse(cluster.store.get(key)!.value)).toMatchObject({ since: halted });
    },
  );
});
