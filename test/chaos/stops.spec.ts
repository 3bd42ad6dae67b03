import { afterEach, describe, expect, it } from '@jest/globals';
import type { StartEntry } from '../../lib/testing/checker/log.js';
import { ChaosCluster, type ChaosClusterOptions } from './cluster.js';
import { goesOn } from './conclusion.js';
import { strike } from './faults.js';
import { REGISTRIES } from './registries.js';
import { expectSound, print } from './soundness.js';
import { inTime, secondly } from './tasks.js';

const GOES_ON_WITHIN_MS = 15_000;
/** How many nodes are replaced, one after the other: CHAOS_REPLACED=30 npm run test:chaos -- stops */
const REPLACED = Number(process.env['CHAOS_REPLACED'] ?? 3);

describe.each(REGISTRIES)('SIGTERM to real processes on $name', (registry) => {
  let cluster: ChaosCluster;
  let starts: StartEntry[];

  async function begin(options: ChaosClusterOptions): Promise<void> {
    cluster = await ChaosCluster.start(registry, options);
    starts = [];
    cluster.recorder.onEntry((entry) => entry.type === 'start' && starts.push(entry));
  }

  afterEach(() => (cluster as ChaosCluster | undefined)?.stop());

  const aNode = () => [...cluster.nodes.values()][0]!;
  const names = (tasks: readonly { name: string }[]): string[] => tasks.map(({ name }) => name);

  /** How late ticks that fell due in this time were started. */
  const lateness = (from: number, to: number): number[] =>
    starts.filter(({ tick }) => tick! > from && tick! < to).map(({ at, tick }) => at - tick!);

  it('a run of 700 ms ends before its process does, and the rest goes on at once elsewhere', async () => {
    await begin({ nodes: 2 });
    const tasks = secondly(20, { payload: { ms: 700 } });
    await cluster.addTasks(tasks);
    await goesOn(cluster, names(tasks), GOES_ON_WITHIN_MS);
    const asked = Date.now();
    expect(await cluster.stopNode(aNode())).toBe('SIGTERM');
    expect(Date.now() - asked).toBeLessThan(3_000);
    await cluster.recorder.next('five seconds on', ({ at }) => at > asked + 5_000, GOES_ON_WITHIN_MS);
    const { accounts } = await expectSound(cluster, 'SIGTERM with runs of 700 ms');
    expect(accounts.every(({ ended }) => (ended['lost'] ?? 0) === 0)).toBe(true);
    const gap = lateness(asked - 1_000, asked + 4_000);
    expect(gap.length).toBeGreaterThanOrEqual(20 * 4);
    expect(Math.max(...gap)).toBeLessThan(1_500);
  }, 90_000);

  it('runs longer than the drain timeout are aborted; one that is to be run again starts at once elsewhere', async () => {
    await begin({ nodes: 2, options: { shutdown: { drainTimeout: '2s' } } });
    const minute = { payload: { ms: 60_000 } };
    const [once, again] = [
      secondly(10, minute).map((task) => ({ ...task, name: `once-${task.name}` })),
      secondly(10, { ...minute, recovery: 'rerun' }).map((task) => ({ ...task, name: `again-${task.name}` })),
    ];
    await cluster.addTasks([...once, ...again]);
    // Each runs for a minute from its first tick on, which may have come before this.
    const toStart = new Set(names([...once, ...again]));
    const isStarted = (): boolean => {
      for (const { task } of starts) toStart.delete(task);
      return toStart.size === 0;
    };
    if (!isStarted()) await cluster.recorder.next('every task has started', isStarted, GOES_ON_WITHIN_MS);
    const node = aNode();
    const handedOver = starts.filter(({ process, task }) => process === node.name && task.startsWith('again'));
    expect(handedOver.length).toBeGreaterThan(0);
    const asked = Date.now();
    const reruns = new Set(handedOver.map(({ runId }) => runId));
    const restarted = cluster.recorder.next(
      'every run that was handed over starts again',
      (entry) => {
        if (entry.type === 'start' && entry.attempt === 2) reruns.delete(entry.runId);
        return reruns.size === 0;
      },
      GOES_ON_WITHIN_MS,
    );
    expect(await cluster.stopNode(node)).toBe('SIGTERM');
    expect(Date.now() - asked).toBeLessThan(6_000);
    await restarted;
    expect(Date.now() - asked).toBeLessThan(8_000);
    for (const name of names([...once, ...again])) await cluster.service.pauseTask(name);
    const { accounts } = await expectSound(cluster, 'SIGTERM with runs of a minute');
    const outcomes = (prefix: string) =>
      accounts.filter(({ task }) => task.startsWith(prefix)).map(({ ended }) => ended);
    expect(outcomes('once').every(({ lost = 0, cancelled = 0 }) => lost === 0 && cancelled > 0)).toBe(true);
    expect(outcomes('again').every(({ lost = 0 }) => lost === 0)).toBe(true);
  }, 90_000);

  it('a process that is to end while the registry is away does end', async () => {
    await begin({ nodes: 2 });
    const tasks = secondly(20, { payload: { ms: 700 } });
    await cluster.addTasks(tasks);
    await goesOn(cluster, names(tasks), GOES_ON_WITHIN_MS);
    const heal = await strike(cluster, 'server-freeze');
    const asked = Date.now();
    expect(await cluster.stopNode(aNode())).toBe('SIGTERM');
    expect(Date.now() - asked).toBeLessThan(16_000);
    await heal();
    await goesOn(cluster, names(tasks), 2 * GOES_ON_WITHIN_MS);
    await expectSound(cluster, 'SIGTERM while the registry is away');
  }, 120_000);

  it(
    'one node after the other is replaced, and every tick is run',
    async () => {
      await begin({ nodes: 3 });
      const tasks = secondly(60);
      await cluster.addTasks(tasks);
      await goesOn(cluster, names(tasks), GOES_ON_WITHIN_MS);
      const from = Date.now();
      for (let replaced = 0; replaced < REPLACED; replaced++) {
        const node = aNode(); // the one that has been there longest
        await cluster.startNode(cluster.newId());
        await inTime(Math.random() * 1_000); // at any moment around the ticks
        expect(await cluster.stopNode(node)).toBe('SIGTERM');
        await goesOn(cluster, names(tasks), GOES_ON_WITHIN_MS);
      }
      const late = lateness(from, Date.now()).sort((a, b) => a - b);
      const share = (p: number): number => late[Math.min(late.length - 1, Math.floor(late.length * p))]!;
      print(`${REPLACED} nodes replaced: ticks were ${share(0.5)} ms late, p99 ${share(0.99)}, max ${late.at(-1)}`, []);
      const { accounts } = await expectSound(cluster, 'every node replaced');
      expect(accounts.filter(({ planned, claimed, ended }) => planned > claimed || ended['lost'])).toEqual([]);
    },
    60_000 + REPLACED * 10_000,
  );
});
