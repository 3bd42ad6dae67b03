import { Injectable, Scope, type Type } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { z } from 'zod';
import {
  InjectTaskRun,
  InvalidPayloadError,
  MemoryRegistry,
  MemoryStore,
  NoRetryError,
  TaskHandler,
  type PayloadSchema,
  type TaskMiddleware,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { systemClock } from '../../lib/core/common/clock.js';
import { event, refusal, start, type TestApp } from './application.js';

const Report = z.object({
  tenant: z.string(),
  pages: z.number().int().default(1),
  on: z.iso.datetime().transform((text) => new Date(text)),
  items: z.array(z.object({ id: z.number() })).default([]),
});
type Report = z.output<typeof Report>;

@Injectable()
class Reports {
  @TaskHandler('zod', { payload: Report })
  zod({ payload }: TaskRun<Report>) {
    return { tenant: payload.tenant, pages: payload.pages, isDate: payload.on instanceof Date };
  }

  @TaskHandler('valibot', { payload: v.pipe(v.string(), v.toUpperCase()) })
  valibot({ payload }: TaskRun<string>) {
    return payload;
  }

  @TaskHandler('slow', {
    payload: z.string().refine(async (text) => (await Promise.resolve(text)) !== 'no', 'says no'),
  })
  slow({ payload }: TaskRun<string>) {
    return payload;
  }
}

const on = '2030-01-01T00:00:00Z';

async function resultOf(app: TestApp, handler: string, payload: unknown): Promise<unknown> {
  const name = `${handler}-${Math.random()}`;
  const done = event(app, 'run.succeeded', name);
  await app.service.addTask({ name, handler, schedule: 'now', payload });
  return (await done).result;
}

describe('a handler with a schema', () => {
  it('gets what the schema makes of the payload: zod, valibot, and one that takes its time', async () => {
    await using app = await start({ providers: [Reports] });
    expect(await resultOf(app, 'zod', { tenant: 'acme', on })).toEqual({ tenant: 'acme', pages: 1, isDate: true });
    expect(await resultOf(app, 'valibot', 'acme')).toBe('ACME');
    expect(await resultOf(app, 'slow', 'yes')).toBe('yes');
  });

  it('and an instance of its own for each run finds the same payload in the run that is injected', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRun {
      constructor(@InjectTaskRun() private readonly run: TaskRun<string>) {}

      @TaskHandler('per-run', { payload: v.pipe(v.string(), v.toUpperCase()) })
      work() {
        return this.run.payload;
      }
    }
    await using app = await start({ providers: [PerRun] });
    expect(await resultOf(app, 'per-run', 'acme')).toBe('ACME');
  });

  it('may be the default handler, and leaves the payloads of others alone', async () => {
    @Injectable()
    class Any {
      @TaskHandler(undefined, { payload: z.object({ any: z.boolean() }) })
      any({ payload }: TaskRun<{ any: boolean }>) {
        return payload;
      }

      @TaskHandler('free', {})
      free({ payload }: TaskRun) {
        return payload;
      }
    }
    await using app = await start({ providers: [Any] });
    expect(await resultOf(app, 'whatever', { any: true, more: 1 })).toEqual({ any: true });
    expect(await resultOf(app, 'free', 7)).toBe(7);
    expect((await refusal(app.service.addTask({ name: 'x', schedule: 'now' }))).message).toMatchSnapshot();
  });
});

describe('a payload that does not fit', () => {
  const bad = { tenant: 5, on: 'tomorrow', items: [{ id: 1 }, { id: 'two' }] };

  it('is refused at once by the node that has the handler: addTask, putTask, runTask', async () => {
    await using app = await start({ providers: [Reports] });
    const task = { name: 'report', handler: 'zod', schedule: { cron: '0 0 1 1 *' } };
    for (const work of [
      app.service.addTask({ ...task, payload: bad }),
      app.service.putTask({ ...task, payload: bad }),
      app.service.addTask({ name: 'no', handler: 'slow', schedule: 'now', payload: 'no' }),
    ])
      expect(await refusal(work)).toMatchObject({ code: 'INVALID_TASK', message: expect.stringContaining('payload') });
    expect((await refusal(app.service.addTask({ ...task, payload: bad }))).message).toMatchSnapshot();
    expect(app.service.listTasks()).toEqual([]);

    await app.service.addTask({ ...task, payload: { tenant: 'acme', on } });
    const { code, message } = await refusal(app.service.runTask('report', { payload: { tenant: 'acme' } }));
    expect([code, message]).toEqual(['INVALID_TASK', expect.stringContaining('payload.on')]);
    const run = await app.service.runTask('report', { payload: { tenant: 'other', on } });
    expect((await run.result()).result).toMatchObject({ tenant: 'other' });
    expect((await (await app.service.runTask('report')).result()).result).toMatchObject({ tenant: 'acme' });
  });

  it('fails the run before the handler, without another attempt, where it was added elsewhere', async () => {
    const calls: unknown[] = [];
    @Injectable()
    class Strict {
      @TaskHandler('work', { payload: Report })
      work(run: TaskRun<Report>) {
        calls.push(run);
      }
    }
    const registry = (store: MemoryStore) => new MemoryRegistry({ store });
    const store = new MemoryStore(systemClock);
    await using worker = await start({ providers: [Strict] }, { registry: registry(store) });
    await using other = await start({}, { registry: registry(store), node: { role: 'observer' } });
    const failed = event(worker, 'run.failed', 'report');
    await other.service.addTask({
      name: 'report',
      handler: 'work',
      schedule: 'now',
      payload: bad,
      retry: { attempts: 5, delay: 1 },
    });
    const { error, attempt } = await failed;
    expect({ name: error?.name, message: error?.message, attempt, calls }).toMatchSnapshot();
  });

  it('is an error that middleware around the handler sees, with the payload as it was', async () => {
    const seen: unknown[] = [];
    const watch: TaskMiddleware = async (run, next) => {
      try {
        return await next();
      } catch (error) {
        seen.push(run.payload, error);
        throw error;
      }
    };
    const store = new MemoryStore(systemClock);
    const registry = () => new MemoryRegistry({ store });
    await using worker = await start({ providers: [Reports] }, { registry: registry(), middleware: [watch] });
    await using other = await start({}, { registry: registry(), node: { role: 'observer' } });
    const failed = event(worker, 'run.failed', 'report');
    await other.service.addTask({ name: 'report', handler: 'valibot', schedule: 'now', payload: 5 });
    await failed;
    expect(seen[0]).toBe(5);
    expect(seen[1]).toBeInstanceOf(InvalidPayloadError);
    expect(seen[1]).toBeInstanceOf(NoRetryError);
    expect(seen[1]).toMatchObject({ code: 'INVALID_PAYLOAD', problems: [expect.stringMatching(/^payload: /)] });
  });
});

it('a handler that throws NoRetryError is not called again', async () => {
  let calls = 0;
  @Injectable()
  class Work {
    @TaskHandler('work')
    work() {
      calls++;
      throw new NoRetryError('there is no such invoice');
    }
  }
  await using app = await start({ providers: [Work] });
  const failed = event(app, 'run.failed', 'task');
  await app.service.addTask({ name: 'task', handler: 'work', schedule: 'now', retry: { attempts: 5, delay: 1 } });
  expect((await failed).error).toMatchObject({ name: 'NoRetryError', message: 'there is no such invoice' });
  expect(calls).toBe(1);
});

it('what is no schema, and options that do not exist, keep the application from starting', async () => {
  @Injectable()
  class Bad {
    @TaskHandler('object', { payload: { tenant: 'string' } as unknown as PayloadSchema })
    object() {}

    @TaskHandler('misspelt', { payloads: Report } as object)
    misspelt() {}
  }
  expect((await refusal(start({ providers: [Bad as Type] }))).message).toMatchSnapshot();
});
