import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { DistributedCron, NoRetryError, TaskHandler, type RunRecord, type TaskRun } from 'nestjs-distributed-schedule';
import { start, type TestApp } from './application.js';

class Busy extends Error {}

const RETRY = { attempts: 3, delay: '1ms', backoff: 'fixed' } as const;

@Injectable()
class Jobs {
  readonly attempts: number[] = [];

  @DistributedCron('0 0 1 1 *', { name: 'judged', retry: { ...RETRY, retryIf: (error) => error instanceof Busy } })
  judged(run: TaskRun<{ busy: boolean }>): void {
    this.fail(run);
  }

  @TaskHandler('asked', { retryIf: async (error, attempt) => error instanceof Busy && attempt < 2 })
  asked(run: TaskRun<{ busy: boolean }>): void {
    this.fail(run);
  }

  private fail({ attempt, payload }: TaskRun<{ busy: boolean }>): never {
    this.attempts.push(attempt);
    throw payload.busy ? new Busy('try later') : new TypeError('there is no such invoice');
  }
}

describe('retryIf', () => {
  let app: TestApp;
  afterEach(() => app.module.close());

  async function run(task: string, busy: boolean): Promise<{ attempts: number[]; record: RunRecord }> {
    app = await start({ providers: [Jobs] });
    const scheduler = app.service;
    await scheduler.addTask({ name: 'dynamic', handler: 'asked', schedule: { cron: '0 0 1 1 *' }, retry: RETRY });
    const record = await (await scheduler.runTask(task, { payload: { busy } })).result();
    return { attempts: app.module.get(Jobs).attempts, record };
  }

  it('tries again what it says yes to, as often as the task allows', async () => {
    const { attempts, record } = await run('judged', true);
    expect(attempts).toEqual([1, 2, 3]);
    expect(record).toMatchObject({ outcome: 'failed', error: { message: 'try later' } });
  });

  it('ends the run with what it says no to, under its own name', async () => {
    const { attempts, record } = await run('judged', false);
    expect(attempts).toEqual([1]);
    expect(record.error).toMatchObject({ name: 'TypeError', message: 'there is no such invoice' });
    expect(record.error!.stack).toContain('retry-if.spec');
  });

  it('may stand with the handler of dynamic tasks, and be asynchronous', async () => {
    const { attempts } = await run('dynamic', true);
    expect(attempts).toEqual([1, 2]);
  });

  it('cannot be stored with a dynamic task', async () => {
    app = await start({ providers: [Jobs] });
    const scheduler = app.service;
    const task = { name: 'x', schedule: 'now', retry: { ...RETRY, retryIf: () => true } } as const;
    await expect(scheduler.addTask(task)).rejects.toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringContaining(NoRetryError.name),
    });
  });
});
