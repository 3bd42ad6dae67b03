import { afterEach, describe, expect, it } from '@jest/globals';
import { forMs } from '../support/groups.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;

const EVERY_2_S = { cron: '*/2 * * * * *' };
const GROUPS = { groups: { g: { concurrency: 1 } } };

/** How late the starts of a task were, in milliseconds. */
function latest(task: string): number {
  return Math.max(...probe.of(task).map(({ at, tick }) => at - tick!));
}

describe('Of ticks due at one instant', () => {
  afterEach(() => probe.cluster.stop());

  it.each([
    ['for one slot', { concurrency: 1 }, {}],
    ['for the room of a group', GROUPS, { group: 'g' }],
  ])('the task of higher priority goes first %s, whatever the order of declaration', async (_, options, policies) => {
    const ms = (task: string): number => (task === 'low' ? 1_500 : 50);
    probe = await probedCluster({ nodes: 1, options }, (run) => forMs(probe, ms(run.task), run));
    await probe.add('low', { misfire: 'skip', ...policies }, EVERY_2_S);
    await probe.add('high', { misfire: 'skip', priority: 10, ...policies }, EVERY_2_S);
    await probe.cluster.advance('21s');
    expect(probe.of('high').length).toBeGreaterThanOrEqual(10);
    expect(probe.of('low').length).toBeGreaterThanOrEqual(9);
    expect(latest('high')).toBeLessThan(10);
  });

  it('thousands are taken in order of priority, more than are looked at in one go', async () => {
    probe = await probedCluster({ nodes: 1, options: { concurrency: 50 } }, (run) => forMs(probe, 100, run));
    const { cluster } = probe;
    const at = new Date(cluster.clock.now() + 60_000);
    const priorities = Array.from({ length: 2_000 }, (_, i) => i % 3);
    await Promise.all(priorities.map((priority, i) => probe.add(`t${i}`, { priority, misfireDeadline: '1h' }, { at })));
    await cluster.advance('70s');
    const ranks = probe.started.map(({ task }) => priorities[Number(task.slice(1))]!);
    expect(ranks).toHaveLength(2_000);
    expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
  });
});

describe('Who waits for room in a group', () => {
  afterEach(() => probe.cluster.stop());

  it('is not overtaken by a newcomer of lower priority, in the moment in which room becomes free', async () => {
    probe = await probedCluster({ nodes: 1, options: GROUPS }, (run) => forMs(probe, 5_000, run));
    const { cluster } = probe;
    const t = Math.ceil(cluster.clock.now() / 10_000) * 10_000 + 10_000;
    await probe.add('first', { group: 'g' }, { at: new Date(t) });
    await probe.add('high', { group: 'g', priority: 5, misfireDeadline: '1h' }, { at: new Date(t + 1_000) });
    for (let i = 0; i < 60; i++)
      await probe.add(`low${i}`, { group: 'g', misfireDeadline: '1h' }, { at: new Date(t + 5_080 + i) });
    await cluster.advance('31s');
    expect(probe.started.slice(0, 2).map(({ task }) => task)).toEqual(['first', 'high']);
  });

  it('lets the next one go where its own tick has become too late', async () => {
    const options = { groups: { g: { rate: { limit: 1, perMs: 5_000 } } } };
    probe = await probedCluster({ nodes: 1, options });
    const { cluster } = probe;
    const t = Math.ceil(cluster.clock.now() / 10_000) * 10_000 + 10_000;
    await probe.add('first', { group: 'g' }, { at: new Date(t) });
    await probe.add('high', { group: 'g', priority: 5, misfire: 'skip' }, { at: new Date(t + 1_000) });
    await probe.add('low', { group: 'g', misfireDeadline: '1h' }, { at: new Date(t + 2_000) });
    await cluster.advance('40s');
    expect(probe.started.map(({ task }) => task)).toEqual(['first', 'low']);
    expect(probe.of('low')[0]!.at - t).toBeLessThan(5_200);
  });
});
