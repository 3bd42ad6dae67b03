import { Injectable, Scope } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { defer, of, throwError } from 'rxjs';
import {
  DistributedTimeout,
  OnTaskError,
  TaskHandler,
  type RunError,
  type RunRecord,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { compile, event, initAndHear, start } from './application.js';

describe('a handler that throws', () => {
  @Injectable()
  class Failing {
    @TaskHandler('sync')
    sync() {
      throw new TypeError('sync');
    }

    @TaskHandler('async')
    async async() {
      throw new Error('async');
    }

    @TaskHandler('text')
    text() {
      throw 'a text'; // oxlint-disable-line no-throw-literal
    }

    @TaskHandler('nothing')
    async nothing() {
      throw undefined; // oxlint-disable-line no-throw-literal
    }

    @TaskHandler('observable')
    observable() {
      return throwError(() => new Error('observable'));
    }

    @TaskHandler('fine')
    fine() {
      return defer(() => of('first', 'last'));
    }
  }

  it.each([
    ['sync', { name: 'TypeError', message: 'sync' }],
    ['async', { name: 'Error', message: 'async' }],
    ['text', { message: 'a text' }],
    ['nothing', { message: 'undefined' }],
    ['observable', { message: 'observable' }],
  ])('%s: the run is recorded as failed, and the node goes on', async (handler, error) => {
    await using app = await start({ providers: [Failing] });
    const failed = event(app, 'run.failed', 'bad');
    await app.service.addTask({ name: 'bad', handler, schedule: 'now' });
    expect(await failed).toMatchObject({ outcome: 'failed', error });
    expect(app.logs.own('error')).toEqual([`Task "bad" failed: ${error.message}`]);
    const done = event(app, 'run.succeeded', 'good');
    await app.service.addTask({ name: 'good', handler: 'fine', schedule: 'now' });
    expect((await done).result).toBe('last');
  });
});

describe('@OnTaskError', () => {
  const told: [RunError, RunRecord][] = [];

  @Injectable()
  class Alerts {
    @OnTaskError()
    alert(error: RunError, run: RunRecord) {
      told.push([error, run]);
    }

    @OnTaskError()
    alsoFails() {
      throw new Error('no mail server');
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class AlertsPerRun {
    private calls = 0;

    @OnTaskError()
    async alert(error: RunError) {
      told.push([{ name: 'calls', message: String(++this.calls) }, { error } as RunRecord]);
    }
  }

  @Injectable()
  class Failing {
    @DistributedTimeout(1, { name: 'fails', retry: { attempts: 2, delay: 1, backoff: 'fixed' } })
    fails() {
      throw new Error('broken');
    }

    @TaskHandler('slow')
    slow({ signal }: TaskRun) {
      return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    }

    @TaskHandler('fine')
    fine() {}
  }

  it('is told once of each run that failed or timed out, and of no other', async () => {
    told.length = 0;
    await using app = await compile({ providers: [Failing, Alerts] }, {});
    await initAndHear(app, 'run.failed', 'fails');
    const timedOut = event(app, 'run.timed-out', 'slow');
    await app.service.addTask({ name: 'slow', schedule: 'now', timeout: 5 });
    await timedOut;
    const done = event(app, 'run.succeeded', 'fine');
    await app.service.addTask({ name: 'fine', schedule: 'now' });
    await done;
    expect(
      told.map(([error, run]) => [error.message.replace(/^Run \S+/, 'Run'), run.task, run.outcome, run.attempt]),
    ).toEqual([
      ['broken', 'fails', 'failed', 2],
      ['Run of task "slow" took longer than its timeout of 5 ms', 'slow', 'timed-out', 1],
    ]);
  });

  it('logs what a listener throws, naming it', async () => {
    await using app = await compile({ providers: [Failing, Alerts] }, {});
    await initAndHear(app, 'run.failed', 'fails');
    expect(app.logs.own('error')).toContain('Alerts.alsoFails (@OnTaskError) failed itself: no mail server');
  });

  it('on a request-scoped provider gets a new instance for each call', async () => {
    told.length = 0;
    await using app = await compile({ providers: [Failing, AlertsPerRun] }, {});
    await initAndHear(app, 'run.failed', 'fails');
    const timedOut = event(app, 'run.timed-out', 'slow');
    await app.service.addTask({ name: 'slow', schedule: 'now', timeout: 5 });
    await timedOut;
    await app.module.close();
    expect(told.map(([{ message }]) => message)).toEqual(['1', '1']);
  });
});
