import { Inject, Injectable, Module, Scope, type OnModuleInit } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  DistributedCron,
  DistributedInterval,
  DistributedTimeout,
  fromConfig,
  fromProviders,
  SchedulerService,
  TaskHandler,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { compile, event, refusal, start, type TestApp } from './application.js';

const before = { ...process.env };
beforeEach(() => {
  process.env = { ...before };
});
afterEach(() => {
  process.env = { ...before };
});

const config = (values: Record<string, object>) =>
  ConfigModule.forRoot({
    ignoreEnvFile: true,
    cache: false,
    load: Object.entries(values).map(([name, value]) => registerAs(name, () => value)),
  });

const task = (app: TestApp, name: string) => app.service.getTask(name)!;

describe('fromConfig', () => {
  it('stands for the schedule and for every option, down to its parts', async () => {
    @Injectable()
    class Billing {
      @DistributedCron(fromConfig('billing.cron'), {
        name: fromConfig('billing.name'),
        timeZone: fromConfig('billing.zone'),
        timeout: fromConfig('billing.timeout'),
        retry: { attempts: fromConfig('billing.attempts'), delay: fromConfig('billing.delay', '2s') },
        tags: ['money', fromConfig('billing.tag')],
        nodeSelector: { zone: fromConfig('billing.region') },
        payload: { currency: fromConfig('billing.currency'), text: '7' },
        except: [fromConfig('billing.closed')],
      })
      close() {}

      @DistributedCron({ monthly: { day: fromConfig('billing.day'), at: '18:00' } }, { name: 'monthly' })
      statements() {}

      @DistributedInterval(fromConfig('billing.every'), { name: 'interval' })
      flush() {}

      @DistributedTimeout(fromConfig('billing.opening'), { name: 'opening' })
      open() {}
    }
    const billing = {
      cron: '0 2 * * *',
      name: 'billing.close',
      zone: 'Europe/London',
      timeout: '10m',
      attempts: 4,
      tag: 'night',
      region: 'eu',
      currency: 'GBP',
      closed: '2099-12-25',
      day: 'last',
      every: '30s',
      opening: '2100-01-01T00:00:00Z',
    };
    await using app = await start({ imports: [config({ billing })], providers: [Billing] });
    expect(task(app, 'billing.close')).toMatchObject({
      scheduleText: expect.stringContaining('At 02:00, every day, in Europe/London'),
      policies: {
        timeoutMs: 600_000,
        retry: { attempts: 4, delayMs: 2_000 },
        nodeSelector: { zone: 'eu' },
      },
      tags: ['money', 'night'],
      payload: { currency: 'GBP', text: '7' },
      schedule: { except: [{ dates: '2099-12-25' }] },
    });
    expect(task(app, 'monthly').schedule).toMatchObject({ monthly: { day: ['last'] } });
    expect(task(app, 'interval').schedule).toMatchObject({ every: 30_000 });
    expect(task(app, 'opening').schedule).toEqual({ at: Date.UTC(2100, 0, 1) });
  });

  it('may stand for an object, and for a schedule of another kind', async () => {
    @Injectable()
    class Work {
      @DistributedCron(fromConfig('work.when'), { name: 'work', retry: fromConfig('work.retry') })
      work() {}
    }
    const work = { when: { daily: ['09:00', '17:00'] }, retry: { attempts: '3', backoff: 'fixed' } };
    await using app = await start({ imports: [config({ work })], providers: [Work] });
    expect(task(app, 'work').policies.retry).toMatchObject({ attempts: 3, backoff: 'fixed' });
    expect(app.service.nextTicks('work', 2)).toHaveLength(2);
  });

  it('without a ConfigService is looked up in the environment', async () => {
    process.env.WORK_CRON = '15 4 * * *';
    @Injectable()
    class Work {
      @DistributedCron(fromConfig('WORK_CRON'), { name: 'work' })
      work() {}
    }
    await using app = await start({ providers: [Work] });
    expect(task(app, 'work').scheduleText).toBe('At 04:15, every day, in UTC');
  });

  it('takes text for a number or a boolean where the option wants one, and nowhere else', async () => {
    Object.assign(process.env, { N: '3', OFF: 'true', ON: 'false', MS: '90000', DIGITS: '123' });
    @Injectable()
    class Work {
      @DistributedInterval(fromConfig('MS'), {
        name: fromConfig('DIGITS'),
        priority: fromConfig('N'),
        maxRuns: fromConfig('N'),
        retry: { attempts: fromConfig('N'), delay: fromConfig('MS') },
        standby: fromConfig('ON'),
        disabled: fromConfig('OFF'),
        description: fromConfig('N'),
        tags: [fromConfig('OFF')],
        payload: { number: fromConfig('N'), flag: fromConfig('OFF') },
      })
      work() {}

      @DistributedCron('* * * * *', { name: 'on', disabled: fromConfig('ON') })
      on() {}
    }
    await using app = await start({ imports: [config({})], providers: [Work] });
    expect(task(app, '123')).toMatchObject({
      state: 'paused',
      schedule: { every: 90_000 },
      policies: { priority: 3, maxRuns: 3, standby: false, retry: { attempts: 3, delayMs: 90_000 } },
      description: '3',
      tags: ['true'],
      payload: { number: '3', flag: 'true' },
    });
    expect(task(app, 'on').state).toBe('active');
  });

  it('has a fallback; undefined leaves the option out', async () => {
    @Injectable()
    class Work {
      @DistributedCron(fromConfig('no.cron', '0 3 * * *'), {
        name: 'work',
        priority: fromConfig('no.priority', 7),
        timeZone: fromConfig('no.zone', undefined),
        overlap: fromConfig('no.overlap', 'allow'),
      })
      work() {}
    }
    await using app = await start({ imports: [config({})], providers: [Work] }, { timeZone: 'Europe/Oslo' });
    expect(task(app, 'work')).toMatchObject({
      scheduleText: 'At 03:00, every day, in Europe/Oslo',
      policies: { priority: 7, overlap: 'allow' },
    });
  });

  it('names a handler', async () => {
    process.env.HANDLER = 'send';
    @Injectable()
    class Work {
      @TaskHandler(fromConfig('HANDLER'))
      work() {
        return 'sent';
      }
    }
    await using app = await start({ providers: [Work] });
    const done = event(app, 'run.succeeded', 'now');
    await app.service.addTask({ name: 'now', handler: 'send', schedule: 'now' });
    expect((await done).result).toBe('sent');
  });
});

describe('fromProviders', () => {
  @Injectable()
  class Settings implements OnModuleInit {
    hour = 0;

    onModuleInit() {
      this.hour = 6;
    }
  }
  const ZONE = Symbol('ZONE');
  @Module({ providers: [Settings, { provide: ZONE, useValue: 'Asia/Tokyo' }], exports: [Settings, ZONE] })
  class SettingsModule {}

  it('computes from what the module of the method can inject, once all is initialised', async () => {
    @Injectable()
    class Own {
      readonly attempts = Promise.resolve(5);
    }
    @Injectable()
    class Work {
      @DistributedCron(fromProviders([Settings], (settings) => `0 ${settings.hour} * * *`), {
        name: 'work',
        timeZone: fromProviders([ZONE], (zone: string) => zone),
        retry: { attempts: fromProviders([Own], (own) => own.attempts) },
        description: fromProviders([], () => undefined),
      })
      work() {}
    }
    @Module({ imports: [SettingsModule], providers: [Work, Own] })
    class Feature {}

    await using app = await start({ imports: [Feature] });
    expect(task(app, 'work')).toMatchObject({
      scheduleText: 'At 06:00, every day, in Asia/Tokyo',
      policies: { retry: { attempts: 5 } },
    });
    expect(task(app, 'work').description).toBeUndefined();
  });

  it('gets a provider of its own where that is request-scoped', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      constructor(@Inject(Settings) readonly settings: Settings) {
        made++;
      }
    }
    @Injectable()
    class Work {
      @DistributedTimeout(fromProviders([PerRequest], ({ settings }) => settings.hour * 3_600_000), { name: 'work' })
      work() {}
    }
    await using app = await start({ imports: [SettingsModule], providers: [Work, PerRequest] });
    expect(task(app, 'work')).toBeDefined();
    expect(made).toBe(1);
  });

  it('works on request-scoped providers and on controllers', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Work {
      @DistributedTimeout(fromProviders([Settings], () => 1), { name: 'once' })
      work({ task: name }: TaskRun) {
        return name;
      }
    }
    await using app = await compile({ imports: [SettingsModule], controllers: [Work] }, {});
    const done = event(app, 'run.succeeded', 'once');
    await app.module.init();
    expect((await done).result).toBe('once');
  });
});

it('tasks are complete also for who starts the scheduler himself, before the module would', async () => {
  @Injectable()
  class Work {
    @DistributedCron(fromConfig('NONE', '0 0 1 1 *'), { name: 'yearly' })
    work() {}
  }
  @Injectable()
  class Eager implements OnModuleInit {
    constructor(@Inject(SchedulerService) private readonly service: SchedulerService) {}

    async onModuleInit() {
      await this.service.start();
      names = this.service.listTasks().map(({ name }) => name);
    }
  }
  let names: string[] = [];
  await using app = await start({ providers: [Work, Eager] }, { autoStart: false });
  expect(names).toEqual(['yearly']);
  expect(app.service.state).toBe('working');
});

describe('a reference that gives nothing usable keeps the application from starting', () => {
  it('all problems at once, each with class, method, option, and the reference it comes from', async () => {
    Object.assign(process.env, { CRON: '61 * * * *', MANY: 'many', WHO: 'no name', SWITCH: 'yes', EMPTY: '' });
    class Unknown {}
    @Injectable()
    class Bad {
      @DistributedCron(fromConfig('bad.cron'), { timeZone: fromConfig('bad.zone'), timeout: 'soon' as '1s' })
      missing() {}

      @DistributedCron(fromConfig('CRON'), { retry: { attempts: fromConfig('MANY') }, name: fromConfig('WHO') })
      wrong() {}

      @DistributedInterval(fromConfig('EMPTY'), { disabled: fromConfig('SWITCH') })
      empty() {}

      @DistributedInterval(fromProviders([Unknown, 'X'], () => '5s'), { name: 'a' })
      uninjectable() {}

      @DistributedInterval(
        fromProviders([SchedulerService], () => {
          throw new Error('no ink');
        }),
        { name: 'b' },
      )
      throwing() {}

      @DistributedInterval('5s', { name: 'c', tags: ['a', fromConfig(undefined as never)] })
      pathless() {}

      @TaskHandler(fromConfig('bad.handler'))
      handler() {}
    }
    @Module({ providers: [Bad] })
    class Feature {}
    const { message } = await refusal(start({ imports: [Feature] }));
    expect(
      message.replace(/( {2}- Bad.uninjectable.*?Nest can't resolve dependencies of )[^]*?(?=\n {2}- )/, '$1…'),
    ).toMatchSnapshot();
  });

  it('says whether there is a ConfigService', async () => {
    @Injectable()
    class Bad {
      @DistributedCron(fromConfig('bad.cron'))
      missing() {}
    }
    expect((await refusal(start({ imports: [config({})], providers: [Bad] }))).message).toMatchSnapshot('with');
    expect((await refusal(start({ providers: [Bad] }))).message).toMatchSnapshot('without');
  });
});
