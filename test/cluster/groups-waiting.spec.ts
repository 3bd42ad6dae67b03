import { afterEach, describe, expect, it } from '@jest/globals';
import type { DistributedScheduleError } from '../../lib/core/common/errors.js';
import { forMs, groupOf } from '../support/groups.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;

const YEARLY = { cron: '0 0 1 1 *' };

async function add(name: string, policies: object, schedule: object | 'now' = 'now'): Promise<void> {
  const { cluster } = probe;
  await cluster.during(cluster.node(0).service.addTask({ name, schedule: schedule as 'now', ...policies }));
}

function fail(): never {
  throw new Error('boom');
}

/** What the promise comes to: `'done'`, or the code of its error; once it has. */
function watched(work: Promise<unknown>): { said?: string } {
  const seen: { said?: string } = {};
  work.then(
    () => (seen.said = 'done'),
    (error: DistributedScheduleError) => (seen.said = error.code),
  );
  return seen;
}

/** So many tasks of one group that tick at one instant. @returns the errors that were logged */
async function crowd(size: number, limits: object, policies: object): Promise<string[]> {
  const errors: string[] = [];
  const note = (message: string): void => void errors.push(message);
  const logger = { log() {}, debug() {}, warn() {}, error: note };
  probe = await probedCluster({ nodes: 1, options: { groups: { mail: limits } }, logger });
  const at = new Date(probe.cluster.clock.now() + 30_000);
  for (let i = 0; i < size; i++) await add(`t${i}`, { group: 'mail', ...policies }, { at });
  return errors;
}

describe('Many runs of one group at once', () => {
  afterEach(() => probe.cluster.stop());

  it('take their room in few writes: those that are asked for', async () => {
    const options = { groups: { mail: { concurrency: 1_000 } } };
    probe = await probedCluster({ nodes: 1, options }, (run) => forMs(probe, 1_000, run));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await add('a', { group: 'mail', overlap: 'allow' }, YEARLY);
    const asked = Promise.allSettled(Array.from({ length: 150 }, () => service.runTask('a')));
    const answers = await cluster.during(asked);
    expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
    await cluster.advance('30s');
    expect(probe.started).toHaveLength(150);
    expect(groupOf(probe).holders).toEqual([]);
  });

  it('take their room in few writes: those that tick at one instant', async () => {
    const errors = await crowd(300, { concurrency: 1_000 }, {});
    await probe.cluster.advance('1m');
    expect(errors).toEqual([]);
    expect(probe.started).toHaveLength(300);
    expect(Math.max(...probe.started.map(({ at, tick }) => at - tick!))).toBeLessThan(1_000);
  });

  it('do not all ask again for each start that their rate allows', async () => {
    const errors = await crowd(300, { rate: { limit: 10, perMs: 10_000 } }, { misfireDeadline: '1h' });
    await probe.cluster.advance('20s');
    const { host } = probe.cluster.node(0);
    const before = host.calls;
    await probe.cluster.advance('6m');
    expect(errors).toEqual([]);
    expect(probe.started).toHaveLength(300);
    expect((host.calls - before) / 300).toBeLessThan(10);
  });
});

describe('Who waits for room', () => {
  afterEach(() => probe.cluster.stop());

  it('keeps its place among those of higher priority, and gets its turn', async () => {
    const options = { groups: { mail: { concurrency: 1 } } };
    probe = await probedCluster({ nodes: 1, options }, (run) => forMs(probe, 9_000, run));
    for (let i = 0; i < 4; i++)
      await add(`high${i}`, { group: 'mail', priority: 1, misfireDeadline: '1h' }, { every: '20s' });
    const at = new Date(probe.cluster.clock.now() + 21_000);
    await add('low', { group: 'mail', misfireDeadline: '1h' }, { at });
    await probe.cluster.advance('5m');
    expect(probe.of('low')).toHaveLength(1);
  });

  it('holds no slot meanwhile: tasks outside the group run', async () => {
    const options = { concurrency: 2, groups: { mail: { concurrency: 1 } } };
    probe = await probedCluster({ nodes: 1, options }, (run) => forMs(probe, run.task === 'b' ? 600_000 : 1_000, run));
    const { cluster } = probe;
    await add('b', { group: 'mail' });
    await cluster.advance('2s');
    await add('a', { group: 'mail' }, YEARLY);
    const asked = watched(cluster.node(0).service.runTask('a', { timeout: '1m' }));
    await cluster.advance('1s');
    await add('c', {});
    await cluster.advance('2s');
    expect(probe.of('c')).toHaveLength(1);
    await cluster.advance('1m');
    expect(asked.said).toBe('RUN_TIMEOUT');
  });

  it('for a slot of a full node holds no room, and waits as long as it was given', async () => {
    const options = { concurrency: 1, groups: { mail: { concurrency: 1 } } };
    const ms = (task: string): number => (task === 'busy' ? 600_000 : 1_000);
    probe = await probedCluster({ nodes: 2, options }, (run) => forMs(probe, ms(run.task), run));
    const { cluster } = probe;
    await add('busy', {});
    await cluster.advance('3s');
    const full = cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    const other = cluster.nodes.find((node) => node !== full)!;
    await add('a', { group: 'mail' }, YEARLY);
    const asked = watched(full.service.runTask('a', { timeout: '5s' }));
    await cluster.advance('1s');
    expect(groupOf(probe).holders).toEqual([]);
    const elsewhere = other.service.runTask('a', { timeout: '5s' }).then((handle) => handle.result());
    await expect(cluster.during(elsewhere)).resolves.toMatchObject({ outcome: 'succeeded' });
    await cluster.advance('5s');
    expect(asked.said).toBe('RUN_TIMEOUT');
  });

  it('with a run that waits for another attempt is cancelled at once, and is not told of as stuck', async () => {
    const told: string[] = [];
    const options = { groups: { mail: { concurrency: 1 } } };
    probe = await probedCluster({ nodes: 1, options }, (run) =>
      run.task === 'a' ? fail() : forMs(probe, 600_000, run),
    );
    const { cluster } = probe;
    const { service } = cluster.node(0);
    service.events$.subscribe(({ type }) => void told.push(type));
    await add('a', { group: 'mail', abortGrace: '1s', retry: { attempts: 3, delay: '10s', backoff: 'fixed' } });
    await cluster.advance('3s');
    await add('b', { group: 'mail' });
    await cluster.advance('12s');
    const began = cluster.clock.now();
    const { id } = probe.of('a')[0]!.run;
    await expect(cluster.during(service.cancelRun(id))).resolves.toBe(true);
    expect(cluster.clock.now() - began).toBeLessThan(500);
    const record = await cluster.during(service.getRun(id));
    expect(record).toMatchObject({ outcome: 'cancelled' });
    await cluster.advance('6s');
    expect(told).not.toContain('run.stuck');
    expect(groupOf(probe).holders).toHaveLength(1);
  });

  it('is told NOT_RUNNING at once when its node stops', async () => {
    const options = { groups: { mail: { concurrency: 1 } } };
    probe = await probedCluster({ nodes: 2, options }, (run) => forMs(probe, 600_000, run));
    const { cluster } = probe;
    await add('b', { group: 'mail' });
    await cluster.advance('3s');
    await add('a', { group: 'mail' }, YEARLY);
    const node = cluster.node(0);
    const asked = watched(node.service.runTask('a'));
    await cluster.advance('1s');
    expect(asked.said).toBeUndefined();
    const stopped = node.service.stop();
    await cluster.advance(10);
    expect(asked.said).toBe('NOT_RUNNING');
    await cluster.during(stopped);
  });

  it('for a slot, to go on with the run of a dead node, starts nothing on a node that leaves', async () => {
    const ms = (task: string): number => (task === 'busy' ? 40_000 : 20_000);
    probe = await probedCluster({ nodes: 2, options: { concurrency: 1 } }, (run) => forMs(probe, ms(run.task), run));
    const { cluster } = probe;
    await add('busy', {});
    await cluster.advance('1s');
    const full = cluster.nodes.find(({ id }) => id === probe.started[0]!.node)!;
    const other = cluster.nodes.find((one) => one !== full)!;
    await add('a', { recovery: 'rerun' }, YEARLY);
    await cluster.during(other.service.runTask('a'));
    await cluster.advance('2s');
    cluster.crash(other);
    await cluster.advance('15s');
    await cluster.during(full.service.stop());
    await cluster.advance('1s');
    expect(probe.of('a').map(({ node, attempt }) => [node, attempt])).toEqual([[other.id, 1]]);
  });
});
