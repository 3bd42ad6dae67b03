import { afterEach, describe, expect, it } from '@jest/globals';
import { forMs } from '../support/groups.js';
import { probedCluster, untilAborted, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;

/** What a node that does nothing but renew its session asks the registry for in this time, and somewhat more. */
const AT_REST = 15;

describe('What waits asks the registry for nothing', () => {
  afterEach(() => probe.cluster.stop());

  it('as long as a run of its own node is in the way of a queued tick', async () => {
    probe = await probedCluster({ nodes: 1, options: { concurrency: 300 } }, untilAborted);
    const { cluster } = probe;
    const { host } = cluster.node(0);
    for (let i = 0; i < 200; i++) await probe.add(`t${i}`, { overlap: 'queue' }, { every: '1m' });
    await cluster.advance('150s');
    expect(probe.unitOf('t1').queued).toBeDefined();
    const before = host.calls;
    await cluster.advance('20s');
    expect(host.calls - before).toBeLessThan(AT_REST);
  });

  it('but a look in a while, where a run that was asked for has to wait for another one, and writes nothing', async () => {
    const options = { groups: { g: { concurrency: 3 } } };
    probe = await probedCluster({ nodes: 1, options }, (run) => forMs(probe, 30_000, run));
    const { cluster } = probe;
    const { service, host } = cluster.node(0);
    await probe.add('a', { overlap: 'queue', group: 'g' }, { every: '1d' });
    await cluster.during(service.runTask('a'));
    const waiting = Array.from({ length: 5 }, () => service.runTask('a', { timeout: '10m' }));
    await cluster.advance('5s');
    const token = () => cluster.store.get('test/groups/g')!.token;
    const [before, written] = [host.calls, token()];
    await cluster.advance('20s');
    expect(token()).toBe(written);
    expect(host.calls - before).toBeLessThan(AT_REST + 5 * 10 + 5);
    await cluster.advance('3m');
    await cluster.during(Promise.all(waiting));
    expect(probe.started).toHaveLength(6);
    const gaps = probe.started.slice(1).map(({ at }, index) => at - probe.started[index]!.at);
    expect(Math.max(...gaps)).toBeLessThan(30_100);
  });
});
