import { afterEach, describe, expect, it } from '@jest/globals';
import { NoRetryError } from '../../lib/core/common/errors.js';
import type { RunRecord } from '../../lib/core/common/run.js';
import type { TaskMiddleware } from '../../lib/core/execution/middleware.js';
import type { RetryIf } from '../../lib/core/execution/retry-if.js';
import type { Handler, TaskRun } from '../../lib/core/execution/task-run.js';
import { probedCluster, type ProbedCluster, untilAborted } from '../support/probe.js';

class Fatal extends Error {}

let probe: ProbedCluster;
/** What `retryIf` was asked about. */
let asked: { error: unknown; attempt: number }[];
let attempts: number[];
let errors: string[];

interface Story {
  run: Handler;
  retryIf: RetryIf;
  timeout?: `${number}s`;
  middleware?: TaskMiddleware;
}

/** One run of a task with three attempts, to its end. */
async function play({ run, retryIf, timeout, middleware }: Story): Promise<RunRecord> {
  [asked, attempts, errors] = [[], [], []];
  const logger = { log() {}, debug() {}, warn() {}, error: (message: string) => void errors.push(message) };
  probe = await probedCluster({ nodes: 1, logger });
  const { cluster } = probe;
  const { service, scheduler } = cluster.node(0);
  if (middleware) scheduler.handlers.use(middleware);
  await cluster.during(
    service.defineTask({
      name: 'a',
      schedule: { cron: '0 0 1 1 *' },
      retry: {
        attempts: 3,
        delay: '1s',
        backoff: 'fixed',
        retryIf: (error, attempt) => {
          asked.push({ error, attempt });
          return retryIf(error, attempt);
        },
      },
      ...(timeout && { timeout }),
      run: (given) => {
        attempts.push(given.attempt);
        return run(given);
      },
    }),
  );
  const handle = await cluster.during(service.runTask('a'));
  return cluster.during(handle.result());
}

const fatally = (): never => {
  throw new Fatal('no');
};

describe('retryIf', () => {
  afterEach(() => probe.cluster.stop());

  it('is asked after each attempt that another one could follow, and not after the last', async () => {
    await play({ run: fatally, retryIf: () => true });
    expect(attempts).toEqual([1, 2, 3]);
    expect(asked.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('judges an attempt that timed out too', async () => {
    const record = await play({ run: untilAborted, retryIf: () => false, timeout: '2s' });
    expect(attempts).toEqual([1]);
    expect(asked).toEqual([{ error: expect.objectContaining({ code: 'RUN_TIMEOUT' }), attempt: 1 }]);
    expect(record.outcome).toBe('timed-out');
  });

  it('leaves the error as it is for the middleware of the module', async () => {
    const seen: unknown[] = [];
    const watching: TaskMiddleware = async (_run, next) => {
      try {
        return await next();
      } catch (error) {
        seen.push(error);
        throw error;
      }
    };
    await play({ run: fatally, retryIf: () => false, middleware: watching });
    expect(seen).toEqual([expect.any(Fatal)]);
  });

  it('judges what the middleware of the module makes of an error', async () => {
    const mapping: TaskMiddleware = async (_run, next) => {
      try {
        return await next();
      } catch (error) {
        throw new Fatal('mapped', { cause: error });
      }
    };
    const run = (): never => {
      throw new Error('no');
    };
    const record = await play({ run, retryIf: (error) => !(error instanceof Fatal), middleware: mapping });
    expect(attempts).toEqual([1]);
    expect(record).toMatchObject({ outcome: 'failed', error: { message: 'mapped' } });
  });

  it('is not asked about a NoRetryError', async () => {
    const run = (): never => {
      throw new NoRetryError('never');
    };
    const record = await play({ run, retryIf: () => true });
    expect([attempts, asked]).toEqual([[1], []]);
    expect(record.error).toMatchObject({ name: 'NoRetryError', message: 'never' });
  });

  it('that fails itself is logged and ends the run with the error of its handler', async () => {
    const retryIf = (): never => {
      throw new TypeError('the judge is wrong');
    };
    const record = await play({ run: fatally, retryIf });
    expect(attempts).toEqual([1]);
    expect(record).toMatchObject({ outcome: 'failed', error: { message: 'no' } });
    expect(errors).toContainEqual(expect.stringContaining('the judge is wrong'));
  });

  it('does not make another attempt of a run that was told to end while it was asked', async () => {
    const { cluster } = (probe = await probedCluster({ nodes: 1 }));
    const { service } = cluster.node(0);
    const made: TaskRun[] = [];
    let isAsked!: () => void;
    let answer!: (value: boolean) => void;
    const asking = new Promise<void>((resolve) => (isAsked = resolve));
    const retryIf = (): Promise<boolean> => new Promise((resolve) => (isAsked(), (answer = resolve)));
    await cluster.during(
      service.defineTask({
        name: 'a',
        schedule: { cron: '0 0 1 1 *' },
        retry: { attempts: 3, delay: '1s', backoff: 'fixed', retryIf },
        run: (run) => (made.push(run), fatally()),
      }),
    );
    const handle = await cluster.during(service.runTask('a'));
    await cluster.during(asking);
    const cancelled = service.cancelRun(handle.id);
    await cluster.clock.advanceUntil(() => made[0]!.signal.aborted);
    answer(true);
    expect(await cluster.during(cancelled)).toBe(true);
    expect((await cluster.during(handle.result())).outcome).toBe('cancelled');
    expect(made).toHaveLength(1);
  });
});
