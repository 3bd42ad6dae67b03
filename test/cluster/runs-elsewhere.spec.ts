import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { SchedulerService } from '../../lib/core/service/scheduler-service.js';
import { probedCluster, type ProbedCluster, untilAborted } from '../support/probe.js';

const SELDOM = { cron: '0 0 1 1 *' };

let probe: ProbedCluster;

/** A run that goes on on the first of three nodes, seen from the second. */
async function runOnFirst(
  policies: object = {},
  work = untilAborted,
): Promise<{ id: string; other: SchedulerService }> {
  probe = await probedCluster({ nodes: 3 }, work);
  const { cluster } = probe;
  const [first, second] = [cluster.node(0).service, cluster.node(1).service];
  await cluster.during(first.addTask({ name: 'a', schedule: SELDOM, ...policies }));
  await cluster.advance(50);
  const { id } = await cluster.during(first.runTask('a'));
  await cluster.advance(50);
  return { id, other: second };
}

const during = <T>(work: Promise<T>): Promise<T> => probe.cluster.during(work);

describe('A run on another node', () => {
  afterEach(() => probe.cluster.stop());

  it('is cancelled from anywhere, within a moment', async () => {
    const { id, other } = await runOnFirst();
    const before = probe.cluster.clock.now();
    expect(await during(other.cancelRun(id, 'not needed'))).toBe(true);
    expect(probe.cluster.clock.now() - before).toBeLessThan(100);
    expect(await during(other.getRun(id))).toMatchObject({
      outcome: 'cancelled',
      nodeId: 'node-1',
      error: { message: expect.stringContaining('not needed') },
    });
    expect(await during(other.cancelRun(id))).toBe(false);
  });

  it('leaves no command behind', async () => {
    const { id, other } = await runOnFirst();
    await during(other.cancelRun(id));
    expect(probe.cluster.store.list('test/commands/', {}).entries).toEqual([]);
  });

  it('that ignores its signal is waited for as long as its grace', async () => {
    const { id, other } = await runOnFirst({ abortGrace: '2s' }, () => new Promise(() => undefined));
    const before = probe.cluster.clock.now();
    expect(await during(other.cancelRun(id))).toBe(true);
    expect(probe.cluster.clock.now() - before).toBeGreaterThanOrEqual(2_000);
    await probe.cluster.advance('1s');
    expect(await during(other.getRun(id))).toMatchObject({ outcome: 'cancelled' });
  });

  it('is not there to be cancelled when its node is dead', async () => {
    const { id, other } = await runOnFirst();
    probe.cluster.crash(probe.cluster.node(0));
    const answer = other.cancelRun(id);
    await probe.cluster.advance('30s');
    expect(await answer).toBe(false);
    expect(probe.cluster.store.list('test/commands/', {}).entries).toEqual([]);
  });

  it('is cancelled also when its node is told of nothing, or the answer is lost', async () => {
    const { id, other } = await runOnFirst();
    probe.cluster.node(1).host.cutLink('watches');
    expect(await during(other.cancelRun(id))).toBe(true);
  });

  it('unknown is not there', async () => {
    const { other } = await runOnFirst();
    expect(await during(other.cancelRun('a~nobody-1'))).toBe(false);
    expect(await during(other.cancelRun('nonsense'))).toBe(false);
    expect(await during(other.getRun('nonsense'))).toBeUndefined();
  });
});

describe('getTaskStatus', () => {
  afterEach(() => probe.cluster.stop());

  it('rejects where there is no such task', async () => {
    probe = await probedCluster({ nodes: 1 });
    const { service } = probe.cluster.node(0);
    await expect(during(service.getTaskStatus('a'))).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });
});

describe('retryRun', () => {
  afterEach(() => probe.cluster.stop());

  /** A run that failed, as it is on record. */
  async function failed(how: 'by hand' | 'by its tick'): Promise<RunRecord> {
    probe = await probedCluster({ nodes: 2 }, () => {
      if (probe.started.length === 1) throw new Error('boom');
    });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    const schedule = how === 'by hand' ? SELDOM : { cron: '*/10 * * * * *' };
    await cluster.during(service.addTask({ name: 'a', schedule, payload: { of: 'the task' } }));
    if (how === 'by hand') await cluster.during(service.runTask('a', { payload: { of: 'the run' } }));
    await cluster.clock.advanceUntil(() => probe.started.length === 1);
    await cluster.advance(100);
    const [record] = await cluster.during(service.listRuns({ task: 'a' }));
    return record as RunRecord;
  }

  it('runs it once more, on any node, with its payload', async () => {
    const record = await failed('by hand');
    const { service } = probe.cluster.node(1);
    const handle = await during(service.retryRun(record.id));
    const again = await during(handle.result());
    expect(again).toMatchObject({ outcome: 'succeeded', trigger: 'manual', again: record.id });
    expect(again.id).not.toBe(record.id);
    expect(probe.started[1]!.run.payload).toEqual({ of: 'the run' });
  });

  it('runs it for the same tick, which has its success then', async () => {
    const record = await failed('by its tick');
    const { service } = probe.cluster.node(1);
    await during((await during(service.retryRun(record.id))).result());
    expect(probe.started[1]).toMatchObject({ tick: record.tick, trigger: 'manual' });
    expect(probe.started[1]!.run.payload).toEqual({ of: 'the task' });
    const from = new Date(record.tick!);
    const plan = await during(service.backfillTask('a', { from, to: from, dryRun: true }));
    expect(plan.remaining).toEqual([]);
  });

  it('runs it also while its task is paused, as runTask does', async () => {
    const record = await failed('by its tick');
    const { service } = probe.cluster.node(1);
    await during(service.pauseTask('a'));
    const handle = await during(service.retryRun(record.id));
    expect(await during(handle.result())).toMatchObject({ outcome: 'succeeded', tick: record.tick });
  });

  it('refuses what has succeeded, goes on, or is unknown', async () => {
    const record = await failed('by hand');
    const { service } = probe.cluster.node(0);
    const again = await during((await during(service.retryRun(record.id))).result());
    await expect(during(service.retryRun(again.id))).rejects.toMatchObject({ code: 'RUN_STATE' });
    await expect(during(service.retryRun(record.id))).rejects.toThrow(`made up for by run ${again.id}`);
    await expect(during(service.retryRun('a~nobody-1'))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(during(service.retryRun('b~nobody-1'))).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });
});

describe('retryRun of one run by two at once', () => {
  afterEach(() => probe.cluster.stop());

  it.each(['skip', 'queue', 'allow'])("makes up for it once, with overlap '%s'", async (overlap) => {
    probe = await probedCluster({ nodes: 2 }, () => {
      if (probe.started.length === 1) throw new Error('boom');
    });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: SELDOM, overlap: overlap as 'queue' }));
    const { id } = await during((await during(service.runTask('a'))).result());
    const answers = await during(Promise.allSettled(cluster.nodes.map((node) => node.service.retryRun(id))));
    await cluster.advance('5s');
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = answers.find((answer) => answer.status === 'rejected')!;
    expect(refused.reason).toMatchObject({ code: 'RUN_STATE', message: expect.stringContaining(id) });
    expect(probe.started).toHaveLength(2);
  });
});

describe('retryRun that waits for a slot', () => {
  afterEach(() => probe.cluster.stop());

  it('makes up for no run that has been made up for meanwhile, whatever has run since', async () => {
    let end: () => void = () => undefined;
    probe = await probedCluster({ nodes: 2, options: { concurrency: 1 } }, ({ task }) => {
      if (task === 'full') return new Promise<void>((resolve) => (end = resolve));
      if (probe.of('a').length === 1) throw new Error('boom');
    });
    const { cluster } = probe;
    const [full, free] = [cluster.node(0).service, cluster.node(1).service];
    for (const name of ['a', 'full']) await during(full.addTask({ name, schedule: SELDOM }));
    const { id } = await during((await during(free.runTask('a'))).result());
    await during(full.runTask('full'));
    const late = full.retryRun(id);
    late.catch(() => undefined);
    await cluster.advance('1s');
    const made = await during((await during(free.retryRun(id))).result());
    await during((await during(free.runTask('a'))).result());
    end();
    await expect(during(late)).rejects.toThrow(`made up for by run ${made.id}`);
    expect(probe.of('a')).toHaveLength(3);
  });
});

describe('The result of a run that was asked for', () => {
  afterEach(() => probe.cluster.stop());

  const RETRY = { attempts: 3, delay: '20s', backoff: 'fixed' } as const;

  /** It fails at first, and waits on the first of two nodes for its next attempt. */
  async function waiting(policies: object = {}): Promise<{ result: Promise<RunRecord>; id: string }> {
    probe = await probedCluster({ nodes: 2 }, ({ attempt }) => {
      if (attempt === 1) throw new Error('boom');
    });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: SELDOM, retry: RETRY, ...policies }));
    const handle = await cluster.during(service.runTask('a'));
    const result = handle.result();
    result.catch(() => undefined);
    await cluster.advance('1s');
    return { result, id: handle.id };
  }

  it.each(['skip', 'allow'])("is how it ended on the node that went on with it, overlap '%s'", async (overlap) => {
    const { result, id } = await waiting({ overlap });
    const { host } = probe.cluster.node(0);
    host.freeze();
    await probe.cluster.advance('40s');
    host.unfreeze();
    expect(await during(result)).toMatchObject({ id, outcome: 'succeeded', attempt: 2, nodeId: 'node-2' });
  });

  it('is refused with NOT_RUNNING where its node leaves before', async () => {
    const { result, id } = await waiting();
    await during(probe.cluster.node(0).service.stop());
    await expect(during(result)).rejects.toMatchObject({ code: 'NOT_RUNNING', runId: id });
    await probe.cluster.advance('40s');
    expect(await during(probe.cluster.node(1).service.getRun(id))).toMatchObject({ outcome: 'succeeded' });
  });
});

describe('A run with a payload of its own', () => {
  afterEach(() => probe.cluster.stop());

  it('keeps it when its node dies and it is run again', async () => {
    probe = await probedCluster({ nodes: 2 }, (run) => (probe.started.length === 1 ? untilAborted(run) : undefined));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: SELDOM, recovery: 'rerun' }));
    await cluster.during(service.runTask('a', { payload: { x: 1 } }));
    await cluster.advance(50);
    cluster.crash(cluster.node(0));
    await cluster.advance('30s');
    expect(probe.started.map(({ run }) => run.payload)).toEqual([{ x: 1 }, { x: 1 }]);
  });
});
