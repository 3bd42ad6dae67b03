import { afterEach, describe, expect, it } from '@jest/globals';
import { DistributedScheduleError } from '../../lib/core/common/errors.js';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { SchedulerEvent } from '../../lib/core/events/scheduler-events.js';
import type { TaskRun } from '../../lib/core/execution/task-run.js';
import { MAX_LOG_BYTES, MAX_LOG_LINES } from '../../lib/core/execution/run-notes.js';
import { probedCluster, type ProbedCluster } from '../support/probe.js';

let probe: ProbedCluster;

async function recordOf(work: (run: TaskRun) => unknown): Promise<RunRecord> {
  probe = await probedCluster({ nodes: 1 }, work);
  const { cluster } = probe;
  const { service } = cluster.node(0);
  await cluster.during(service.addTask({ name: 'a', schedule: 'now' }));
  await cluster.advance('2s');
  const [record] = await cluster.during(service.listRuns({ task: 'a' }));
  return record as RunRecord;
}

describe('What a run tells', () => {
  afterEach(() => probe.cluster.stop());

  it('stands in its record: its lines, with data, and how far it came', async () => {
    const record = await recordOf((run) => {
      run.log('began');
      run.progress(30, 'half of the invoices');
      run.log('charged', { invoice: 7, error: new Error('no') });
      run.progress(66.66);
    });
    expect(record.logs).toEqual([
      { at: record.startedAt, message: 'began' },
      { at: record.startedAt, message: 'charged', data: { invoice: 7, error: {} } },
    ]);
    expect(record.progress).toEqual({ at: record.startedAt, percent: 66.7 });
    expect(record.logsDropped).toBeUndefined();
  });

  it('is limited: the last lines are kept, and how many are not is told', async () => {
    const many = await recordOf((run) => {
      for (let i = 0; i < 250; i++) run.log(`line ${i}`);
    });
    expect(many.logs).toHaveLength(MAX_LOG_LINES);
    expect(many.logs!.at(-1)!.message).toBe('line 249');
    expect(many.logsDropped).toBe(150);
    await probe.cluster.stop();
    const long = await recordOf((run) => {
      for (let i = 0; i < 100; i++) run.log('x'.repeat(10_000), { text: 'y'.repeat(1_500) });
      run.log('circular', circular());
    });
    expect(Buffer.byteLength(JSON.stringify(long.logs))).toBeLessThanOrEqual(MAX_LOG_BYTES + 500);
    expect(long.logs!.at(-1)).toMatchObject({ message: 'circular', data: expect.stringContaining('not kept') });
    expect(long.logs![0]!.message.length).toBeLessThanOrEqual(501);
  });

  it('is kept as far as it can be read: BigInts as text, objects as JSON', async () => {
    const record = await recordOf((run) => {
      run.log('x', { token: run.fencingToken, n: 5n });
      const wrong = run as unknown as Record<'log' | 'progress', (...given: unknown[]) => void>;
      wrong.log({ invoice: 7n, lines: [1] });
      wrong.log(new Error('no'));
      wrong.progress(50, {});
      return { n: 5n };
    });
    expect(record.logs).toMatchObject([
      { message: 'x', data: { token: record.token, n: '5' } },
      { message: '{"invoice":"7","lines":[1]}' },
      { message: 'Error: no' },
    ]);
    expect(record.progress).toMatchObject({ percent: 50, note: '{}' });
    expect(record.result).toEqual({ n: '5' });
  });

  it.each<[unknown, number]>([
    [150, 100],
    [-5, 0],
    [Number.NaN, 30],
    [Number.POSITIVE_INFINITY, 30],
    ['half', 30],
    [undefined, 30],
  ])('progress of %p after 30 is %p', async (percent, shown) => {
    const record = await recordOf((run) => {
      run.progress(30);
      run.progress(percent as number, 'note');
    });
    expect(record).toMatchObject({ outcome: 'succeeded', progress: { percent: shown, note: 'note' } });
  });

  it.each<[string, unknown, string | undefined]>([
    ['as text', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['as a number', Object.assign(new Error('duplicate'), { code: 11_000 }), undefined],
    ['without end', Object.assign(new Error('long'), { code: 'X'.repeat(5_000) }), 'X'.repeat(100)],
    ['of the library', new DistributedScheduleError('TASK_NOT_FOUND', 'no task'), 'TASK_NOT_FOUND'],
    ['of nothing', 'thrown text', undefined],
  ])('an error has its code: %s', async (_what, thrown, code) => {
    const record = await recordOf(() => {
      throw thrown;
    });
    expect(record.outcome).toBe('failed');
    expect(record.error?.code).toBe(code);
  });

  it('outlasts a failure', async () => {
    const record = await recordOf((run) => {
      run.log('about to fail');
      run.progress(Number.NaN);
      throw new Error('boom');
    });
    expect(record).toMatchObject({ outcome: 'failed', logs: [{ message: 'about to fail' }], progress: { percent: 0 } });
  });

  it('is told as events', async () => {
    const events: SchedulerEvent[] = [];
    probe = await probedCluster({ nodes: 1 }, (run) => {
      run.log('began', { x: 1 });
      run.progress(50);
    });
    const { cluster } = probe;
    const { service } = cluster.node(0);
    service.runEvents$.subscribe((event) => events.push(event));
    await cluster.during(service.addTask({ name: 'a', schedule: 'now' }));
    await cluster.advance('1s');
    expect(events.map(({ type }) => type)).toEqual(['run.started', 'run.log', 'run.progress', 'run.succeeded']);
    expect(events[1]!.data).toMatchObject({ task: 'a', message: 'began', data: { x: 1 } });
  });

  it('is seen from other nodes while the run goes on, in few writes, and is gone afterwards', async () => {
    let end: () => void = () => undefined;
    probe = await probedCluster({ nodes: 2 }, async (run) => {
      for (let percent = 0; percent <= 50; percent++) run.progress(percent, `step ${percent}`);
      await new Promise<void>((resolve) => (end = resolve));
    });
    const { cluster } = probe;
    const [first, second] = [cluster.node(0).service, cluster.node(1).service];
    await cluster.during(first.addTask({ name: 'a', schedule: { cron: '0 0 1 1 *' } }));
    await cluster.advance(50);
    await cluster.during(first.runTask('a'));
    const { store } = cluster;
    const written = (): number => store.list('test/progress/', {}).entries.length;
    await cluster.advance('1500ms');
    const { running } = await cluster.during(second.getTaskStatus('a'));
    expect(running).toMatchObject([{ nodeId: 'node-1', progress: { percent: 50, note: 'step 50' } }]);
    expect(first.listRunning()).toMatchObject([{ progress: { percent: 50 } }]);
    expect(written()).toBe(1);
    end();
    await cluster.advance('2s');
    expect(written()).toBe(0);
    expect((await cluster.during(second.getTaskStatus('a'))).running).toEqual([]);
  });

  it('is told to nobody but the log of the application once the run is over', async () => {
    const late: TaskRun[] = [];
    const events: string[] = [];
    const logged: string[] = [];
    const logger = { log: (what: string) => void logged.push(what), warn() {}, error() {}, debug() {} };
    probe = await probedCluster({ nodes: 1, options: { logger } }, (run) => void late.push(run));
    const { cluster } = probe;
    const { service } = cluster.node(0);
    await cluster.during(service.addTask({ name: 'a', schedule: 'now' }));
    await cluster.advance('2s');
    service.runEvents$.subscribe(({ type }) => events.push(type));
    late[0]!.progress(50);
    late[0]!.log('too late');
    await cluster.advance('1m');
    expect(cluster.store.list('test/progress/', {}).entries).toEqual([]);
    expect(events).toEqual([]);
    expect(logged).toContain('too late');
  });
});

function circular(): unknown {
  const object: { self?: unknown } = {};
  object.self = object;
  return object;
}
