import { afterEach, describe, expect, it } from '@jest/globals';
import type { Write } from '../../lib/core/registry/registry.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

// What the simulation found about units that outlive their generation: one test for each.

const EVERY_SECOND = { cron: '* * * * * *' };
const SELDOM = { cron: '0 0 1 1 *' };

let probe: ProbedCluster;

/** Calls `then` once, when a write that `wanted` picks has been carried out and its reply is not yet on its way. */
function onceWritten(wanted: (write: Write) => boolean, then: () => void): void {
  const { store } = probe.cluster;
  const write = store.write.bind(store);
  store.write = (given) => {
    const result = write(given);
    if (result.ok && wanted(given)) {
      store.write = write;
      then();
    }
    return result;
  };
}

const isTask =
  (state: string) =>
  ({ key, value }: Write): boolean =>
    key === 'test/tasks/a' && value?.includes(`"state":"${state}"`) === true;

/** The only unit there is belongs to the task as it stands, and runs. */
async function expectOneUnit(): Promise<void> {
  const { store } = probe.cluster;
  const { generation } = JSON.parse(store.get('test/tasks/a')!.value) as { generation: string };
  expect(store.list('test/units/', {}).entries.map(({ key }) => key)).toEqual([`test/units/a@${generation}`]);
  const before = probe.started.length;
  await probe.cluster.advance('3s');
  expect(probe.started.length).toBeGreaterThan(before);
}

describe('No unit is left of what a task was before', () => {
  afterEach(() => probe.cluster.stop());

  it('when it was put anew while its first maker was about to make one', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const [maker, other] = [cluster.node(0), cluster.node(1)];
    onceWritten(isTask('active'), () => maker.host.freeze());
    maker.service.addTask({ name: 'a', schedule: SELDOM }).catch(() => undefined);
    await cluster.advance('1s');
    await cluster.during(other.service.purgeTask('a'));
    await cluster.during(other.service.addTask({ name: 'a', schedule: EVERY_SECOND }));
    maker.host.unfreeze();
    await cluster.advance('5s');
    await expectOneUnit();
  });

  it('when it was put anew while a node that had completed it was about to say so', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: { delay: '2s' } }));
    await cluster.advance('1s');
    const owner = cluster.nodes.find(({ service }) => service.listOwnTasks().length > 0)!;
    const other = cluster.nodes.find((node) => node !== owner)!;
    onceWritten(isTask('completed'), () => owner.host.freeze());
    await cluster.clock.advanceUntil(() => owner.host.isFrozen);
    await cluster.during(other.service.putTask({ name: 'a', schedule: EVERY_SECOND }));
    owner.host.unfreeze();
    await cluster.advance('5s');
    await expectOneUnit();
  });

  it('when it was put anew and then changed before its maker heard back', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const [maker, other] = [cluster.node(0), cluster.node(1)];
    await cluster.during(maker.service.addTask({ name: 'a', schedule: 'now' }));
    await cluster.advance('2s');
    onceWritten(isTask('active'), () => maker.host.cutLink('replies'));
    const put = maker.service.putTask({ name: 'a', schedule: SELDOM });
    await cluster.advance(500);
    await cluster.during(other.service.updateSchedule('a', EVERY_SECOND));
    maker.host.cutLink('none');
    await cluster.during(put);
    await cluster.advance('5s');
    await expectOneUnit();
  });

  it('when the request that removes it is lost', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const { service, scheduler, host } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: 'now' }));
    await cluster.advance('2s');
    const { registry } = scheduler.context;
    const commit = registry.commit.bind(registry);
    registry.commit = (writes) => {
      if (writes.some(({ key, value }) => key.startsWith('units/') && value === undefined)) {
        registry.commit = commit;
        const lost = host.calls + 1;
        host.fate = (call) => (call === lost ? 'lost' : 'passes');
      }
      return commit(writes);
    };
    await cluster.during(service.putTask({ name: 'a', schedule: EVERY_SECOND }));
    await cluster.advance('5s');
    await expectOneUnit();
  });
});
