import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import {
  currentTaskRun,
  DistributedScheduleModule,
  DistributedTimeout,
  OnTaskError,
  InjectTaskRun,
  TaskHandler,
  UseTaskMiddleware,
  type DistributedScheduleOptions,
  type TaskMiddleware,
  type TaskMiddlewareClass,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { compile, event, initAndHear, refusal, start } from './application.js';

/** Notes its name around what is inside. */
const note =
  (log: string[], name: string): TaskMiddleware =>
  async (run, next) => {
    log.push(`${name} ${run.task} ${run.attempt}`);
    return next();
  };

describe('middleware', () => {
  it('of the module, the class and the method stand around each attempt, in this order', async () => {
    const log: string[] = [];

    @UseTaskMiddleware(note(log, 'class 1'), note(log, 'class 2'))
    @Injectable()
    class Billing {
      @UseTaskMiddleware(note(log, 'method 1'))
      @DistributedTimeout(1, { name: 'close', retry: { attempts: 2, delay: 1, backoff: 'fixed' } })
      @UseTaskMiddleware(note(log, 'method 2'))
      close({ attempt }: TaskRun) {
        log.push('handler');
        if (attempt === 1) throw new Error('once more');
        return 'closed';
      }

      @TaskHandler('other')
      other() {
        log.push('handler');
      }
    }

    const middleware = [note(log, 'module 1'), note(log, 'module 2')];
    await using app = await compile({ providers: [Billing] }, { middleware });
    expect(await initAndHear(app, 'run.succeeded', 'close')).toMatchObject({ result: 'closed', attempt: 2 });
    const attempt = (nth: number): string[] => [
      ...['module 1', 'module 2', 'class 1', 'class 2', 'method 1', 'method 2'].map((name) => `${name} close ${nth}`),
      'handler',
    ];
    expect(log).toEqual([...attempt(1), ...attempt(2)]);
    log.length = 0;
    const done = event(app, 'run.succeeded', 'other');
    await app.service.addTask({ name: 'other', schedule: 'now' });
    await done;
    expect(log).toEqual([
      ...['module 1', 'module 2', 'class 1', 'class 2'].map((name) => `${name} other 1`),
      'handler',
    ]);
  });

  it('of defineTask stands around its function, inside of the module’s', async () => {
    const log: string[] = [];
    await using app = await start({}, { middleware: [note(log, 'module')] });
    const done = event(app, 'run.succeeded', 'defined');
    const own = { use: note(log, 'own') };
    await app.service.defineTask({ name: 'defined', schedule: 'now', run: () => 'value', middleware: [own] });
    expect(await done).toMatchObject({ result: 'value' });
    expect(log).toEqual(['module defined 1', 'own defined 1']);
    const none = app.service.defineTask({ name: 'x', schedule: 'now', run: () => 1, middleware: [7 as never] });
    expect(await refusal(none)).toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringMatching(/^Task "x" is not valid:\n {2}- middleware\[0\]: 7 is no middleware; give/),
    });
  });

  it('that throws fails the run, that gives a value gives its result', async () => {
    @Injectable()
    class Jobs {
      @UseTaskMiddleware(() => {
        throw new TypeError('closed on Sundays');
      })
      @TaskHandler('refused')
      refused() {}

      @UseTaskMiddleware(async (_run, next) => `${String(await next())}!`)
      @TaskHandler('changed')
      changed() {
        return 'value';
      }
    }

    await using app = await start({ providers: [Jobs] });
    const failed = event(app, 'run.failed', 'refused');
    await app.service.addTask({ name: 'refused', schedule: 'now' });
    expect((await failed).error).toMatchObject({ name: 'TypeError', message: 'closed on Sundays' });
    const done = event(app, 'run.succeeded', 'changed');
    await app.service.addTask({ name: 'changed', schedule: 'now' });
    expect((await done).result).toBe('value!');
  });

  it('of a child class replaces its parent’s for the class, and method by method', async () => {
    const log: string[] = [];

    @UseTaskMiddleware(note(log, 'parent class'))
    abstract class Report {
      @UseTaskMiddleware(note(log, 'parent method'))
      @DistributedTimeout(1, { name: 'report' })
      report() {}
    }

    @UseTaskMiddleware(note(log, 'child class'))
    @Injectable()
    class Sales extends Report {}

    await using app = await compile({ providers: [Sales] }, {});
    await initAndHear(app, 'run.succeeded', 'report');
    expect(log).toEqual(['child class report 1', 'parent method report 1']);
  });
});

describe('a middleware given by its class', () => {
  @Injectable()
  class Book {
    readonly lines: string[] = [];
  }

  @Injectable()
  class Audit implements TaskMiddlewareClass {
    constructor(private readonly book: Book) {}

    use(run: TaskRun, next: () => Promise<unknown>) {
      this.book.lines.push(run.task);
      return next();
    }
  }

  @Injectable()
  class Billing {
    @UseTaskMiddleware(Audit)
    @DistributedTimeout(1, { name: 'close' })
    close() {}
  }

  it('is the provider of the decorated class’s module, or one that its imports export', async () => {
    @Module({ providers: [Audit, Book], exports: [Audit, Book] })
    class AuditModule {}
    @Module({ imports: [AuditModule], exports: [AuditModule] })
    class SharedModule {}
    @Module({ providers: [Audit, Book] })
    class OtherModule {}
    @Module({ imports: [SharedModule], providers: [Billing] })
    class BillingModule {}

    await using app = await compile({ imports: [OtherModule, BillingModule] }, {});
    await initAndHear(app, 'run.succeeded', 'close');
    expect(app.module.select(AuditModule).get(Book, { strict: true }).lines).toEqual(['close']);
    expect(app.module.select(OtherModule).get(Book, { strict: true }).lines).toEqual([]);
  });

  it('is looked for in every module where the option middleware names it', async () => {
    @Module({ providers: [Audit, Book] })
    class AuditModule {}

    await using app = await start({ imports: [AuditModule] }, { middleware: [Audit] });
    const done = event(app, 'run.succeeded', 'defined');
    await app.service.defineTask({ name: 'defined', schedule: 'now', run: () => 1 });
    await done;
    expect(app.module.select(AuditModule).get(Book, { strict: true }).lines).toEqual(['defined']);
  });

  it('may be request-scoped: it shares its attempt’s instances with the handler', async () => {
    const seen: [string, number, number][] = [];
    let made = 0;

    @Injectable({ scope: Scope.REQUEST })
    class Session {
      readonly number = ++made;
      constructor(@InjectTaskRun() readonly run: TaskRun) {}
    }

    @Injectable()
    class Transaction implements TaskMiddlewareClass {
      constructor(@Inject(Session) private readonly session: Session) {}

      use(run: TaskRun, next: () => Promise<unknown>) {
        seen.push(['middleware', this.session.number, run.attempt]);
        return next();
      }
    }

    @Injectable()
    class Jobs {
      constructor(private readonly session: Session) {}

      @UseTaskMiddleware(Transaction)
      @DistributedTimeout(1, { name: 'job', retry: { attempts: 2, delay: 1, backoff: 'fixed' } })
      job(run: TaskRun) {
        seen.push(['handler', this.session.number, this.session.run.attempt]);
        if (run.attempt === 1) throw new Error('once more');
      }
    }

    await using app = await compile({ providers: [Session, Transaction, Jobs] }, {});
    await initAndHear(app, 'run.succeeded', 'job');
    expect(seen).toEqual([
      ['middleware', 1, 1],
      ['handler', 1, 1],
      ['middleware', 2, 2],
      ['handler', 2, 2],
    ]);
  });

  it('that Nest does not provide keeps the application from starting, with the place and the cure', async () => {
    await using app = await compile({ providers: [Billing] }, {});
    expect(await refusal(app.module.init())).toMatchObject({
      code: 'INVALID_TASK',
      message: expect.stringMatching(
        /Billing\.close \(@UseTaskMiddleware\): Nest has no provider of the class Audit; add it to the providers of RootTestModule, or import/,
      ),
    });
    await using other = await compile({}, { middleware: [Audit] });
    expect(await refusal(other.module.init())).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('middleware[0]: Nest has no provider of the class Audit; add it'),
    });
  });

  it('on a method that is neither task nor handler, or that is none, keeps the application from starting', async () => {
    @UseTaskMiddleware((_run, next) => next())
    @Injectable()
    class Base {
      @UseTaskMiddleware((_run, next) => next())
      inherited() {}

      @UseTaskMiddleware('text' as never)
      plain() {}
    }
    @Injectable()
    class Jobs extends Base {
      @DistributedTimeout('1h', { name: 'inherited' })
      override inherited() {}

      @UseTaskMiddleware((_run, next) => next())
      @OnTaskError()
      listener() {}

      @UseTaskMiddleware('audit' as never)
      @DistributedTimeout('1h', { name: 'named' })
      named() {}
    }
    @Injectable()
    class Forgotten {
      @UseTaskMiddleware((_run, next) => next())
      work() {}
    }
    const { message } = await refusal(start({ providers: [Jobs, Forgotten] }));
    const idle =
      'the method is neither a task nor a handler, so nothing would ever call the middleware; add @DistributedCron, @TaskHandler or the like, or leave the middleware out';
    expect(message.split('\n  - ').slice(1)).toEqual([
      `Jobs.listener (@UseTaskMiddleware): ${idle}`,
      `Jobs.plain (@UseTaskMiddleware): ${idle}`,
      `Forgotten.work (@UseTaskMiddleware): ${idle}`,
      'Jobs.named (@UseTaskMiddleware): "audit" is no middleware; give a function (run, next) => … or a class with a method use(run, next)',
    ]);
  });

  it('that is none is an option problem', async () => {
    expect(await refusal(compile({}, { middleware: [7, class {}] as never }))).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/middleware\[0\]: 7 is neither .*\n.*middleware\[1\]: a function is neither/),
    });
  });
});

describe('currentTaskRun', () => {
  it('is there in middleware, in the handler and in what they call, for each attempt', async () => {
    const seen: unknown[] = [];

    @Injectable()
    class Ledger {
      async write() {
        await new Promise((resolve) => setImmediate(resolve));
        const run = currentTaskRun();
        seen.push([run?.task, run?.attempt]);
      }
    }

    @Injectable()
    class Jobs {
      constructor(private readonly ledger: Ledger) {}

      @UseTaskMiddleware((_run, next) => {
        seen.push(currentTaskRun()?.task);
        return next();
      })
      @DistributedTimeout(1, { name: 'job', retry: { attempts: 2, delay: 1, backoff: 'fixed' } })
      async job({ attempt }: TaskRun) {
        await this.ledger.write();
        if (attempt === 1) throw new Error('once more');
      }
    }

    await using app = await compile({ providers: [Ledger, Jobs] }, {});
    await initAndHear(app, 'run.succeeded', 'job');
    expect(seen).toEqual(['job', ['job', 1], 'job', ['job', 2]]);
    expect(currentTaskRun()).toBeUndefined();
  });
});

describe('a store of the application’s own (CLS)', () => {
  /** Begins with what the store around it has, as `nestjs-cls` does. */
  @Injectable()
  class Store {
    private readonly storage = new AsyncLocalStorage<Map<string, string>>();

    run<T>(work: () => T): T {
      return this.storage.run(new Map(this.storage.getStore()), work);
    }

    get values(): Map<string, string> {
      return this.storage.getStore()!;
    }
  }

  @Module({ providers: [Store], exports: [Store] })
  class StoreModule {}

  it('is set up by a middleware, and holds nothing of the request that added the task', async () => {
    const seen: unknown[] = [];

    @Injectable()
    class Charges {
      constructor(private readonly store: Store) {}

      @TaskHandler('charge')
      async charge() {
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(Object.fromEntries(this.store.values));
      }
    }

    const useFactory = (store: Store): DistributedScheduleOptions => ({
      middleware: [(run, next) => store.run(() => (store.values.set('task', run.task), next()))],
    });
    const schedule = DistributedScheduleModule.forRootAsync({ imports: [StoreModule], inject: [Store], useFactory });
    await using app = await start({ imports: [StoreModule, schedule], providers: [Charges] }, 'none');
    const store = app.module.get(Store);
    for (const name of ['one', 'two']) {
      const done = event(app, 'run.succeeded', name);
      await store.run(async () => {
        store.values.set('user', 'somebody');
        await app.service.addTask({ name, handler: 'charge', schedule: 'now' });
      });
      await done;
    }
    expect(seen).toEqual([{ task: 'one' }, { task: 'two' }]);
  });
});
