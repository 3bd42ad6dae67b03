import { afterEach, describe, expect, it } from '@jest/globals';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const EVERY_SECOND = { cron: '* * * * * *' };
const EVERY_MINUTE = { cron: '* * * * *' };

describe('Claims', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('runs each tick once, on the instant, whatever the number of nodes', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster, started } = probe;
    const from = cluster.clock.now();
    for (let i = 0; i < 20; i++)
      await cluster.during(cluster.node(i % 3).service.addTask({ name: `t${i}`, schedule: EVERY_SECOND }));
    await cluster.advance('60s');
    for (let i = 0; i < 20; i++) {
      const ticks = probe.of(`t${i}`).map(({ tick }) => tick!);
      expect(new Set(ticks).size).toBe(ticks.length);
      expect(ticks).toEqual(Array.from({ length: ticks.length }, (_, n) => ticks[0]! + n * 1_000));
      expect(ticks.length).toBeGreaterThanOrEqual(59);
      expect(ticks[0]! - from).toBeLessThanOrEqual(1_000);
    }
    expect(started.every(({ at, tick }) => at === tick)).toBe(true);
    expect(new Set(started.map(({ node }) => node)).size).toBe(3);
  });

  it('hands every run a token that is higher than that of the run before it', async () => {
    probe = await probedCluster({ nodes: 2 });
    await probe.cluster.during(probe.cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_SECOND }));
    await probe.cluster.advance('20s');
    const tokens = probe.of('a').map(({ token }) => token);
    expect(tokens.length).toBeGreaterThan(15);
    for (let i = 1; i < tokens.length; i++) expect(tokens[i]! > tokens[i - 1]!).toBe(true);
  });

  it('recognises its own claim when the reply was lost, and runs the tick once', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const [node] = cluster.nodes;
    await cluster.during(node!.service.addTask({ name: 'a', schedule: EVERY_MINUTE }));
    const tick = node!.service.nextTicks('a', 1)[0]!.getTime();
    await cluster.clock.advanceUntil(() => cluster.clock.now() >= tick - 150);
    node!.host.cutLink('replies');
    await cluster.advance(500);
    node!.host.cutLink('none');
    await cluster.advance('10s');
    expect(probe.of('a').map((start) => start.tick)).toEqual([tick]);
  });

  it('lets the standby take a tick that the owner has let pass, about two seconds late', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_MINUTE }));
    await cluster.advance('61s');
    const owner = cluster.nodes.find(({ service }) => service.listOwnTasks().length === 1)!;
    const tick = cluster.node(0).service.nextTicks('a', 1)[0]!.getTime();
    await cluster.clock.advanceUntil(() => cluster.clock.now() >= tick - 1_000);
    cluster.crash(owner);
    await cluster.advance('20s');
    const last = probe.of('a').at(-1)!;
    expect(last.tick).toBe(tick);
    expect(last.at - tick).toBeGreaterThanOrEqual(2_000);
    expect(last.at - tick).toBeLessThan(2_200);
    expect(probe.of('a').filter((start) => start.tick === tick)).toHaveLength(1);
  });

  it('gives the units of a dead node to others once its session has ended', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster } = probe;
    for (let i = 0; i < 9; i++)
      await cluster.during(cluster.node(0).service.addTask({ name: `t${i}`, schedule: EVERY_SECOND }));
    await cluster.advance('5s');
    cluster.crash(cluster.node(2));
    const died = cluster.clock.now();
    await cluster.advance('15s');
    for (let i = 0; i < 9; i++) {
      const late = probe.of(`t${i}`).filter(({ at }) => at > died);
      expect(late.at(-1)!.at).toBeGreaterThan(died + 14_000);
      expect(new Set(late.map(({ tick }) => tick)).size).toBe(late.length);
    }
    expect(
      cluster.nodes
        .flatMap(({ service }) => service.listOwnTasks())
        .map(({ name }) => name)
        .sort(),
    ).toHaveLength(9);
  });

  it('never runs a tick twice when a frozen owner wakes up long after', async () => {
    probe = await probedCluster({ nodes: 3 });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_MINUTE }));
    await cluster.advance('61s');
    const owner = cluster.nodes.find(({ service }) => service.listOwnTasks().length === 1)!;
    const tick = cluster.node(0).service.nextTicks('a', 1)[0]!.getTime();
    for (const early of [5_000, 90, 50, 0]) {
      const next = tick + 60_000 * [5_000, 90, 50, 0].indexOf(early) * 3;
      await cluster.clock.advanceUntil(() => cluster.clock.now() >= next - early, '10m');
      owner.host.freeze();
      await cluster.advance('40s');
      owner.host.unfreeze();
      await cluster.advance('60s');
    }
    const ticks = probe.of('a').map((start) => start.tick);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  it('starts nothing that it claimed before a freeze once its session is gone', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { cluster } = probe;
    const [node] = cluster.nodes;
    await cluster.during(node!.service.addTask({ name: 'a', schedule: EVERY_MINUTE }));
    const tick = node!.service.nextTicks('a', 1)[0]!.getTime();
    await cluster.clock.advanceUntil(() => node!.service.listRunning().length === 1); // claimed ahead
    expect(cluster.clock.now()).toBeLessThan(tick);
    node!.host.freeze();
    await cluster.advance('30s');
    node!.host.unfreeze();
    await cluster.advance('10s');
    expect(probe.of('a')).toEqual([]);
    const history = await cluster.during(node!.service.listRuns({ task: 'a' }));
    // which of the two depends on what wakes first: the end of its trust, or the appointment with the tick
    const outcome = expect.stringMatching(/^(cancelled|lost)$/) as unknown as string;
    expect(history).toMatchObject([{ kind: 'run', outcome, tick, error: { name: 'NotStarted' } }]);
  });
});
