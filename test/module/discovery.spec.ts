import { Controller, Inject, Injectable, Module, Scope, type DynamicModule, type Type } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { describe, expect, it } from '@jest/globals';
import {
  CronExpression,
  DistributedCron,
  DistributedInterval,
  DistributedScheduleModule,
  DistributedTimeout,
  InjectTaskRun,
  TaskHandler,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { compile, event, initAndHear, refusal, start } from './application.js';

/** Replaces the method, as tracing and transaction decorators do. */
function Wrapped(log: string[]): MethodDecorator {
  return (_target, key, descriptor: PropertyDescriptor) => {
    const inner = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]): unknown {
      log.push(String(key));
      return inner.apply(this, args);
    };
  };
}

describe('decorators', () => {
  it('declare tasks on providers and controllers, with their options', async () => {
    @Injectable()
    class Billing {
      @DistributedCron('0 2 * * *', {
        name: 'billing.close',
        timeZone: 'Europe/London',
        timeout: '10m',
        tags: ['money'],
      })
      close() {}

      @DistributedCron(CronExpression.EVERY_HOUR, { disabled: true })
      remind() {}
    }

    @Controller()
    class Outbox {
      @DistributedInterval('1h', { payload: { queue: 'mail' } })
      flush() {}

      @DistributedTimeout(new Date(Date.UTC(2100, 0, 1)), { name: 'outbox.retire' })
      retire() {}
    }

    await using app = await start({ providers: [Billing], controllers: [Outbox] });
    const tasks = Object.fromEntries(app.service.listTasks().map((task) => [task.name, task]));
    expect(Object.keys(tasks)).toEqual(['Billing.remind', 'Outbox.flush', 'billing.close', 'outbox.retire']);
    expect(tasks['billing.close']).toMatchObject({
      scheduleText: 'At 02:00, every day, in Europe/London',
      policies: { timeoutMs: 600_000 },
      tags: ['money'],
      source: 'static',
    });
    expect(tasks['Billing.remind']).toMatchObject({ state: 'paused' });
    expect(tasks['Outbox.flush']).toMatchObject({ schedule: { every: 3_600_000 }, payload: { queue: 'mail' } });
    expect(tasks['outbox.retire']).toMatchObject({ schedule: { at: Date.UTC(2100, 0, 1) } });
  });

  it('stand above or below a wrapping decorator, which takes part either way', async () => {
    const wrapped: string[] = [];

    @Injectable()
    class Both {
      @DistributedTimeout(1, { name: 'outside' })
      @Wrapped(wrapped)
      below() {
        return 'below';
      }

      @Wrapped(wrapped)
      @DistributedTimeout(1, { name: 'inside' })
      above() {
        return 'above';
      }
    }

    await using app = await compile({ providers: [Both] }, {});
    const records = Promise.all([event(app, 'run.succeeded', 'outside'), event(app, 'run.succeeded', 'inside')]);
    await app.module.init();
    expect((await records).map(({ result }) => result)).toEqual(['below', 'above']);
    expect(wrapped.sort()).toEqual(['above', 'below']);
  });

  it('repeat on one method where each has a name', async () => {
    @Injectable()
    class Shops {
      @DistributedTimeout(1, { name: 'open.east', payload: 'east' })
      @DistributedTimeout(1, { name: 'open.west', payload: 'west' })
      open(run: TaskRun<string>) {
        return run.payload;
      }
    }

    await using app = await compile({ providers: [Shops] }, {});
    const records = Promise.all([event(app, 'run.succeeded', 'open.east'), event(app, 'run.succeeded', 'open.west')]);
    await app.module.init();
    expect((await records).map(({ result }) => result)).toEqual(['east', 'west']);
  });

  it('are inherited; a child that decorates a method anew replaces what its parent said', async () => {
    abstract class Report {
      @DistributedTimeout(1, { name: 'inherited' })
      inherited() {
        return `${this.kind()} inherited`;
      }

      @DistributedTimeout('1h', { name: 'parents' })
      replaced() {}

      @DistributedTimeout(1)
      overridden() {
        return 'parent';
      }

      abstract kind(): string;
    }

    @Injectable()
    class Sales extends Report {
      kind() {
        return 'sales';
      }

      @DistributedTimeout('1h', { name: 'childs' })
      override replaced() {}

      override overridden() {
        return 'child';
      }
    }

    await using app = await compile({ providers: [Sales] }, {});
    const records = Promise.all([
      event(app, 'run.succeeded', 'inherited'),
      event(app, 'run.succeeded', 'Sales.overridden'),
    ]);
    await app.module.init();
    expect((await records).map(({ result }) => result)).toEqual(['sales inherited', 'child']);
    expect(app.service.listTasks().map(({ name }) => name)).toEqual(['Sales.overridden', 'childs', 'inherited']);
  });

  it('are found on what a factory or a value provides, and once on what has two tokens', async () => {
    class Plain {
      constructor(readonly from: string) {}

      @DistributedTimeout('1h')
      work() {}
    }
    class Other extends Plain {}

    await using app = await start({
      providers: [
        { provide: 'value', useValue: new Plain('value') },
        { provide: 'alias', useExisting: 'value' },
        { provide: 'factory', useFactory: async () => new Other('factory') },
      ],
    });
    expect(app.service.listTasks().map(({ name }) => name)).toEqual(['Other.work', 'Plain.work']);
  });
});

it('in production a task that takes its name from the code is warned of', async () => {
  @Injectable()
  class Work {
    @DistributedTimeout('1h')
    unnamed() {}

    @DistributedTimeout('1h', { name: 'named' })
    named() {}
  }
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  try {
    await using app = await start({ providers: [Work] });
    const [warning, ...others] = app.logs.entries.filter(({ level }) => level === 'warn');
    expect([warning?.rest[0], others]).toEqual([{ tasks: ['Work.unnamed'] }, []]);
  } finally {
    process.env.NODE_ENV = NODE_ENV;
  }
});

describe('a provider without a single instance', () => {
  const made: object[] = [];

  @Injectable()
  class Ledger {
    constructor(@InjectTaskRun() readonly run: TaskRun) {
      made.push(this);
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    constructor(
      @Inject(Ledger) private readonly ledger: Ledger,
      @Inject(REQUEST) private readonly request: TaskRun,
    ) {}

    @TaskHandler('once')
    work(run: TaskRun) {
      return { sameRun: this.ledger.run === run && this.request === run, task: this.ledger.run.task };
    }
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class Transient {
    private calls = 0;

    @TaskHandler('transient')
    work() {
      return ++this.calls;
    }
  }

  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Durable {
    private calls = 0;

    @TaskHandler('durable')
    work() {
      return ++this.calls;
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class Broken {
    constructor() {
      throw new Error('no ink');
    }

    @TaskHandler('broken')
    work() {}
  }

  @Controller()
  class ByDependency {
    constructor(@Inject(Ledger) private readonly ledger: Ledger) {}

    @TaskHandler('controller')
    work() {
      return this.ledger.run.task;
    }
  }

  const metadata = { providers: [Ledger, PerRequest, Transient, Durable, Broken], controllers: [ByDependency] };

  it('gets a new instance for each run, in which REQUEST is the run', async () => {
    await using app = await start(metadata);
    for (const task of ['first', 'second']) {
      const done = event(app, 'run.succeeded', task);
      await app.service.addTask({ name: task, handler: 'once', schedule: 'now' });
      expect((await done).result).toEqual({ sameRun: true, task });
    }
    expect(new Set(made).size).toBe(2);
  });

  it.each(['transient', 'durable'])('gets a new instance for each run: %s', async (handler) => {
    await using app = await start(metadata);
    for (const task of ['first', 'second']) {
      const done = event(app, 'run.succeeded', task);
      await app.service.addTask({ name: task, handler, schedule: 'now' });
      expect((await done).result).toBe(1);
    }
  });

  it('may be a controller that is request-scoped by what it depends on', async () => {
    await using app = await start(metadata);
    const done = event(app, 'run.succeeded', 'mail');
    await app.service.addTask({ name: 'mail', handler: 'controller', schedule: 'now' });
    expect((await done).result).toBe('mail');
  });

  it('that cannot be created fails the run with the reason', async () => {
    await using app = await start(metadata);
    const done = event(app, 'run.failed', 'print');
    await app.service.addTask({ name: 'print', handler: 'broken', schedule: 'now' });
    expect((await done).error?.message).toBe('Nest could not create Broken of RootTestModule for this run: no ink');
  });
});

describe('handlers of dynamic tasks', () => {
  it('are chosen by id, else the default one, and get the payload', async () => {
    @Injectable()
    class Reports {
      @TaskHandler('send-report')
      send(run: TaskRun<{ tenant: string }>) {
        return `report for ${run.payload.tenant}`;
      }

      @TaskHandler()
      anything(run: TaskRun) {
        return `default for ${run.task}`;
      }
    }

    await using app = await start({ providers: [Reports] });
    const records = Promise.all([event(app, 'run.succeeded', 'report:acme'), event(app, 'run.succeeded', 'tidy')]);
    await app.service.addTask({
      name: 'report:acme',
      handler: 'send-report',
      schedule: 'now',
      payload: { tenant: 'acme' },
    });
    await app.service.addTask({ name: 'tidy', schedule: 'now' });
    expect((await records).map(({ result }) => result)).toEqual(['report for acme', 'default for tidy']);
  });
});

describe('what cannot be scheduled keeps the application from starting', () => {
  const message = async (...providers: Type[]): Promise<string> => (await refusal(start({ providers }))).message;

  it('lists every problem of every method at once', async () => {
    @Injectable()
    class Bad {
      @DistributedCron('61 * * * *', { timeZone: 'Europe/Lundon' })
      minutes() {}

      @DistributedInterval('5x' as '5s', { name: 'no spaces', timeout: 0, overlp: 'skip' } as object)
      interval() {}

      @DistributedTimeout(new Date(Number.NaN), { retry: { attempts: 0 } })
      never() {}

      @DistributedCron('* * * * *')
      @DistributedCron('0 * * * *')
      twice() {}

      @DistributedCron('* * * * *')
      [Symbol('secret')]() {}

      @DistributedCron('* * * * *', { handler: 'other' } as object)
      stolen() {}

      @DistributedCron('* * * * *', null as unknown as object)
      nothing() {}

      @TaskHandler('')
      anonymous() {}

      @DistributedCron('* * * * *')
      static shared() {}
    }

    expect(await message(Bad)).toMatchSnapshot();
  });

  it('lists beside them what only shows together with the options of the module', async () => {
    @Injectable()
    class G {
      @DistributedCron('* * * * *', { name: 'near', group: 'mial' })
      near() {}

      @DistributedCron('* * * * *', { name: 'far', group: 'tape', except: { calendar: 'xx' }, timout: 5 } as object)
      far() {}

      @DistributedCron('* * * * *', { startAt: '2030-02-01', endAt: '2030-01-01', runOnStart: 'version' })
      over() {}

      @DistributedInterval('5x' as '5s')
      wrongByItself() {}
    }
    const groups = { mail: { concurrency: 1 } };
    const { message: text } = await refusal(start({ providers: [G] }, { groups }));
    const noCalendar = `there is no calendar "xx", nor any other; give it in the module's option calendars`;
    expect(text.split('\n  - ').slice(1)).toEqual([
      'G.near (@DistributedCron): group: the module option groups has no "mial"; did you mean mail?',
      'G.far (@DistributedCron): timout: unknown option; did you mean timeout?',
      'G.far (@DistributedCron): group: the module option groups has no "tape"; there are mail',
      `G.far (@DistributedCron): except.calendar: ${noCalendar}`,
      'G.over (@DistributedCron): endAt: it lies before startAt, so there is no tick',
      "G.over (@DistributedCron): runOnStart: 'version' needs the module option version, the version of your application",
      expect.stringMatching(/^G\.wrongByItself \(@DistributedInterval\): every: "5x" is not a duration/),
    ]);
  });

  it('names both places of a duplicate name', async () => {
    @Injectable()
    class East {
      @DistributedCron('* * * * *', { name: 'report' })
      send() {}

      @TaskHandler()
      any() {}
    }
    @Injectable()
    class West {
      @DistributedInterval('5m', { name: 'report' })
      send() {}

      @TaskHandler()
      any() {}
    }
    expect(await message(East, West)).toMatchSnapshot();
  });

  it('tells two classes of one name, whose tasks would be one, from a method with two tasks', async () => {
    const work = (): Type => {
      @Injectable()
      class Work {
        @DistributedCron('* * * * *')
        tidy() {}
      }
      return Work;
    };
    const module = (name: string, ...features: DynamicModule[]): Type => {
      @Module({ imports: features, providers: [work()] })
      class Feature {}
      Object.defineProperty(Feature, 'name', { value: name });
      return Feature;
    };
    const { message: text } = await refusal(start({ imports: [module('Sales'), module('Support')] }));
    expect(text.split('\n  - ').slice(1)).toEqual([
      "Work.tidy: there are 2 classes named Work, in Sales and in Support, and their tasks without a name would have the same one; give each a name of its own, as { name: 'billing.close' }",
    ]);
    const prefix = DistributedScheduleModule.forFeature({ namePrefix: 'own.' });
    await using app = await start({ imports: [module('Sales'), module('Support', prefix)] });
    expect(app.service.listTasks().map(({ name }) => name)).toEqual(['Work.tidy', 'own.Work.tidy']);
  });

  it('names the modules that provide a class twice', async () => {
    @Injectable()
    class Mailer {
      @DistributedCron('* * * * *')
      send() {}
    }
    @Module({ providers: [Mailer] })
    class Sales {}
    @Module({ providers: [Mailer] })
    class Support {}
    const { message: text } = await refusal(start({ imports: [Sales, Support] }));
    expect(text).toMatchSnapshot('two modules');
    expect(await message({ provide: 'a', useClass: Mailer } as never, Mailer)).toMatchSnapshot('two tokens');
  });

  it('says what a method turned out to be that is none', async () => {
    @Injectable()
    class Hidden {
      @DistributedCron('* * * * *')
      work(): void {}
    }
    const { message: text } = await refusal(
      start({ providers: [{ provide: Hidden, useFactory: () => Object.assign(new Hidden(), { work: 'no' }) }] }),
    );
    expect(text).toMatchSnapshot();
  });
});

it('a method is looked up when it is called', async () => {
  @Injectable()
  class Late {
    @DistributedTimeout(1)
    work() {
      return 'original';
    }
  }
  await using app = await compile({ providers: [Late] }, {});
  app.module.get(Late).work = () => 'replaced';
  expect((await initAndHear(app, 'run.succeeded')).result).toBe('replaced');
});
