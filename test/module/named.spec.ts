import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import {
  DISTRIBUTED_SCHEDULE_REGISTRY,
  DistributedCron,
  DistributedInterval,
  DistributedScheduleModule,
  DistributedTimeout,
  fromConfig,
  getSchedulerHealthToken,
  getSchedulerRegistryToken,
  getSchedulerToken,
  InjectScheduler,
  InjectSchedulerHealth,
  MemoryRegistry,
  MemoryStore,
  OnNodeEvent,
  OnTaskError,
  OnTaskEvent,
  SchedulerHealthIndicator,
  SchedulerService,
  TaskHandler,
  type DecoratedTaskOptions,
  type EventOf,
  type ForRootOptions,
  type RunError,
  type RunRecord,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { systemClock } from '../../lib/core/common/clock.js';
import { event, LogBook, refusal } from './application.js';

type App = AsyncDisposable & { module: TestingModule; logs: LogBook; scheduler(name?: string): SchedulerService };

async function compile(
  modules: DynamicModule[],
  providers: any[] = [],
  adapt: (builder: TestingModuleBuilder) => TestingModuleBuilder = (as) => as,
): Promise<App> {
  const logs = new LogBook();
  const builder = adapt(Test.createTestingModule({ imports: modules, providers }));
  const module = await builder.setLogger(logs).compile();
  const scheduler = (name?: string): SchedulerService => module.get<SchedulerService>(getSchedulerToken(name));
  return { module, logs, scheduler, [Symbol.asyncDispose]: () => module.close() };
}

async function start(modules: DynamicModule[], ...rest: [providers?: any[]]): Promise<App> {
  const app = await compile(modules, ...rest);
  try {
    await app.module.init();
  } catch (error) {
    await app.module.close();
    throw error;
  }
  return app;
}

const namesOf = (service: SchedulerService): string[] => service.listTasks().map(({ name }) => name);
const forRoot = (options?: ForRootOptions): DynamicModule => DistributedScheduleModule.forRoot(options);

@Injectable()
class Work {
  @DistributedTimeout('1h', { name: 'plain' })
  plain() {}

  @DistributedInterval('1h', { name: 'reports', scheduler: 'reports', timeout: '1s' })
  reports() {}

  @TaskHandler('send')
  sendPlainly() {
    return 'plain';
  }

  @TaskHandler('send', { scheduler: 'reports' })
  sendReport() {
    return 'report';
  }
}

describe('two schedulers in one application', () => {
  it('each have their own tasks, handlers, node, registry and namespace', async () => {
    // in the order that would let the last one win wherever the first asked is not the one meant
    await using app = await start([forRoot(), forRoot({ name: 'reports' })], [Work]);
    const [plain, reports] = [app.scheduler(), app.scheduler('reports')];
    expect(app.module.get(SchedulerService)).toBe(plain);
    expect(reports).not.toBe(plain);
    expect([namesOf(plain), namesOf(reports)]).toEqual([['plain'], ['reports']]);
    expect(plain.nodeId).not.toBe(reports.nodeId);
    expect(app.module.get(DISTRIBUTED_SCHEDULE_REGISTRY)).not.toBe(
      app.module.get(getSchedulerRegistryToken('reports')),
    );

    const results = await Promise.all(
      [plain, reports].map(async (service) => {
        const done = event({ service }, 'run.succeeded', 'now');
        await service.addTask({ name: 'now', handler: 'send', schedule: 'now' });
        return (await done).result;
      }),
    );
    expect(results).toEqual(['plain', 'report']);
    const contexts = app.logs.entries.filter(({ message }) => message.startsWith('Scheduler working'));
    expect(new Set(contexts.map(({ rest }) => rest.at(-1)))).toEqual(
      new Set(['DistributedSchedule', 'DistributedSchedule:reports']),
    );
  });

  it('share a registry and do not meet, unless they are told the same namespace', async () => {
    const store = new MemoryStore(systemClock);
    const registry = () => new MemoryRegistry({ store });
    await using app = await start([
      forRoot({ name: 'a', registry: registry() }),
      forRoot({ name: 'b', registry: registry() }),
      forRoot({ name: 'c', registry: registry(), namespace: 'a' }),
    ]);
    const nodes = (name: string): string[] =>
      app
        .scheduler(name)
        .listNodes()
        .map(({ id }) => id);
    const { nodeId: a } = app.scheduler('a');
    const { nodeId: c } = app.scheduler('c');
    if (nodes('a').length < 2) await event({ service: app.scheduler('a') }, 'node.changed');
    expect(nodes('a').sort()).toEqual([a, c].sort());
    expect(nodes('b')).toEqual([app.scheduler('b').nodeId]);
  });

  it('are injected by name, with their health, wherever that is', async () => {
    @Injectable()
    class Everywhere {
      constructor(
        readonly service: SchedulerService,
        readonly health: SchedulerHealthIndicator,
        @InjectScheduler('reports') readonly reports: SchedulerService,
        @InjectSchedulerHealth('reports') readonly reportsHealth: SchedulerHealthIndicator,
        @InjectScheduler() readonly same: SchedulerService,
        @InjectSchedulerHealth() readonly sameHealth: SchedulerHealthIndicator,
      ) {}
    }
    @Module({ providers: [Everywhere] })
    class Feature {}
    await using app = await start([
      forRoot({ name: 'reports', node: { role: 'observer' } }),
      forRoot(),
      { module: Feature },
    ]);
    const one = app.module.get(Everywhere);
    expect([one.service, one.same]).toEqual([app.scheduler(), app.scheduler()]);
    expect(one.reports).toBe(app.scheduler('reports'));
    expect(one.sameHealth).toBe(one.health);
    expect(one.reportsHealth).toBe(app.module.get(getSchedulerHealthToken('reports')));
    await app.scheduler('reports').drain();
    expect((await one.reportsHealth.isNodeReady('r')).r.status).toBe('down');
    expect((await one.health.isNodeReady('s')).s.status).toBe('up');
  });

  it('start and stop with the application, whether or not one is without a name', async () => {
    const app = await start([
      forRoot({ name: 'a' }),
      DistributedScheduleModule.forRootAsync({ name: 'b', useFactory: () => ({ node: { id: 'async' } }) }),
    ]);
    const [a, b] = [app.scheduler('a'), app.scheduler('b')];
    expect([a.state, b.state, b.nodeId]).toEqual(['working', 'working', 'async']);
    expect((await refusal(Promise.resolve().then(() => app.scheduler()))).message).toContain('SchedulerService');
    await app.module.close();
    expect([a.state, b.state]).toEqual(['stopped', 'stopped']);
  });

  it('the registry of one is overridden in a test without the other', async () => {
    const [mine, yours] = [new MemoryRegistry(), new MemoryRegistry()];
    await using app = await compile([forRoot(), forRoot({ name: 'reports' })], [], (builder) =>
      builder
        .overrideProvider(DISTRIBUTED_SCHEDULE_REGISTRY)
        .useValue(mine)
        .overrideProvider(getSchedulerRegistryToken('reports'))
        .useValue(yours),
    );
    expect(app.module.get(DISTRIBUTED_SCHEDULE_REGISTRY)).toBe(mine);
    expect(app.module.get(getSchedulerRegistryToken('reports'))).toBe(yours);
  });

  it('each tell their own failures', async () => {
    const heard: string[] = [];
    @Injectable()
    class Failing {
      @TaskHandler('fail')
      fail() {
        throw new Error('plain');
      }

      @TaskHandler('fail', { scheduler: 'reports' })
      failReport() {
        throw new Error('report');
      }

      @OnTaskError()
      plain(error: RunError) {
        heard.push(`plain heard ${error.message}`);
      }

      @OnTaskEvent('run.started', { scheduler: 'reports' })
      started({ data }: EventOf<'run.started'>) {
        heard.push(`reports heard the start of ${data.task}`);
      }

      @OnNodeEvent('session.working', { scheduler: 'reports' })
      working() {
        heard.push('reports works');
      }

      @OnTaskError({ scheduler: 'reports' })
      reports(error: RunError, _run: RunRecord) {
        heard.push(`reports heard ${error.message}`);
      }
    }
    await using app = await start([forRoot(), forRoot({ name: 'reports' })], [Failing]);
    for (const service of [app.scheduler(), app.scheduler('reports')]) {
      const failed = event({ service }, 'run.failed');
      await service.addTask({ name: 'now', handler: 'fail', schedule: 'now' });
      await failed;
    }
    expect(heard).toEqual([
      'reports works',
      'plain heard plain',
      'reports heard the start of now',
      'reports heard report',
    ]);
  });

  it('forFeature chooses one for all methods of its module that choose none', async () => {
    @Injectable()
    class Reports {
      @DistributedTimeout('1h', { name: 'chosen' })
      chosen() {}

      @DistributedTimeout('1h', { name: 'other', scheduler: 'mails' })
      other(_run: TaskRun) {}
    }
    @Module({ imports: [DistributedScheduleModule.forFeature({ scheduler: 'reports' })], providers: [Reports] })
    class Feature {}
    await using app = await start([forRoot({ name: 'reports' }), forRoot({ name: 'mails' }), { module: Feature }]);
    expect([namesOf(app.scheduler('reports')), namesOf(app.scheduler('mails'))]).toEqual([['chosen'], ['other']]);
  });
});

describe('what keeps the application from starting', () => {
  const message = async (modules: DynamicModule[], providers?: any[]): Promise<string> =>
    (await refusal(start(modules, providers))).message;

  it('a decorator that names no scheduler there is', async () => {
    @Injectable()
    class Lost {
      @DistributedCron('* * * * *', { scheduler: 'reprots' })
      misspelt() {}

      @DistributedCron('* * * * *', { scheduler: 'elsewhere' })
      elsewhere() {}

      @DistributedCron('* * * * *', { scheduler: fromConfig('X') } as unknown as DecoratedTaskOptions)
      referred() {}

      @DistributedCron('* * * * *')
      none() {}

      @TaskHandler('send')
      handler() {}

      @OnTaskError()
      listener() {}
    }
    expect(await message([forRoot({ name: 'reports' }), forRoot({ name: 'mails' })], [Lost])).toMatchSnapshot('named');
    expect(await message([forRoot()], [Lost])).toMatchSnapshot('unnamed');
  });

  it('two of one name, naming both importers', async () => {
    @Module({ imports: [forRoot({ name: 'reports' })] })
    class Orders {}
    @Module({
      imports: [forRoot(), DistributedScheduleModule.forRootAsync({ name: 'reports', useFactory: () => ({}) })],
    })
    class Invoices {}
    expect(await message([{ module: Orders }, { module: Invoices }])).toMatchSnapshot();
  });

  it('a name that is none', async () => {
    expect(await message([forRoot({ name: 'a/b', concurrency: 0 })])).toMatchSnapshot();
    expect(await message([forRoot({ name: '' })])).toContain('name: "" must be');
  });

  it('one handler twice in one scheduler, as before', async () => {
    @Injectable()
    class Twice {
      @TaskHandler('send', { scheduler: 'reports' })
      a() {}

      @TaskHandler('send', { scheduler: 'reports' })
      b() {}
    }
    expect(await message([forRoot(), forRoot({ name: 'reports' })], [Twice])).toContain(
      'Two handlers or tasks are named "send"',
    );
  });
});
