import { describe, expect, it } from '@jest/globals';
import type { Handler, TaskRun } from '../../../lib/core/execution/task-run.js';
import type { LogEntry } from '../../../lib/testing/checker/log.js';
import { witnessed } from '../../../lib/testing/checker/witness.js';

const TICK = new Date('2030-01-01T00:01:00Z');

/** A call of a witnessed handler, and everything that happened about it in order. */
function callOf(handler: Handler, change: Partial<TaskRun> = {}, without: readonly (keyof TaskRun)[] = []) {
  const abort = new AbortController();
  const told: LogEntry[] = [];
  const order: string[] = [];
  const run: TaskRun = {
    id: 'run-1',
    task: 'report',
    unit: 'report#2',
    tick: TICK,
    startedAt: TICK,
    attempt: 2,
    trigger: 'schedule',
    nodeId: 'node-1',
    fencingToken: 2n ** 60n,
    signal: abort.signal,
    payload: { to: 'all' },
    log: () => undefined,
    progress: () => undefined,
    ...change,
  };
  for (const name of without) delete (run as Partial<TaskRun>)[name];
  const tell = (entry: LogEntry): void => {
    told.push(entry);
    order.push(entry.type);
  };
  let now = 0;
  const noted: Handler = (given) => {
    order.push('handler');
    return handler(given);
  };
  const result = witnessed(noted, { process: 'p1', tell, now: () => ++now })(run) as Promise<unknown>;
  return { result, told, order, abort, run };
}

const CALL = { process: 'p1', task: 'report', runId: 'run-1', attempt: 2 };

describe('a witnessed handler', () => {
  it('returns what the handler returns, and hands it its run', async () => {
    const seen: unknown[] = [];
    const { result, run } = callOf((given) => {
      seen.push(given);
      return { sent: 3 };
    });
    await expect(result).resolves.toEqual({ sent: 3 });
    expect(seen).toEqual([run]);
  });

  it('tells the start before the handler does anything, and the end when it has returned', async () => {
    const { result, told, order } = callOf(async () => Promise.resolve());
    expect(order).toEqual(['start', 'handler']);
    await result;
    expect(told).toEqual([
      {
        type: 'start',
        at: 1,
        ...CALL,
        unit: 'report#2',
        trigger: 'schedule',
        tick: TICK.getTime(),
        token: '1152921504606846976',
      },
      { type: 'end', at: 2, ...CALL, how: 'returned' },
    ]);
  });

  it.each<[string, Handler]>([
    [
      'throws',
      () => {
        throw new RangeError('no');
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('no'))],
  ])('lets through that the handler %s', async (_how, handler) => {
    const { result, told } = callOf(handler);
    await expect(result).rejects.toThrow(RangeError);
    expect(told.at(-1)).toEqual({ type: 'end', at: 2, ...CALL, how: 'threw' });
  });

  it('tells of the abort as it happens, once', async () => {
    const { result, told, order, abort } = callOf(
      ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('over')))),
    );
    abort.abort();
    expect(order).toEqual(['start', 'handler', 'abort']);
    await expect(result).rejects.toThrow('over');
    expect(told.slice(1)).toEqual([
      { type: 'abort', at: 2, ...CALL },
      { type: 'end', at: 3, ...CALL, how: 'threw' },
    ]);
  });

  it('tells of no abort that comes after the end', async () => {
    const { result, order, abort } = callOf(() => undefined);
    await result;
    abort.abort();
    expect(order).toEqual(['start', 'handler', 'end']);
  });

  it('tells of no tick where none stands behind the run', async () => {
    const { result, told } = callOf(() => undefined, { trigger: 'manual' }, ['tick']);
    await result;
    expect(told[0]).toMatchObject({ type: 'start', trigger: 'manual' });
    expect(told[0]).not.toHaveProperty('tick');
  });
});
