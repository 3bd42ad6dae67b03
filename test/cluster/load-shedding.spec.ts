import { afterEach, describe, expect, it } from '@jest/globals';
import type { TestNode } from '../../lib/testing/cluster/test-cluster.js';
import { forMs } from '../support/groups.js';
import { probedCluster, type ProbedCluster, type Started } from '../support/probe.js';

const NEVER = { cron: '0 0 1 1 *' };
const EVERY_MINUTE = { cron: '* * * * *' };
const EVERY_10_S = { cron: '*/10 * * * * *' };
const MINUTE = 60_000;
const STANDBY_MS = 2_000;
const SLOTS = 2;

let probe: ProbedCluster;

/** A cluster of two, whose tasks take no time but for those that fill slots: they take as long as `busyMs`. */
async function cluster(busyMs: number): Promise<void> {
  const work = (run: Started['run']) => (run.task.startsWith('busy') ? forMs(probe, busyMs, run) : undefined);
  probe = await probedCluster({ nodes: 2, options: { concurrency: SLOTS } }, work);
  for (let i = 0; i < 2 * SLOTS; i++) await probe.add(`busy${i}`, {}, NEVER);
}

/** Uses up every slot of a node, by hand. @returns when the first one was taken, the others a moment later */
async function fill(node: TestNode, first = 0): Promise<number> {
  const from = probe.cluster.clock.now();
  for (let i = first; i < first + SLOTS; i++) await probe.cluster.during(node.service.runTask(`busy${i}`));
  return from;
}

/** The owner of a task, and the other node. */
function ownerOf(task: string): { owner: TestNode; other: TestNode } {
  const isOwner = ({ service }: TestNode): boolean => service.listOwnTasks().some(({ name }) => name === task);
  const { nodes } = probe.cluster;
  return { owner: nodes.find(isOwner)!, other: nodes.find((node) => !isOwner(node))! };
}

const to = (instant: number): Promise<void> =>
  probe.cluster.clock.advanceUntil(() => probe.cluster.clock.now() >= instant, '10m');
const lateness = ({ at, tick }: Started): number => at - tick!;

afterEach(() => probe.cluster.stop());

describe('A node whose slots are used up by long runs', () => {
  const TASKS = Array.from({ length: 8 }, (_, i) => `t${i}`);
  const after = (instant: number): Started[] =>
    TASKS.flatMap((task) => probe.of(task)).filter(({ tick }) => tick! > instant);

  it('leaves its ticks to the standby, as late as the standby delay, and takes them itself again when it has room', async () => {
    await cluster(2.5 * MINUTE);
    for (const task of TASKS) await probe.add(task, {}, EVERY_MINUTE);
    await probe.cluster.advance('61s');
    const { owner, other } = ownerOf('t0');
    const owned = owner.service.listOwnTasks().map(({ name }) => name);
    const full = await fill(owner);
    const next = Math.ceil(full / MINUTE) * MINUTE;

    await to(next + 1.5 * MINUTE);
    const shed = after(full);
    expect(shed).toHaveLength(2 * TASKS.length);
    expect(new Set(shed.map(({ node }) => node))).toEqual(new Set([other.id]));
    for (const start of shed) {
      expect(start.trigger).toBe('schedule');
      const isShed = owned.includes(start.task);
      expect(lateness(start)).toBeGreaterThanOrEqual(isShed ? STANDBY_MS : 0);
      expect(lateness(start)).toBeLessThan(isShed ? STANDBY_MS + 100 : 10);
    }

    await to(full + 2.5 * MINUTE + 1_000); // its long runs have ended, and nothing that was shed comes back
    expect(after(full)).toHaveLength(shed.length);
    const free = probe.cluster.clock.now();
    await to(free + 2 * MINUTE);
    const own = after(free).filter(({ task }) => owned.includes(task));
    expect(own).toHaveLength(2 * owned.filter((name) => name.startsWith('t')).length);
    expect(new Set(own.map(({ node }) => node))).toEqual(new Set([owner.id]));
    expect(Math.max(...own.map(lateness))).toBeLessThan(10);
  });

  it('leaves a tick to whoever of the two has room first, where the standby is full as well', async () => {
    await cluster(1.5 * MINUTE);
    await probe.add('t0', {}, EVERY_MINUTE);
    await probe.cluster.advance('61s');
    const { owner, other } = ownerOf('t0');
    const full = await fill(owner);
    await probe.cluster.advance('10s');
    await fill(other, SLOTS);
    const tick = Math.ceil(full / MINUTE) * MINUTE;
    await to(full + 4 * MINUTE);
    const [first, ...others] = probe.of('t0').filter((start) => start.tick! >= tick);
    expect(first).toMatchObject({ tick, node: owner.id, trigger: 'misfire' });
    expect(first!.at - full).toBeGreaterThanOrEqual(1.5 * MINUTE);
    expect(first!.at - full).toBeLessThan(1.5 * MINUTE + 1_000);
    expect(others.every((start) => start.tick! > tick && lateness(start) < 10)).toBe(true);
  });
});

describe('Ticks of a full node that have no standby', () => {
  it.each([
    ['tick too often', {}, EVERY_10_S],
    ['want none', { standby: false }, { cron: '*/30 * * * * *' }],
  ])(
    'wait for a slot, because they %s; then the latest one runs, and the others are on record',
    async (_, policies, schedule) => {
      await cluster(MINUTE + 5_500);
      await probe.add('t0', policies, schedule);
      await probe.cluster.advance('61s');
      const { owner } = ownerOf('t0');
      const minute = Math.ceil(probe.cluster.clock.now() / MINUTE) * MINUTE;
      await to(minute + 1_000);
      await fill(owner);
      const before = probe.of('t0').length;
      await to(minute + MINUTE + 6_000);
      expect(probe.of('t0')).toHaveLength(before);

      await probe.cluster.advance('1s');
      const [made, ...more] = probe.of('t0').slice(before);
      expect(more).toEqual([]);
      expect(made).toMatchObject({ node: owner.id, trigger: 'misfire' });
      expect(made!.tick).toBe(minute + MINUTE);
      const skips = await probe.cluster.during(owner.service.listRuns({ task: 't0' }));
      const step = schedule.cron.startsWith('*/10') ? 10_000 : 30_000;
      expect(skips.find(({ kind }) => kind === 'skip')).toMatchObject({
        reason: 'coalesced',
        from: minute + step,
        to: minute + MINUTE - step,
        count: MINUTE / step - 1,
      });
    },
  );

  it('are no misfires where a slot is free within a second', async () => {
    await cluster(30_000);
    await probe.add('t0', {}, EVERY_10_S);
    await probe.cluster.advance('61s');
    const { owner } = ownerOf('t0');
    const tick = Math.ceil(probe.cluster.clock.now() / 10_000) * 10_000 + 30_000;
    await to(tick - 30_000 + 700);
    await fill(owner);
    await to(tick + 5_000);
    const start = probe.of('t0').find((one) => one.tick === tick)!;
    expect(start.trigger).toBe('schedule');
    expect(lateness(start)).toBeGreaterThanOrEqual(700);
    expect(lateness(start)).toBeLessThan(1_000);
  });
});
