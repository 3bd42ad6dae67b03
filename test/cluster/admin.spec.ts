import { afterEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import { keys } from '../../lib/core/registry/keyspace.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

const EVERY_SECOND = { cron: '* * * * * *' };

describe('Changes of tasks', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  /** A cluster with task `a` running every second, and the node that owns it made deaf to watches. */
  async function withDeafOwner(): Promise<{
    owner: ProbedCluster['cluster']['nodes'][0];
    other: ProbedCluster['cluster']['nodes'][0];
  }> {
    probe = await probedCluster({ nodes: 2, options: { cluster: { resyncMs: 600_000 } } });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_SECOND }));
    await cluster.advance('5s');
    const owner = cluster.nodes.find(({ service }) => service.listOwnTasks().length === 1)!;
    const other = cluster.nodes.find((node) => node !== owner)!;
    owner.host.cutLink('watches');
    return { owner, other };
  }

  it.each(['pauseTask', 'cancelTask', 'deleteTask', 'purgeTask'] as const)(
    '%s holds on a node that has not heard of it',
    async (change) => {
      const { other, owner } = await withDeafOwner();
      await probe.cluster.during<unknown>(other.service[change]('a'));
      const acknowledged = probe.cluster.clock.now();
      await probe.cluster.advance('20s');
      // what was claimed before the acknowledgement, ahead of its tick, may still start
      expect(probe.of('a').filter(({ at }) => at > acknowledged + 100)).toEqual([]);
      expect(owner.service.listOwnTasks().filter(({ state }) => state === 'active')).toEqual([]);
    },
  );

  it('a new schedule holds on a node that has not heard of it', async () => {
    const { other } = await withDeafOwner();
    await probe.cluster.during(other.service.updateSchedule('a', { cron: '*/10 * * * * *' }));
    const acknowledged = probe.cluster.clock.now();
    await probe.cluster.advance('40s');
    const after = probe.of('a').filter(({ at }) => at > acknowledged + 100);
    expect(after.map(({ tick }) => tick! % 10_000)).toEqual([0, 0, 0, 0]);
  });

  it('a late touch of an older change does not hide a newer one', async () => {
    const { other, owner } = await withDeafOwner();
    const { writer, context } = other.scheduler;
    const task = context.catalog.get('a')!;
    await probe.cluster.during(other.service.pauseTask('a'));
    // the touch of a change that was committed before the pause, and acknowledged nowhere, comes in only now
    const [unit] = task.units;
    await probe.cluster.during(writer.touch(unit!, task.token));
    const acknowledged = probe.cluster.clock.now();
    await probe.cluster.advance('10s');
    expect(probe.of('a').filter(({ at }) => at > acknowledged + 100)).toEqual([]);
    void owner;
  });

  it('an add of an existing or deleted name fails, and says what to do', async () => {
    probe = await probedCluster({ nodes: 2 });
    const [a, b] = probe.cluster.nodes.map(({ service }) => service);
    const task = { name: 'a', schedule: EVERY_SECOND };
    await probe.cluster.during(a!.addTask(task));
    await expect(probe.cluster.during(b!.addTask(task))).rejects.toMatchObject({ code: 'TASK_EXISTS', task: 'a' });
    await probe.cluster.during(b!.deleteTask('a'));
    await probe.cluster.advance('1s');
    expect(a!.getTask('a')).toBeUndefined();
    await expect(probe.cluster.during(a!.addTask(task))).rejects.toMatchObject({ code: 'TASK_DELETED' });
    await expect(probe.cluster.during(a!.pauseTask('a'))).rejects.toMatchObject({ code: 'TASK_DELETED' });
    await expect(probe.cluster.during(a!.pauseTask('aa'))).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    await probe.cluster.during(a!.restoreTask('a'));
    await probe.cluster.advance('5s');
    expect(probe.of('a').length).toBeGreaterThan(3);
    await probe.cluster.during(a!.purgeTask('a'));
    await probe.cluster.advance('1s');
    const left = ['tasks/', 'units/', 'history/'].flatMap(
      (prefix) => probe.cluster.store.list(`test/${prefix}`, {}).entries,
    );
    expect(left).toEqual([]);
    await probe.cluster.during(b!.addTask(task));
  });

  it('two nodes that change one task at once both get their change in', async () => {
    probe = await probedCluster({ nodes: 2 });
    const [a, b] = probe.cluster.nodes.map(({ service }) => service);
    await probe.cluster.during(a!.addTask({ name: 'a', schedule: EVERY_SECOND }));
    await probe.cluster.advance('1s');
    await probe.cluster.during(
      Promise.all([a!.updateSchedule('a', { every: '7s' }), b!.pauseTask('a', { note: 'by b' })]),
    );
    await probe.cluster.advance('1s');
    for (const service of [a!, b!]) {
      expect(service.getTask('a')).toMatchObject({ state: 'paused', note: 'by b', schedule: { every: 7_000 } });
    }
  });

  it('only one of many nodes adds a name', async () => {
    probe = await probedCluster({ nodes: 8 });
    const adds = probe.cluster.nodes.map(({ service }) =>
      service.addTask({ name: 'a', schedule: EVERY_SECOND }).then(
        () => 'added',
        (error: { code: string }) => error.code,
      ),
    );
    const outcomes = await probe.cluster.during(Promise.all(adds));
    expect(outcomes.sort()).toEqual([...Array<string>(7).fill('TASK_EXISTS'), 'added']);
  });

  it('a task whose creator died before its unit was made is made whole by its owner', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: EVERY_SECOND }));
    await cluster.advance('2s');
    const [unit] = cluster.store.list(`test/${keys.units}`, {}).entries;
    cluster.store.write({ key: unit!.key });
    const gone = cluster.clock.now();
    await cluster.advance('5s');
    expect(probe.of('a').filter(({ at }) => at > gone).length).toBeGreaterThanOrEqual(4);
  });

  it('resume takes the next tick of a cron task, and runs an overdue task at once', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'cron', schedule: { cron: '* * * * *' } }));
    await cluster.during(service.addTask({ name: 'once', schedule: { delay: '30s' } }));
    await cluster.during(service.cancelTask('once'));
    await cluster.during(service.pauseTask('cron'));
    await cluster.advance('10m');
    expect(probe.started).toEqual([]);
    const resumed = cluster.clock.now();
    await cluster.during(Promise.all([service.resumeTask('once'), service.resumeTask('cron')]));
    await cluster.advance('1s');
    expect(probe.of('once').map(({ at }) => at - resumed)).toEqual([1]);
    expect(probe.of('cron')).toEqual([]);
    await cluster.advance('60s');
    expect(probe.of('cron')).toHaveLength(1);
    expect(service.getTask('once')).toMatchObject({ state: 'completed' });
  });

  it('keeps, deletes or purges a task after its last tick, as it says', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    for (const afterRun of ['keep', 'delete', 'purge'] as const) {
      await cluster.during(service.addTask({ name: afterRun, schedule: 'now', afterRun }));
      await cluster.during(
        service.addTask({ name: `one-${afterRun}`, schedule: EVERY_SECOND, oneShot: true, afterRun }),
      );
    }
    await cluster.advance('5s');
    for (const prefix of ['', 'one-']) {
      expect(probe.of(`${prefix}keep`)).toHaveLength(1);
      expect(probe.of(`${prefix}delete`)).toHaveLength(1);
      expect(probe.of(`${prefix}purge`)).toHaveLength(1);
    }
    expect(service.listTasks().map(({ name, state }) => `${name} ${state}`)).toEqual([
      'keep completed',
      'one-keep completed',
    ]);
    expect(service.listTasks({ state: 'deleted' }).map(({ name }) => name)).toEqual(['delete', 'one-delete']);
    await cluster.during(service.addTask({ name: 'purge', schedule: { every: '1m' } }));
  });
});

describe('Before and after', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('tasks may be added before the start, and a stop is final', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const node = cluster.makeNode({});
    await cluster.during(node.service.putTask({ name: 'early', schedule: EVERY_SECOND }));
    await cluster.settle([node]);
    await cluster.advance('5s');
    expect(probe.of('early').length).toBeGreaterThanOrEqual(4);
    await cluster.during(node.service.stop());
    for (const late of [node.service.start(), node.service.putTask({ name: 'late', schedule: 'now' })]) {
      await expect(cluster.during<unknown>(late)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    }
  });

  it('a task that no node can run is told of, once', async () => {
    const warnings: string[] = [];
    const logger = { ...SILENT_LOGGER, warn: (message: string) => void warnings.push(message) };
    probe = await probedCluster({ nodes: 1, logger });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'far', schedule: EVERY_SECOND, nodeSelector: { zone: 'moon' } }));
    await cluster.during(service.addTask({ name: 'near', schedule: EVERY_SECOND }));
    await cluster.advance('2m');
    expect(warnings).toEqual(['Task "far" waits: no working node has its handler "far" and the labels it asks for']);
  });

  it('feeds of nodes that are gone are swept a day later, those of present ones stay', async () => {
    probe = await probedCluster({ nodes: 2 });
    const { cluster } = probe;
    await cluster.during(cluster.node(0).service.addTask({ name: 'a', schedule: { every: '10m' } }));
    await cluster.advance('2h');
    const owners = (): string[] => [
      ...new Set(cluster.store.list('test/feed/', {}).entries.map(({ key }) => key.split('/')[2]!)),
    ];
    const [gone] = owners();
    cluster.crash(cluster.nodes.find(({ id }) => id === gone)!);
    await cluster.advance('2h');
    await cluster.join({ id: 'next' });
    expect(owners()).toContain(gone);
    await cluster.advance('25h');
    await cluster.join({ id: 'next-but-one' });
    await cluster.advance('1s');
    expect(owners()).not.toContain(gone);
    expect(owners().length).toBeGreaterThan(0);
  });
});

describe('Static tasks', () => {
  let probe: ProbedCluster;
  afterEach(() => probe.cluster.stop());

  it('are declared once by many nodes that start together, and keep what an operator made of them', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const declare = async (seconds: number, count: number): Promise<void> => {
      const nodes = Array.from({ length: count }, () => cluster.makeNode({}));
      for (const { service } of nodes) {
        await service.defineTask({
          name: 'static',
          schedule: { cron: `*/${seconds} * * * * *` },
          run: () => undefined,
        });
      }
      await cluster.settle(nodes);
    };
    await declare(10, 12);
    await cluster.advance('1s');
    const { service } = cluster.node(0);
    expect(cluster.store.list('test/units/', {}).entries).toHaveLength(1);
    const generation = cluster.node(0).scheduler.context.catalog.get('static')!.doc.generation;

    await cluster.during(service.updateSchedule('static', { cron: '*/30 * * * * *' }));
    await declare(10, 1); // the same code comes back: the operator's change survives
    await cluster.advance('1s');
    expect(service.getTask('static')).toMatchObject({ schedule: { cron: '*/30 * * * * *' } });

    await declare(20, 1); // other code: the code wins
    await cluster.advance('1s');
    expect(service.getTask('static')).toMatchObject({ schedule: { cron: '*/20 * * * * *' }, source: 'static' });
    expect(cluster.node(0).scheduler.context.catalog.get('static')!.doc.generation).toBe(generation);

    await cluster.during(service.deleteTask('static'));
    await declare(20, 1); // a tombstone survives restarts too
    expect(service.getTask('static')).toBeUndefined();
  });

  it('run only where their handler is', async () => {
    probe = await probedCluster({ nodes: 0 });
    const { cluster } = probe;
    const ran: string[] = [];
    const nodes = [0, 1, 2].map(() => cluster.makeNode({}));
    for (const { scheduler } of nodes) scheduler.handlers.remove('*');
    await nodes[1]!.service.defineTask({
      name: 'only-here',
      schedule: EVERY_SECOND,
      run: ({ nodeId }) => ran.push(nodeId),
    });
    await cluster.settle(nodes);
    await cluster.advance('5s');
    expect(new Set(ran)).toEqual(new Set([nodes[1]!.id]));
  });
});
