import { afterEach, describe, expect, it } from '@jest/globals';
import { forMs, groupOf } from '../support/groups.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;

const ONE_AT_A_TIME = { groups: { mail: { concurrency: 1 } } };

function fail(): never {
  throw new Error('boom');
}

/** The session of its only node, lost and opened anew. */
async function cutOff(lengthMs: number, node = probe.cluster.node(0)): Promise<void> {
  node.host.cutLink('requests');
  await probe.cluster.advance(lengthMs);
  node.host.cutLink('none');
}

describe('Room in a group, while the registry is away', () => {
  afterEach(() => probe.cluster.stop());

  it('is taken once where the reply to that is lost, and counts once for the rate', async () => {
    probe = await probedCluster({
      nodes: 1,
      options: { groups: { mail: { concurrency: 1, rate: { limit: 1, perMs: 10_000 } } } },
    });
    const { cluster } = probe;
    const { host, scheduler, service } = cluster.node(0);
    const { groups } = scheduler.context;
    let lost = 0;
    const take = groups.take.bind(groups);
    groups.take = async (...given) => {
      host.fate = (_call, step, name) => (name === 'commit' && step === 'reply' && lost++ === 0 ? 'lost' : 'passes');
      return take(...given);
    };
    const at = new Date(cluster.clock.now() + 5_000);
    await cluster.during(service.addTask({ name: 'a', schedule: { at }, group: 'mail' }));
    await cluster.clock.advanceUntil(() => lost > 0);
    await cluster.advance('8s');
    expect(probe.started).toHaveLength(1);
    expect(groupOf(probe)).toMatchObject({ holders: [], starts: [expect.any(Number)] });
  });

  it('is not given back for another node that goes on with the run', async () => {
    let most = 0;
    let going = 0;
    probe = await probedCluster({ nodes: 2, options: ONE_AT_A_TIME }, async (run) => {
      if (run.task === 'a' && run.attempt === 1) return forMs(probe, 1_000_000, run);
      most = Math.max(most, ++going);
      await forMs(probe, 60_000, run);
      going--;
    });
    const { cluster } = probe;
    const a = { name: 'a', schedule: 'now', group: 'mail', recovery: 'rerun' } as const;
    await cluster.during(cluster.node(0).service.addTask(a));
    await cluster.advance('2s');
    const first = cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    await cutOff(20_000, first);
    expect(probe.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
    await cluster.advance('5s');
    const other = cluster.nodes.find((node) => node !== first)!;
    await cluster.during(other.service.addTask({ name: 'b', schedule: 'now', group: 'mail' }));
    await cluster.advance('5s');
    expect(most).toBe(1);
    expect(groupOf(probe).holders).toMatchObject([{ node: other.id, run: probe.started[0]!.run.id }]);
  });

  it.each(['allow', 'skip'] as const)('is waited for by a run that was taken over (overlap %s)', async (overlap) => {
    probe = await probedCluster({ nodes: 2, options: ONE_AT_A_TIME }, fail);
    const { cluster } = probe;
    const retry = { attempts: 3, delay: '20s', backoff: 'fixed' } as const;
    const a = { name: 'a', schedule: { every: '2m' }, group: 'mail', retry, overlap } as const;
    await cluster.during(cluster.node(0).service.addTask(a));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    await cluster.advance('1s');
    const first = cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    const other = cluster.nodes.find((node) => node !== first)!;
    const { launcher } = other.scheduler;
    const rejected: unknown[] = [];
    const launch = launcher.launch.bind(launcher);
    launcher.launch = (claimed) => {
      const end = launch(claimed);
      end.catch((error: unknown) => rejected.push(error)); // nobody else would hear of it
      return end;
    };
    await cluster.during(first.service.stop());
    cluster.nodes.splice(cluster.nodes.indexOf(first), 1);
    await cluster.advance('16s');
    await cutOff(30_000, other); // shortly before the attempt is due, for longer than a session lasts
    await cluster.advance('10m');
    expect(rejected).toEqual([]);
    expect(launcher.listLive().filter(({ entry }) => entry.id === probe.started[0]!.run.id)).toHaveLength(0);
    expect(probe.started.length).toBeGreaterThan(3);
  });

  it('is waited for by a run on its own node, which makes all its attempts', async () => {
    probe = await probedCluster({ nodes: 1, options: ONE_AT_A_TIME }, fail);
    const { cluster } = probe;
    const { service } = cluster.node(0);
    const retry = { attempts: 3, delay: '20s', backoff: 'fixed' } as const;
    const a = { name: 'a', schedule: 'now', group: 'mail', retry, overlap: 'allow' } as const;
    await cluster.during(service.addTask(a));
    await cluster.advance('15s');
    await cutOff(30_000);
    await cluster.advance('1m');
    expect(probe.started).toHaveLength(3);
    const [last] = await cluster.during(service.listRuns({ task: 'a' }));
    expect(last).toMatchObject({ outcome: 'failed', error: { message: 'boom' } });
  });

  it('is given back by a run that ends while its node binds it to a new session', async () => {
    let end: (() => void) | undefined;
    const work = (): Promise<void> => new Promise<void>((done) => (end = done));
    probe = await probedCluster({ nodes: 1, options: ONE_AT_A_TIME }, work);
    const { cluster } = probe;
    const { service, scheduler } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: 'now', group: 'mail', overlap: 'allow' }));
    await cluster.advance('2s');
    const { groups } = scheduler.context;
    const keep = groups.keep.bind(groups);
    let kept = 0;
    groups.keep = async (permit) => {
      kept++;
      const keeping = keep(permit);
      end!();
      return keeping;
    };
    await cutOff(15_000);
    await cluster.clock.advanceUntil(() => service.state === 'working');
    await cluster.advance('2s');
    expect(kept).toBe(1);
    expect(scheduler.launcher.listLive()).toHaveLength(0);
    expect(groupOf(probe).holders).toEqual([]);
  });

  it('is bound to the new session in one write, however many runs hold it', async () => {
    let aborted = 0;
    probe = await probedCluster({ nodes: 1, options: { groups: { mail: { concurrency: 1_000 } } } }, (run) => {
      run.signal.addEventListener('abort', () => aborted++);
      return forMs(probe, 600_000, run);
    });
    const { cluster } = probe;
    const { service, scheduler } = cluster.node(0);
    for (let i = 0; i < 120; i++)
      await cluster.during(service.addTask({ name: `t${i}`, schedule: 'now', group: 'mail', overlap: 'allow' }));
    await cluster.advance('5s');
    expect(probe.started).toHaveLength(120);
    await cutOff(15_000);
    await cluster.clock.advanceUntil(() => service.state === 'working', '15s');
    const { id } = scheduler.context.keeper.session!;
    expect(aborted).toBe(0);
    expect(new Set(groupOf(probe).holders.map(({ session }) => session))).toEqual(new Set([id]));
    expect(groupOf(probe).holders).toHaveLength(120);
  });
});
