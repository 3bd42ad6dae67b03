import {
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  DISTRIBUTED_SCHEDULE_REGISTRY,
  DistributedCron,
  DistributedInterval,
  DistributedScheduleModule,
  DistributedTimeout,
  MemoryRegistry,
  MemoryStore,
  SchedulerService,
  TaskHandler,
  type Registry,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { systemClock } from '../../lib/core/common/clock.js';
import { compile, event, initAndHear, LogBook, refusal, start, type TestApp } from './application.js';

/** A registry that notes what the module makes of it. */
class Watched extends MemoryRegistry {
  constructor(
    private readonly log: string[],
    store = new MemoryStore(systemClock),
  ) {
    super({ store });
  }

  override async connect() {
    this.log.push('connect');
  }

  override async openSession(options: { ttlMs: number }) {
    this.log.push('session opened');
    const session = await super.openSession(options);
    const end = async (): Promise<void> => {
      this.log.push('session ended');
      await session.end();
    };
    return { ...session, end };
  }

  override async close() {
    this.log.push('closed');
    await super.close();
  }
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the order of things', () => {
  it('tasks run only while everything they use is there', async () => {
    const log: string[] = [];

    /** As a database module: global, so Nest starts it first and ends it last. */
    @Injectable()
    class Database
      implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
    {
      onModuleInit = () => void log.push('database: init');
      onApplicationBootstrap = () => void log.push('database: bootstrap');
      onModuleDestroy = () => {
        log.push(`database: destroy while ${service().state}, ready: ${service().health().ready}`);
      };
      beforeApplicationShutdown = () => void log.push(`database: before shutdown while ${service().state}`);
      onApplicationShutdown = () => void log.push(`database: shutdown while ${service().state}`);
    }
    @Module({ providers: [Database] })
    class DatabaseModule {}

    @Injectable()
    class Work {
      @DistributedTimeout(1)
      async untilShutdown({ signal }: TaskRun) {
        log.push('run started');
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        log.push(`run ended while ${service().state}, aborted: ${signal.aborted}`);
      }
    }
    let release = (): void => undefined;
    const service = (): SchedulerService => app.service;

    const app = await compile(
      { imports: [DistributedScheduleModule.forRoot({}), { module: DatabaseModule, global: true }], providers: [Work] },
      undefined,
      (builder) => builder.overrideProvider(DISTRIBUTED_SCHEDULE_REGISTRY).useValue(new Watched(log)),
    );
    expect(log).toEqual([]);
    await initAndHear(app, 'run.started');
    const ended = event(app, 'run.succeeded');
    const closing = app.module.close();
    expect(log.at(-1)).toBe('run started');
    setTimeout(() => release(), 20); // time enough for hooks that do not wait
    expect(await ended).toMatchObject({ outcome: 'succeeded' });
    await closing;
    expect(log).toEqual([
      'database: init',
      'database: bootstrap',
      'connect',
      'session opened',
      'run started',
      'run ended while leaving, aborted: false',
      'database: destroy while leaving, ready: false',
      'database: before shutdown while leaving',
      'session ended',
      'closed',
      'database: shutdown while stopped',
    ]);
  });

  it('a run that outlasts the drain timeout is aborted and recorded', async () => {
    @Injectable()
    class Work {
      @DistributedTimeout(1)
      forEver({ signal }: TaskRun) {
        return new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      }
    }
    const app = await compile({ providers: [Work] }, { shutdown: { drainTimeout: 5 } });
    await initAndHear(app, 'run.started');
    const ended = event(app, 'run.cancelled');
    await app.module.close();
    expect((await ended).error?.message).toContain('shutdown');
    expect(app.logs.own('warn')).toEqual(['Runs did not end within the drain timeout and are aborted']);
  });

  it('what is waited for is told once, when the wait begins', async () => {
    @Injectable()
    class Deaf {
      @DistributedTimeout(1, { abortGrace: 5 })
      forEver() {
        return new Promise<void>((resolve) => (release = resolve));
      }
    }
    let release = (): void => undefined;
    const app = await compile({ providers: [Deaf] }, { shutdown: { drainTimeout: 5 } });
    await initAndHear(app, 'run.started');
    await app.module.close();
    release();
    const told = app.logs.own('log').filter((line) => line.startsWith('Leaving'));
    expect(told).toEqual(['Leaving: waits up to 5 ms for runs to end']);
  });

  it('decorated methods are checked before anything is connected', async () => {
    const log: string[] = [];
    @Injectable()
    class Bad {
      @DistributedCron('never')
      work() {}
    }
    await refusal(start({ providers: [Bad] }, { registry: new Watched(log) }));
    expect(log).toEqual([]);
  });
});

describe('closing', () => {
  it('before the start, and twice, is fine', async () => {
    const log: string[] = [];
    const app = await compile({}, { registry: new Watched(log) });
    await app.module.close();
    await app.module.close();
    expect(log).toEqual([]);
  });

  it('twice after the start is fine, and at the same time', async () => {
    const app = await start({});
    await Promise.all([app.module.close(), app.module.close(), app.service.stop()]);
    await app.module.close();
    expect(app.service.state).toBe('stopped');
  });

  it('after a start that failed is fine', async () => {
    class Refusing extends MemoryRegistry {
      override connect = () => Promise.reject(new Error('no entry'));
    }
    const app = await compile({}, { registry: new Refusing(), startup: 'background' });
    await app.module.init();
    expect(app.service.state).toBe('starting');
    await app.module.close();
    expect(app.service.state).toBe('stopped');
    expect(app.logs.own('warn')).toEqual(['Not in the cluster; trying again until it works']);
  });
});

describe('starting', () => {
  it('is refused once the node has been drained, and says what to do', async () => {
    await using app = await start({});
    await app.service.drain();
    expect(await refusal(app.service.start())).toMatchObject({
      code: 'NOT_RUNNING',
      message: expect.stringMatching(/has been drained.*Start a new application/),
    });
    expect(app.service.state).toBe('leaving');
    await app.service.stop();
    expect(await refusal(app.service.start())).toMatchObject({ message: expect.stringContaining('has been stopped') });
  });

  it('waits for nobody with autoStart: false, until somebody calls start()', async () => {
    const log: string[] = [];
    @Injectable()
    class Work {
      @DistributedCron('0 0 1 1 *', { name: 'yearly' })
      work() {}
    }
    await using app = await start({ providers: [Work] }, { autoStart: false, registry: new Watched(log) });
    expect([app.service.state, log, app.logs.own('log')]).toEqual(['stopped', [], []]);
    await app.service.start();
    expect(app.service.state).toBe('working');
    expect(app.service.listTasks().map(({ name }) => name)).toEqual(['yearly']);
  });

  it('tells on one line what starts, and each warning of the registry once', async () => {
    class Warning extends MemoryRegistry {
      override readonly kind = 'other' as 'memory';
      override async describe() {
        return {
          kind: 'other',
          version: '7.2',
          topology: 'cluster of 3',
          warnings: ['evicts keys', 'does not persist'],
        };
      }
    }
    @Injectable()
    class Work {
      @DistributedTimeout(new Date(systemClock.now() + 41_400), { name: 'billing.close' })
      close() {}

      @DistributedTimeout('2h')
      later() {}

      @DistributedInterval('5s', { disabled: true })
      never() {}
    }
    await using app = await start(
      { providers: [Work] },
      { registry: new Warning(), node: { id: 'n1' }, timeZone: 'Europe/Paris' },
    );
    expect(app.logs.own('log').map((line) => line.replace(/\d+\.\d ms/, 'N ms'))).toEqual([
      'Scheduler working: node n1, registry other (7.2, cluster of 3, N ms), 3 tasks (1 disabled), next "billing.close" in 41 s, zone Europe/Paris',
    ]);
    expect(app.logs.own('warn')).toEqual(['Registry other: evicts keys', 'Registry other: does not persist']);
  });

  it('tells of a task that no node can run what it lacks, and nothing else', async () => {
    await using app = await start({}, { groups: { mail: { concurrency: 1 } } });
    const add = (name: string, needs: object) => app.service.addTask({ name, schedule: { every: '1h' }, ...needs });
    await add('gone', {});
    await add('grouped', { group: 'mail' });
    await add('picky', { group: 'mail', nodeSelector: { zone: 'moon' } });
    const told = () => app.logs.entries.filter(({ message }) => message.includes(' waits: '));
    while (told().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(told().map(({ message, rest }) => [message, ...rest.slice(0, -1)])).toEqual([
      ['Task "gone" waits: no working node has its handler "gone"'],
      ['Task "grouped" waits: no working node has its handler "grouped" and the limits of its group "mail"'],
      [
        'Task "picky" waits: no working node has its handler "picky" and the limits of its group "mail" and the labels it asks for',
        { nodeSelector: { zone: 'moon' } },
      ],
    ]);
  });
});

describe('applications', () => {
  it('two in one process do not disturb each other', async () => {
    @Injectable()
    class Work {
      @DistributedTimeout(1, { name: 'mine' })
      work({ nodeId }: TaskRun) {
        return nodeId;
      }
    }
    const nodes = await Promise.all(
      ['a', 'b'].map(async (id) => {
        await using app = await compile({ providers: [Work] }, { node: { id } });
        return (await initAndHear(app, 'run.succeeded', 'mine')).result;
      }),
    );
    expect(nodes).toEqual(['a', 'b']);
  });

  it('two on one registry are a cluster: each tick once, and a task added on one runs on either', async () => {
    const runs: string[] = [];
    @Injectable()
    class Work {
      @TaskHandler('work')
      work({ task, nodeId }: TaskRun) {
        runs.push(task);
        return nodeId;
      }
    }
    const store = new MemoryStore(systemClock);
    const node = (id: string): Promise<TestApp> =>
      start({ providers: [Work] }, { node: { id }, registry: new MemoryRegistry({ store }) });
    await using a = await node('a');
    const met = event(a, 'node.changed');
    await using b = await node('b');
    await met;
    const names = Array.from({ length: 20 }, (_, index) => `task-${index}`);
    const done = names.map((name) => event([a, b], 'run.succeeded', name));
    await Promise.all(names.map((name) => a.service.addTask({ name, handler: 'work', schedule: { delay: '50ms' } })));
    const records = await Promise.all(done);
    expect(new Set(records.map(({ nodeId }) => nodeId))).toEqual(new Set(['a', 'b']));
    expect(runs.sort()).toEqual(names.sort());
  });

  it('without HTTP are applications too', async () => {
    const logs = new LogBook();
    @Injectable()
    class Work {
      @DistributedTimeout(1)
      work() {}
    }
    @Module({ imports: [DistributedScheduleModule.forRoot()], providers: [Work] })
    class App {}
    const context = await NestFactory.createApplicationContext(App, { logger: logs });
    const service = context.get(SchedulerService);
    expect(service.state).toBe('working');
    await context.close();
    expect(service.state).toBe('stopped');
  });

  it('in preview mode connect to nothing', async () => {
    const log: string[] = [];
    @Module({ imports: [DistributedScheduleModule.forRoot({ registry: new Watched(log) as Registry })] })
    class App {}
    const context = await NestFactory.createApplicationContext(App, { logger: new LogBook(), preview: true });
    await context.init();
    await context.close();
    expect(log).toEqual([]);
  });
});
