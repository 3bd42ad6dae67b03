import { Controller, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import {
  DistributedCron,
  DistributedInterval,
  DistributedScheduleModule,
  DistributedTimeout,
  fromConfig,
  fromProviders,
  TaskHandler,
  type FeatureOptions,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { event, refusal, start } from './application.js';

describe('forFeature', () => {
  it('gives the methods of its module defaults: those of the module go behind, those of a decorator before', async () => {
    @Injectable()
    class Billing {
      @DistributedCron('0 2 * * *', { name: 'plain' })
      plain() {}

      @DistributedCron('0 2 * * *', { name: 'own', timeout: '1m', priority: undefined, retry: { attempts: 9 } })
      own() {}
    }
    @Controller()
    class Board {
      @DistributedInterval('1h', { name: 'board' })
      refresh() {}
    }
    @Injectable()
    class Elsewhere {
      @DistributedInterval('1h', { name: 'elsewhere' })
      work() {}
    }
    @Module({ providers: [Elsewhere] })
    class Imported {}
    const defaults = { timeout: '10m', priority: 5, retry: { attempts: 3, delay: '2s' } } as const;
    @Module({
      imports: [DistributedScheduleModule.forFeature({ defaults }), Imported],
      providers: [Billing],
      controllers: [Board],
    })
    class BillingModule {}

    await using app = await start(
      { imports: [BillingModule] },
      { defaults: { timeout: '7s', misfire: 'skip', retry: { attempts: 2, maxDelay: '1m' } } },
    );
    const policies = (name: string) => app.service.getTask(name)!.policies;
    const ofFeature = { timeoutMs: 600_000, priority: 5, misfire: 'skip' };
    const retry = { attempts: 3, delayMs: 2_000, backoff: 'exponential', maxDelayMs: 300_000 };
    expect(policies('plain')).toMatchObject({ ...ofFeature, retry });
    expect(policies('board')).toMatchObject({ ...ofFeature, retry });
    expect(policies('own')).toMatchObject({ ...ofFeature, timeoutMs: 60_000, retry: { attempts: 9, delayMs: 1_000 } });
    expect(policies('elsewhere')).toMatchObject({ timeoutMs: 7_000, priority: 0, retry: { attempts: 2 } });
  });

  it('prefixes names, given or not, and leaves the ids of handlers alone', async () => {
    @Injectable()
    class Reports {
      @DistributedTimeout('1h', { name: 'daily' })
      daily() {}

      @DistributedTimeout('1h')
      unnamed() {}

      @TaskHandler('send')
      send(run: TaskRun) {
        return run.task;
      }
    }
    @Module({ imports: [DistributedScheduleModule.forFeature({ namePrefix: 'reports.' })], providers: [Reports] })
    class ReportsModule {}
    await using app = await start({ imports: [ReportsModule] });
    expect(app.service.listTasks().map(({ name }) => name)).toEqual(['reports.Reports.unnamed', 'reports.daily']);
    const sent = event(app, 'run.succeeded', 'now');
    await app.service.addTask({ name: 'now', handler: 'send', schedule: 'now' });
    expect((await sent).result).toBe('now');
  });

  it('holds for each of two modules that share one', async () => {
    const shared = DistributedScheduleModule.forFeature({ defaults: { timeout: '3s' } });
    const modules = ['a', 'b'].map((name) => {
      @Injectable()
      class Work {
        @DistributedTimeout('1h', { name })
        work() {}
      }
      @Module({ imports: [shared], providers: [Work] })
      class Feature {}
      return Feature;
    });
    await using app = await start({ imports: modules });
    expect(app.service.listTasks().map(({ policies }) => policies.timeoutMs)).toEqual([3_000, 3_000]);
  });

  it('takes references, answered in the module that imports it', async () => {
    class Settings {
      readonly attempts = 4;
    }
    @Injectable()
    class Work {
      @DistributedTimeout('1h', { name: 'work' })
      work() {}
    }
    const attempts = fromProviders([Settings], (settings) => settings.attempts);
    @Module({
      imports: [
        DistributedScheduleModule.forFeature({ defaults: { timeout: fromConfig('NO', '5s'), retry: { attempts } } }),
      ],
      providers: [Work, Settings],
    })
    class Feature {}
    await using app = await start({ imports: [Feature] });
    expect(app.service.getTask('work')!.policies).toMatchObject({ timeoutMs: 5_000, retry: { attempts: 4 } });
  });

  it('that is not valid keeps the application from starting', async () => {
    const feature = (name: string, ...features: FeatureOptions[]) => {
      @Injectable()
      class Work {
        @DistributedTimeout('1h', { name: `work.${name}` })
        work() {}
      }
      @Module({
        imports: features.map((options) => DistributedScheduleModule.forFeature(options)),
        providers: [Work],
      })
      class Feature {}
      Object.defineProperty(Feature, 'name', { value: name });
      return Feature;
    };
    const imports = [
      feature('Twice', { namePrefix: 'a.' }, { namePrefix: 'b.' }),
      feature('Wrong', {
        namePrefix: 'no spaces.',
        defaults: { timeout: 'soon', tags: ['x'], retry: { attempts: fromConfig('NO') } },
        prefix: 'x',
      } as never),
      feature('Nothing', undefined as never),
    ];
    expect((await refusal(start({ imports }))).message).toMatchSnapshot();
  });

  it('that is not valid is told with all its mistakes, and with those of its methods, at once', async () => {
    @Injectable()
    class Work {
      @DistributedTimeout('1h', { name: 'work', group: 'mial' })
      work() {}

      @DistributedTimeout('1h', { name: 'sound' })
      sound() {}
    }
    const wrong = { defaults: { timeout: 'x', group: 'none' }, namePrefix: 'b b', scheduler: 'reprots' };
    const imports = [
      DistributedScheduleModule.forRoot({ name: 'reports', groups: { mail: { concurrency: 1 } } }),
      DistributedScheduleModule.forFeature(wrong as FeatureOptions),
    ];
    const module = await Test.createTestingModule({ imports, providers: [Work] }).compile();
    const { message } = await refusal(module.init());
    await module.close().catch(() => undefined); // Nest 11 says once more why
    expect(message.split('\n  - ').slice(1)).toEqual([
      'RootTestModule (forFeature): defaults.timeout: "x" is not a duration; give milliseconds or a number with ms, s, m, h, d or w, as \'30s\'',
      'RootTestModule (forFeature): namePrefix: "b b" is no name; use 1 to 200 letters, digits and _ . : - and begin with a letter, digit or _',
      'RootTestModule (forFeature): scheduler: there is no scheduler "reprots"; did you mean "reports"?',
      'RootTestModule (forFeature): defaults.group: the module option groups has no "none"; there are mail',
      'Work.work (@DistributedTimeout): group: the module option groups has no "mial"; did you mean mail?',
    ]);
  });

  it('without any scheduler keeps the application from starting', async () => {
    const feature = (name: string, options: FeatureOptions) => {
      @Module({ imports: [DistributedScheduleModule.forFeature(options)] })
      class Feature {}
      Object.defineProperty(Feature, 'name', { value: name });
      return Feature;
    };
    const imports = [feature('Billing', { namePrefix: 'billing.' }), feature('Mail', { scheduler: 'mail' })];
    const module = await Test.createTestingModule({ imports }).compile();
    expect(await refusal(module.init())).toMatchObject({
      code: 'INVALID_OPTIONS',
      message:
        'The application has no scheduler, so no decorated method would ever run:' +
        '\n  - Billing (forFeature): import DistributedScheduleModule.forRoot() in the root module' +
        '\n  - Mail (forFeature): there is no scheduler "mail"; give it by forRoot({ name: "mail" })',
    });
  });
});
