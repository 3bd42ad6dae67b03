import { afterEach, describe, expect, it } from '@jest/globals';
import type { StartEntry } from '../../lib/testing/checker/log.js';
import { ChaosCluster, type ChaosClusterOptions } from './cluster.js';
import { conclude, goesOn } from './conclusion.js';
import { strike, type FaultName } from './faults.js';
import { REGISTRIES } from './registries.js';
import { expectSound, print } from './soundness.js';
import { inTime, secondly, sparse } from './tasks.js';

/** What a session lives, what noticing its end takes, and what a busy machine adds to it. */
const TAKEN_OVER_WITHIN_MS = 20_000;

describe.each(REGISTRIES)('Real processes on $name', (registry) => {
  let cluster: ChaosCluster;
  let starts: StartEntry[];

  async function begin(options: ChaosClusterOptions): Promise<void> {
    cluster = await ChaosCluster.start(registry, options);
    starts = [];
    cluster.recorder.onEntry((entry) => entry.type === 'start' && starts.push(entry));
  }

  afterEach(() => (cluster as ChaosCluster | undefined)?.stop());

  const nodes = () => [...cluster.nodes.values()];
  const names = (tasks: readonly { name: string }[]): string[] => tasks.map(({ name }) => name);

  async function during(fault: FaultName, id: string, then: () => Promise<unknown>): Promise<void> {
    const heal = await strike(cluster, fault, cluster.node(id));
    await then();
    await heal();
  }

  it('kill -9 and a long freeze among 200 tasks a second: others take over, and each tick starts once at most', async () => {
    await begin({ nodes: 3 });
    const frequent = secondly(200);
    await cluster.addTasks([...frequent, ...sparse(240)]);
    await goesOn(cluster, names(frequent), TAKEN_OVER_WITHIN_MS);
    for (let killed = 0; killed < 3; killed++) {
      await cluster.killNode(nodes()[0]!);
      await goesOn(cluster, names(frequent), TAKEN_OVER_WITHIN_MS);
      await cluster.startNode(cluster.newId());
      await goesOn(cluster, names(frequent), TAKEN_OVER_WITHIN_MS);
    }
    await during('long freeze', nodes()[1]!.id, () => goesOn(cluster, names(frequent), TAKEN_OVER_WITHIN_MS));
    await expectSound(cluster, 'kill -9 three times, a long freeze');
    const { byStandby, byNextOwner } = cluster.figures.takeovers;
    expect(byStandby.length).toBeGreaterThanOrEqual(30);
    expect(Math.max(...byStandby)).toBeLessThan(4_000);
    expect(byNextOwner.length).toBeGreaterThanOrEqual(150);
    expect(Math.max(...byNextOwner)).toBeLessThan(16_000);
  }, 180_000);

  it('a registry that is away for 12 s and comes back with its data stops nobody for long', async () => {
    await begin({ nodes: 2 });
    const tasks = secondly(50, { payload: { ms: 500 } }); // their ends wait for the registry, and claims behind them
    await cluster.addTasks(tasks);
    await goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS);
    const heal = await strike(cluster, 'server-kill');
    await inTime(12_000); // longer than a session lives
    await heal();
    await goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS);
    const { accounts } = await expectSound(cluster, 'the registry away for 12 s');
    expect(accounts).toHaveLength(50);
    expect(accounts.every(({ skipped }) => (skipped['coalesced'] ?? 0) > 0)).toBe(true);
    // No node died: whatever is claimed once the registry is back is claimed under a session that lives, and starts.
    expect(accounts.filter(({ ended }) => ended['lost'])).toEqual([]);
  }, 120_000);

  it('a registry that comes back empty: that is told, the tasks are written back, and nothing from before is fired', async () => {
    await begin({ nodes: 3 });
    const tasks = secondly(50);
    await cluster.addTasks(tasks);
    await cluster.addTasks([{ name: 'deleted-before', schedule: { cron: '* * * * * *' } }]);
    await cluster.service.deleteTask('deleted-before');
    await goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS);

    const { recorder, server } = cluster;
    recorder.tell({ type: 'fault', what: 'server-wipe' });
    await server.kill();
    recorder.tell({ type: 'data-loss' });
    await inTime(3_000);
    await server.restart({ keepData: false });
    const back = Date.now();
    recorder.tell({ type: 'heal', what: 'server-wipe' });
    await goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS);

    // A node that trusts its session still goes on until the next renewal tells it that there is none.
    for (const node of nodes()) await node.says('has lost its data', TAKEN_OVER_WITHIN_MS);
    const documents = await cluster.documents('tasks/');
    expect(documents.map(({ key }) => key).sort()).toEqual(
      [...names(tasks), 'deleted-before'].map((name) => `tasks/${name}`).sort(),
    );
    expect(JSON.parse(documents.find(({ key }) => key === 'tasks/deleted-before')!.value)).toMatchObject({
      state: 'deleted',
    });
    const after = starts.filter(({ at }) => at > back);
    expect(after.length).toBeGreaterThan(0);
    expect(after.filter(({ tick }) => tick! < back)).toEqual([]);
    const { violations, crashes, lines } = await conclude(cluster);
    print('the registry emptied', lines);
    expect({ violations, crashes }).toEqual({ violations: [], crashes: [] });
  }, 120_000);

  it('clocks that are stepped by 300 s, one forward and one back, fire nothing early and nothing twice', async () => {
    await begin({ nodes: 3 });
    const tasks = secondly(100);
    await cluster.addTasks([...tasks, ...sparse(30)]);
    await goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS);
    const [ahead, behind] = nodes().map(({ id }) => id);
    await during('clock-forward', ahead!, () =>
      during('clock-back', behind!, () => goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS)),
    );
    await goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS);
    await expectSound(cluster, 'two clocks stepped by 300 s and back');
    expect(starts.filter(({ tick, at }) => tick! > at + registry.clockErrorMs)).toEqual([]);
  }, 120_000);

  it('a node that is cut off alone, both ways or one, is replaced and comes back', async () => {
    await begin({ nodes: 3 });
    const tasks = secondly(100);
    await cluster.addTasks(tasks);
    await goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS);
    const [both, oneWay] = nodes();
    for (const [fault, node] of [
      ['blackhole', both],
      ['blackhole-replies', oneWay],
    ] as const) {
      await during(fault, node!.id, () => goesOn(cluster, names(tasks), TAKEN_OVER_WITHIN_MS));
      await cluster.recorder.next(
        `${node!.name} runs tasks again`,
        (entry) => entry.type === 'start' && entry.process === node!.name,
        TAKEN_OVER_WITHIN_MS,
      );
    }
    await expectSound(cluster, 'a node cut off alone');
  }, 120_000);
});
