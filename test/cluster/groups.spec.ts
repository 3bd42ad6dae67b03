import { afterEach, describe, expect, it } from '@jest/globals';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import type { GroupState } from '../../lib/core/scheduler/group-state.js';
import type { GroupLimits } from '../../lib/core/task/group-limits.js';
import { forMs, groupOf } from '../support/groups.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;
let going: number;
let most: number;

/** Five tasks of a group that tick each ten seconds at the same instant. */
async function tasks(limits: GroupLimits, policies: object = {}, nodes = 3, seconds = 3): Promise<void> {
  [going, most] = [0, 0];
  const work = async ({ signal }: TaskRun): Promise<void> => {
    most = Math.max(most, ++going);
    await new Promise<void>((end) => {
      probe.cluster.clock.setTimer(seconds * 1_000, end);
      signal.addEventListener('abort', () => end());
    });
    going--;
  };
  probe = await probedCluster({ nodes, options: { groups: { mail: limits, 'tenant:*': limits } } }, work);
  const { cluster } = probe;
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    const schedule = { cron: '*/20 * * * * *' };
    await cluster.during(cluster.node(0).service.addTask({ name, schedule, group: 'mail', ...policies }));
  }
  await cluster.advance(Math.ceil(cluster.clock.now() / 20_000) * 20_000 - cluster.clock.now());
}

function group(name = 'mail'): GroupState | undefined {
  const entry = probe.cluster.store.get(`test/groups/${name}`);
  return entry && (JSON.parse(entry.value) as GroupState);
}

describe('A group with limited concurrency', () => {
  afterEach(() => probe.cluster.stop());

  it('lets no more of its runs go on at once in the cluster, and all of them in the end', async () => {
    await tasks({ concurrency: 2 });
    await probe.cluster.advance('19s');
    expect(most).toBe(2);
    expect(new Set(probe.started.map(({ task }) => task)).size).toBe(5);
    expect(probe.started).toHaveLength(5);
    expect(group()).toBeUndefined();
  });

  it('goes on at once when a run ends, on whatever node', async () => {
    await tasks({ concurrency: 1 });
    await probe.cluster.advance('19s');
    const starts = probe.started.map(({ at }) => at);
    const waits = starts.slice(1).map((at, index) => at - starts[index]! - 3_000);
    expect(Math.max(...waits)).toBeLessThan(400);
  });

  it('frees what a dead node held, when its session is over', async () => {
    await tasks({ concurrency: 1 }, { misfireDeadline: '5m' }, 3, 30);
    await probe.cluster.advance('1s');
    const [first] = probe.started;
    expect(group()!.holders).toMatchObject([{ node: first!.node }]);
    probe.cluster.crash(probe.cluster.nodes.find(({ id }) => id === first!.node)!);
    await probe.cluster.advance('20s');
    expect(probe.started.length).toBeGreaterThan(1);
    expect(group()!.holders).toHaveLength(1);
  });

  it('counts a run that is taken over where it goes on', async () => {
    await tasks({ concurrency: 1 }, { recovery: 'rerun' }, 3, 30);
    await probe.cluster.advance('1s');
    const [first] = probe.started;
    probe.cluster.crash(probe.cluster.nodes.find(({ id }) => id === first!.node)!);
    await probe.cluster.advance('20s');
    const again = probe.started.find(({ run, attempt }) => run.id === first!.run.id && attempt === 2);
    expect(again).toBeDefined();
    expect(group()!.holders.map(({ run }) => run)).toContain(first!.run.id);
  });

  it('holds for runs that are asked for: they wait, as long as they are given', async () => {
    await tasks({ concurrency: 1 }, {}, 2, 5);
    const { cluster } = probe;
    const { service } = cluster.node(0);
    const asked = service.runTask('a', { timeout: '2s' });
    await expect(cluster.during(asked)).rejects.toMatchObject({
      code: expect.stringMatching('RUN_TIMEOUT|TASK_RUNNING'),
    });
    expect(most).toBe(1);
  });

  it('has no room for a run that waits for another attempt, and takes it for that', async () => {
    await tasks({ concurrency: 1 });
    await probe.cluster.stop();
    [going, most] = [0, 0];
    probe = await probedCluster(
      { nodes: 1, options: { groups: { mail: { concurrency: 1 } } } },
      ({ task, attempt }) => {
        if (task === 'a' && attempt === 1) throw new Error('boom');
      },
    );
    const { cluster } = probe;
    const { service } = cluster.node(0);
    const retry = { attempts: 2, delay: '10s', backoff: 'fixed' } as const;
    await cluster.during(service.addTask({ name: 'a', schedule: 'now', group: 'mail', retry }));
    await cluster.advance('1s');
    await cluster.during(service.addTask({ name: 'b', schedule: 'now', group: 'mail' }));
    await cluster.advance('1s');
    expect(probe.of('b')).toHaveLength(1);
    await cluster.advance('15s');
    expect(probe.of('a').map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(group()).toBeUndefined();
  });

  it('may be one of many that share a pattern, each with limits of its own', async () => {
    await tasks({ concurrency: 1 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.advance('18s');
    probe.started.length = 0;
    for (const tenant of ['acme', 'globex'])
      for (const n of [1, 2])
        await cluster.during(
          service.addTask({ name: `${tenant}${n}`, schedule: { delay: '500ms' }, group: `tenant:${tenant}` }),
        );
    await cluster.advance('1500ms');
    expect(probe.started.map(({ task }) => task.slice(0, -1)).sort()).toEqual(['acme', 'globex']);
  });

  it('that nobody configured is refused', async () => {
    await tasks({ concurrency: 1 });
    const { service } = probe.cluster.node(0);
    const task = service.addTask({ name: 'x', schedule: 'now', group: 'mial' });
    await expect(probe.cluster.during(task)).rejects.toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringContaining('did you mean mail?'),
    });
  });
});

describe('A group with a limited rate', () => {
  afterEach(() => probe.cluster.stop());

  it('starts no more of its runs within any stretch of that length', async () => {
    await tasks({ rate: { limit: 2, perMs: 5_000 } }, { misfireDeadline: '5m' }, 3, 1);
    await probe.cluster.advance('59s');
    const starts = probe.started.map(({ at }) => at).sort((a, b) => a - b);
    expect(starts.length).toBeGreaterThanOrEqual(13);
    const gaps = starts.slice(2).map((at, index) => at - starts[index]!);
    expect(Math.min(...gaps)).toBeGreaterThan(4_800);
  });

  it.each([100, 500])('counts starts when they come, not when they are claimed %s ms ahead', async (claimAheadMs) => {
    const options = {
      cluster: { claimAheadMs },
      groups: { mail: { rate: { limit: 2, perMs: 1_000 } } },
    };
    probe = await probedCluster({ nodes: 1, options });
    const at = new Date(probe.cluster.clock.now() + 10_000);
    for (let i = 0; i < 6; i++) await probe.add(`t${i}`, { group: 'mail', misfire: 'fire-once' }, { at });
    await probe.cluster.advance('20s');
    const starts = probe.started.map((start) => start.at - at.getTime());
    expect(starts).toHaveLength(6);
    expect(starts.slice(0, 2)).toEqual([0, 0]);
    const gaps = starts.slice(2).map((start, index) => start - starts[index]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
    expect(starts.at(-1)).toBeLessThan(2_100);
  });

  it('leaves nothing behind, in the registry or on its nodes, when nobody uses it any more', async () => {
    const options = { groups: { 'tenant:*': { concurrency: 3, rate: { limit: 10, perMs: 3_600_000 } } } };
    probe = await probedCluster({ nodes: 2, options });
    const { cluster } = probe;
    const documents = () =>
      cluster.store.list('test/groups/', {}).entries.map(({ value }) => JSON.parse(value) as GroupState);
    const gates = () =>
      cluster.nodes.map(
        ({ scheduler }) => (scheduler.context.groups as unknown as { gates: Map<string, unknown> }).gates.size,
      );
    for (let i = 0; i < 20; i++) await probe.add(`t${i}`, { group: `tenant:${i}`, afterRun: 'purge' });
    await cluster.advance('1m');
    expect(documents()).toHaveLength(20);
    await cluster.advance('61m');
    expect(probe.started).toHaveLength(20);
    expect([documents(), gates()]).toEqual([[], [0, 0]]);
  });

  it('keeps no gate for a run that goes on, and counts it all the same', async () => {
    probe = await probedCluster({ nodes: 1, options: { groups: { mail: { concurrency: 1 } } } }, (run) =>
      forMs(probe, 60_000, run),
    );
    const { cluster } = probe;
    await probe.add('a', { group: 'mail' });
    await cluster.advance('30s');
    const { gates } = cluster.node(0).scheduler.context.groups as unknown as { gates: Map<string, unknown> };
    expect([gates.size, groupOf(probe).holders.length]).toEqual([0, 1]);
    await probe.add('b', { group: 'mail', misfireDeadline: '1h' });
    await cluster.advance('20s');
    expect(probe.of('b')).toEqual([]);
    await cluster.advance('15s');
    expect(probe.of('b')).toHaveLength(1);
  });
});
