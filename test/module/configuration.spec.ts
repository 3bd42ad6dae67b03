import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  DISTRIBUTED_SCHEDULE_CLOCK,
  DISTRIBUTED_SCHEDULE_REGISTRY,
  DistributedScheduleModule,
  MemoryRegistry,
  SchedulerHealthIndicator,
  SchedulerService,
  type Clock,
  type DistributedScheduleOptions,
  type DistributedScheduleOptionsFactory,
  type Registry,
  type RegistryOptions,
} from 'nestjs-distributed-schedule';
import { systemClock } from '../../lib/core/common/clock.js';
import { compile, LogBook, refusal, start, type Adapt } from './application.js';

async function nodeIdOf(module: DynamicModule): Promise<string> {
  await using app = await start({ imports: [module] }, 'none');
  return app.service.nodeId;
}

describe('forRoot', () => {
  it('takes no argument: one process, with what that means in the log', async () => {
    const logs = new LogBook();
    const module = await Test.createTestingModule({ imports: [DistributedScheduleModule.forRoot()] })
      .setLogger(logs)
      .compile();
    await module.init();
    const service = module.get(SchedulerService);
    expect(service.nodeId).toMatch(/^[\w.-]+-[0-9a-z]{4}$/);
    expect(logs.own('log')).toEqual([
      `Scheduler working: node ${service.nodeId}, registry memory (single process; set the option registry for more), 0 tasks, zone UTC`,
    ]);
    await module.close();
  });

  it('makes the service and the health indicator injectable everywhere, unless isGlobal is false', async () => {
    @Injectable()
    class Anywhere {
      constructor(
        readonly service: SchedulerService,
        readonly health: SchedulerHealthIndicator,
      ) {}
    }
    @Module({ providers: [Anywhere] })
    class Feature {}

    await using app = await compile({ imports: [Feature] }, {});
    expect(app.module.get(Anywhere).service).toBe(app.service);
    expect((await refusal(compile({ imports: [Feature] }, { isGlobal: false } as object))).message).toContain(
      'SchedulerService',
    );
    await using local = await compile({ providers: [Anywhere] }, { isGlobal: false } as object);
    expect(local.module.get(Anywhere).service).toBe(local.service);
  });

  it('fills in the options of the core', async () => {
    await using app = await start(
      {},
      {
        namespace: 'shop',
        node: { id: 'n1', ip: '10.0.0.1', hostname: 'h1', weight: 2, labels: { zone: 'eu' }, role: 'observer' },
        version: '1.2.3',
        timeZone: 'Europe/Paris',
        concurrency: 3,
        defaults: { timeout: '5m' },
        cluster: { sessionTtl: '6s', standbyDelay: false },
      },
    );
    expect(app.service.listNodes()).toMatchObject([
      { id: 'n1', ip: '10.0.0.1', hostname: 'h1', weight: 2, labels: { zone: 'eu' }, version: '1.2.3', handlers: [] },
    ]);
    expect(app.service.health().concurrency).toBe(3);
    const { policies, scheduleText } = await app.service.addTask({ name: 't', schedule: { cron: '0 9 * * *' } });
    expect(policies.timeoutMs).toBe(300_000);
    expect(scheduleText).toBe('At 09:00, every day, in Europe/Paris');
  });

  it('takes a registry of your own and leaves it open', async () => {
    const registry = new MemoryRegistry();
    let closed = 0;
    const close = registry.close.bind(registry);
    registry.close = async () => void closed++;
    const app = await start({}, { registry });
    await app.module.close();
    expect(closed).toBe(0);
    await close();
  });
});

describe('forRootAsync', () => {
  const options: DistributedScheduleOptions = { node: { id: 'from-async' } };

  @Injectable()
  class Factory implements DistributedScheduleOptionsFactory {
    createDistributedScheduleOptions() {
      return options;
    }
  }
  @Module({ providers: [Factory], exports: [Factory] })
  class Settings {}

  it.each<[string, () => DynamicModule]>([
    ['useFactory', () => DistributedScheduleModule.forRootAsync({ useFactory: () => options })],
    ['useFactory that waits', () => DistributedScheduleModule.forRootAsync({ useFactory: async () => options })],
    ['useClass', () => DistributedScheduleModule.forRootAsync({ useClass: Factory })],
    ['useExisting', () => DistributedScheduleModule.forRootAsync({ imports: [Settings], useExisting: Factory })],
    [
      'inject',
      () =>
        DistributedScheduleModule.forRootAsync({
          imports: [Settings],
          inject: [Factory],
          useFactory: (factory: Factory) => factory.createDistributedScheduleOptions(),
        }),
    ],
    [
      'config.asProvider()',
      () =>
        DistributedScheduleModule.forRootAsync(
          registerAs('schedule', () => ({ node: { id: 'from-async' } })).asProvider(),
        ),
    ],
  ])('%s', async (_form, module) => {
    await using app = await compile({ imports: [module()] });
    await app.module.init();
    expect(app.service.nodeId).toBe('from-async');
  });

  it('says so where the factory returned nothing', async () => {
    const work = compile({
      imports: [DistributedScheduleModule.forRootAsync({ useFactory: () => undefined as never })],
    });
    expect((await refusal(work)).message).toMatchSnapshot();
  });
});

describe('the registry is chosen by configuration', () => {
  const before = { ...process.env };
  beforeEach(() => {
    process.env.REGISTRY = '{"type":"memory"}';
  });
  afterEach(() => {
    process.env = { ...before };
  });

  const module = () =>
    DistributedScheduleModule.forRootAsync({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true, cache: false })],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        registry: JSON.parse(config.getOrThrow('REGISTRY')) as RegistryOptions,
      }),
    });
  const app = (adapt?: Adapt) => compile({ imports: [module()] }, undefined, adapt);

  it.each([
    '{"type":"memory"}',
    '{"type":"redis","url":"redis://127.0.0.1:1"}',
    '{"type":"etcd","endpoints":"http://127.0.0.1:1"}',
    '{"type":"zookeeper","connect":"127.0.0.1:1"}',
    '{"type":"consul","address":"http://127.0.0.1:1"}',
  ])('%s, not connected before the start', async (given) => {
    process.env.REGISTRY = given;
    await using running = await app();
    expect(running.module.get<Registry>(DISTRIBUTED_SCHEDULE_REGISTRY).kind).toBe(
      (JSON.parse(given) as { type: string }).type,
    );
  });

  it('a registry that cannot be reached keeps the application from starting, saying what to do', async () => {
    process.env.REGISTRY = '{"type":"redis","url":"redis://user:geheim@127.0.0.1:1","connectTimeout":"5s"}';
    // Ten seconds of patience pass a hundred times faster.
    const hasty: Clock = {
      now: () => systemClock.now(),
      monotonic: () => systemClock.monotonic() * 100,
      setTimer: (delayMs, fn) => systemClock.setTimer(delayMs / 100, fn),
    };
    await using running = await app((builder) => builder.overrideProvider(DISTRIBUTED_SCHEDULE_CLOCK).useValue(hasty));
    const error = await refusal(running.module.init());
    expect(error.code).toBe('REGISTRY_UNAVAILABLE');
    expect(error.message).toMatch(
      /^The registry \(redis\) could not be reached within 10 s: .*ECONNREFUSED.*startup: 'background'/,
    );
    expect(error.message).not.toContain('geheim');
  });
});

describe('options that are not valid', () => {
  const message = async (options: object): Promise<string> => (await refusal(compile({}, options))).message;

  it('blame a default group that has no limits on the defaults, whether there are tasks or not', async () => {
    const groups = { mail: { concurrency: 1 } };
    expect(await refusal(compile({}, { defaults: { group: 'mial' }, groups }))).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/- defaults\.group: the module option groups has no "mial"; did you mean mail\?$/),
    });
    await using app = await start({}, { defaults: { group: 'mail' }, groups });
    expect(app.service.state).toBe('working');
  });

  it('are listed all at once, each with its path and what to do', async () => {
    expect(
      await message({
        namespace: 'a/b',
        registry: { type: 'redis' },
        node: { id: '', weight: -1, labels: { zone: 1 }, role: 'boss', hostnme: 'x' },
        version: 7,
        assignment: 'consistent-hsh',
        timezone: 'UTC',
        timeZone: 'Mars/Olympus',
        concurrency: 0,
        groups: { mail: { concurency: 1 }, none: {}, fast: { rate: { limit: 5_000, per: 'soon' } } } as never,
        defaults: { timeout: 'soon', overlp: 'skip', tags: ['x'] } as never,
        cluster: { sessionTtl: '3s', heartbeatInterval: '2s', standbyDelay: true, claimAhead: 'now' },
        shutdown: { drainTimeout: -1 },
        startup: 'later',
        history: { keepRuns: 1.5, keep: 3 },
        orphans: { pruneAfter: true, after: 1 },
        autoStart: 'yes',
        nonsense: 1,
      }),
    ).toMatchSnapshot();
  });

  it.each<[string, object]>([
    ['a text for a section', { cluster: '5s', node: null, defaults: 'none' }],
    ['an unknown registry', { registry: { type: 'rediss' } }],
    ['a registry without type', { registry: { url: 'redis://h' } }],
    ['an address for a registry', { registry: 'redis://:geheim@h' }],
    ['etcd without endpoints, with a misspelt option', { registry: { type: 'etcd', endpoint: 'http://h:2379' } }],
    ['ZooKeeper with an address of another kind', { registry: { type: 'zookeeper', connect: 'http://h:2181' } }],
    ['Consul with a token that is none', { registry: { type: 'consul', address: 'h:8500', token: 5 } }],
    ['an option that memory does not have', { registry: { type: 'memory', url: 'redis://h' } }],
    ['a strategy that is none', { assignment: { name: 'mine' } }],
    [
      'a session shorter than the registry can do',
      { registry: { type: 'redis', url: 'redis://h' }, cluster: { sessionTtl: 5 } },
    ],
  ])('%s', async (_what, options) => {
    expect(await message(options)).toMatchSnapshot();
  });
});

describe('a second forRoot', () => {
  it('in one application is an error that names both importers', async () => {
    @Module({ imports: [DistributedScheduleModule.forRoot()] })
    class Orders {}
    @Module({ imports: [DistributedScheduleModule.forRoot({ namespace: 'other' })] })
    class Invoices {}
    expect((await refusal(start({ imports: [Orders, Invoices] }, 'none'))).message).toMatchSnapshot();
  });

  it('is none where one module is imported at two places', async () => {
    const shared = DistributedScheduleModule.forRoot({ node: { id: 'shared' } });
    @Module({ imports: [shared] })
    class Orders {}
    @Module({ imports: [shared, DistributedScheduleModule] })
    class Invoices {
      constructor(@Inject(SchedulerService) readonly service: SchedulerService) {}
    }
    @Module({ imports: [Orders, Invoices] })
    class App {}
    expect(await nodeIdOf({ module: App })).toBe('shared');
  });
});
