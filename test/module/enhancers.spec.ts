import {
  Catch,
  Controller,
  createParamDecorator,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  Scope,
  SetMetadata,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core';
import { describe, expect, it } from '@jest/globals';
import { EMPTY, map, of } from 'rxjs';
import {
  DistributedTimeout,
  InjectTaskRun,
  isTaskContext,
  TaskHandler,
  taskRunOf,
  UseTaskMiddleware,
  type TaskRun,
} from 'nestjs-distributed-schedule';
import { compile, event, initAndHear, refusal, start } from './application.js';

const RETRIED = { retry: { attempts: 2, delay: 1, backoff: 'fixed' as const } };

describe('enhancers', () => {
  it('stay away from tasks unless they are asked for', async () => {
    let calls = 0;

    @Injectable()
    class Never implements CanActivate {
      canActivate() {
        calls++;
        return false;
      }
    }

    @UseGuards(Never)
    @Injectable()
    class Jobs {
      @DistributedTimeout(1, { name: 'job' })
      job() {
        return 'done';
      }
    }

    await using app = await compile({ providers: [Jobs, { provide: APP_GUARD, useClass: Never }] }, {});
    expect(await initAndHear(app, 'run.succeeded', 'job')).toMatchObject({ result: 'done' });
    expect(calls).toBe(0);
    expect(app.logs.own('warn').join()).not.toContain('enhancers'); // on a class they may be for its routes
  });

  it('on a method that is a task are warned of where they are left out of use', async () => {
    @Injectable()
    class Jobs {
      @UseGuards(
        class Never implements CanActivate {
          canActivate() {
            return false;
          }
        },
      )
      @DistributedTimeout(1, { name: 'job' })
      job() {
        return 'done';
      }
    }

    await using app = await compile({ providers: [Jobs] }, {});
    expect(await initAndHear(app, 'run.succeeded', 'job')).toMatchObject({ result: 'done' });
    const [warning] = app.logs.entries.filter(({ message }) => message.includes('enhancers: true'));
    expect(warning).toMatchObject({ level: 'warn', rest: [{ methods: ['Jobs.job'] }, 'DistributedSchedule'] });
  });

  it('run around each attempt inside of middleware: global ones, the class’s, the method’s', async () => {
    const log: string[] = [];
    const Roles = (role: string) => SetMetadata('role', role);

    class Noting implements NestInterceptor {
      constructor(private readonly name: string) {}

      intercept(_context: ExecutionContext, next: CallHandler) {
        log.push(`${this.name} in`);
        return next.handle().pipe(map((value) => `${this.name}(${String(value)})`));
      }
    }

    @Injectable()
    class Gate implements CanActivate {
      constructor(private readonly reflector: Reflector) {}

      canActivate(context: ExecutionContext) {
        const run = taskRunOf(context)!;
        const role = this.reflector.get<string>('role', context.getHandler());
        log.push(`guard ${context.getType()} ${context.getClass().name} ${role} ${run.attempt}`);
        return isTaskContext(context);
      }
    }

    @UseTaskMiddleware((_run, next) => {
      log.push('middleware');
      return next();
    })
    @UseInterceptors(new Noting('class'))
    @Injectable()
    class Jobs {
      @UseInterceptors(new Noting('method'))
      @Roles('clerk')
      @DistributedTimeout(1, { name: 'job', ...RETRIED })
      job({ attempt }: TaskRun) {
        log.push('handler');
        if (attempt === 1) throw new Error('once more');
        return of('first', 'value');
      }
    }

    const providers = [
      Jobs,
      { provide: APP_GUARD, useClass: Gate },
      { provide: APP_INTERCEPTOR, useValue: new Noting('global') },
    ];
    await using app = await compile({ providers }, { enhancers: true });
    expect(await initAndHear(app, 'run.succeeded', 'job')).toMatchObject({
      attempt: 2,
      result: 'global(class(method(value)))',
    });
    const attempt = (nth: number): string[] => [
      ...['middleware', `guard task Jobs clerk ${nth}`, 'global in', 'class in', 'method in', 'handler'],
    ];
    expect(log).toEqual([...attempt(1), ...attempt(2)]);
  });

  it('let an observable end without a value', async () => {
    @Injectable()
    class Jobs {
      @TaskHandler('empty')
      empty() {
        return EMPTY;
      }
    }

    await using app = await start({ providers: [Jobs] }, { enhancers: true });
    const done = event(app, 'run.succeeded', 'empty');
    await app.service.addTask({ name: 'empty', schedule: 'now' });
    expect(await done).not.toHaveProperty('result');
  });

  it('are one instance per attempt where they are request-scoped, in which REQUEST is the run', async () => {
    const seen: unknown[] = [];
    let made = 0;

    @Injectable({ scope: Scope.REQUEST })
    class Gate implements CanActivate {
      private readonly number = ++made;
      constructor(@InjectTaskRun() private readonly run: TaskRun) {}

      canActivate() {
        seen.push([this.number, this.run.task, this.run.attempt]);
        return true;
      }
    }

    @UseGuards(Gate)
    @Injectable()
    class Jobs {
      @DistributedTimeout(1, { name: 'job', ...RETRIED })
      job({ attempt }: TaskRun) {
        if (attempt === 1) throw new Error('once more');
      }
    }

    await using app = await compile({ providers: [Jobs] }, { enhancers: true });
    await initAndHear(app, 'run.succeeded', 'job');
    expect(seen).toEqual([
      [1, 'job', 1],
      [2, 'job', 2],
    ]);
  });

  it('that are no boolean are an option problem', async () => {
    expect(await refusal(compile({}, { enhancers: 'yes' as never }))).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('enhancers: "yes" is none of true, false'),
    });
  });
});

describe('a request-scoped guard of the application', () => {
  it('refuses tasks as well, also of a provider that is not request-scoped', async () => {
    const seen: string[] = [];

    @Injectable({ scope: Scope.REQUEST })
    class Gate implements CanActivate {
      constructor(@InjectTaskRun() private readonly run: TaskRun) {}

      canActivate() {
        seen.push(this.run.task);
        return this.run.task !== 'two';
      }
    }

    @UseGuards({ canActivate: () => true })
    @Injectable()
    class Jobs {
      @DistributedTimeout(1, { name: 'one' })
      one() {}

      @DistributedTimeout(2, { name: 'two' })
      two() {}
    }

    const providers = [Jobs, { provide: APP_GUARD, useClass: Gate }];
    await using app = await compile({ providers }, { enhancers: true });
    const failed = event(app, 'run.failed', 'two');
    await initAndHear(app, 'run.succeeded', 'one');
    expect((await failed).error).toMatchObject({ message: 'A guard refused the run: Forbidden resource' });
    expect(seen).toEqual(['one', 'two']);
  });
});

describe('a guard that refuses', () => {
  it.each([
    ['by false', () => false, 'A guard refused the run: Forbidden resource'],
    [
      'by an exception',
      () => {
        throw new UnauthorizedException('no licence');
      },
      'A guard refused the run: no licence',
    ],
    [
      'by throwing nothing',
      () => {
        throw undefined; // oxlint-disable-line no-throw-literal
      },
      'A guard refused the run: undefined',
    ],
  ])('%s fails the run without another attempt, and the method is not called', async (_how, canActivate, message) => {
    let calls = 0;

    @Injectable()
    class Jobs {
      @UseGuards({ canActivate })
      @DistributedTimeout(1, { name: 'job', ...RETRIED })
      job() {
        calls++;
      }
    }

    await using app = await compile({ providers: [Jobs] }, { enhancers: true });
    const record = await initAndHear(app, 'run.failed', 'job');
    expect(record).toMatchObject({ attempt: 1, error: { name: 'NoRetryError', message } });
    expect(calls).toBe(0);
  });

  it('is another thing than a handler that throws the same: that is retried', async () => {
    let calls = 0;

    @Injectable()
    class Jobs {
      @UseGuards({ canActivate: () => true })
      @DistributedTimeout(1, { name: 'job', ...RETRIED })
      job() {
        calls++;
        throw new ForbiddenException();
      }
    }

    await using app = await compile({ providers: [Jobs] }, { enhancers: true });
    expect(await initAndHear(app, 'run.failed', 'job')).toMatchObject({ attempt: 2, error: { message: 'Forbidden' } });
    expect(calls).toBe(2);
  });
});

describe('a filter', () => {
  class Disk extends Error {}

  @Catch(Disk)
  class Mapping implements ExceptionFilter {
    catch(error: Disk, host: ArgumentsHost): never {
      throw new TypeError(`${taskRunOf(host)!.task}: ${error.message}`);
    }
  }

  const told: unknown[] = [];

  @Catch()
  class Reporting implements ExceptionFilter {
    catch(error: Error, host: ArgumentsHost) {
      told.push([error.message, host.getType(), taskRunOf(host)?.task]);
      return 'all is well';
    }
  }

  const jobs = (filter: new () => ExceptionFilter, canActivate = true) => {
    @UseFilters(filter)
    @Injectable()
    class Jobs {
      @UseGuards({ canActivate: () => canActivate })
      @DistributedTimeout(1, { name: 'job' })
      job() {
        throw new Disk('full');
      }
    }
    return Jobs;
  };

  it('may put another error in the place of the one it catches', async () => {
    await using app = await compile({ providers: [jobs(Mapping)] }, { enhancers: true });
    expect((await initAndHear(app, 'run.failed', 'job')).error).toMatchObject({
      name: 'TypeError',
      message: 'job: full',
    });
  });

  it('that returns, whatever it is, leaves the failure as it is', async () => {
    class Silent {
      catch() {}
    }
    for (const filter of [Reporting, Silent]) {
      told.length = 0;
      await using app = await compile({ providers: [jobs(filter)] }, { enhancers: true });
      expect((await initAndHear(app, 'run.failed', 'job')).error).toMatchObject({ message: 'full' });
      expect(told).toEqual(filter === Reporting ? [['full', 'task', 'job']] : []);
    }
  });

  it('hears of what a guard refuses, and does not make it pass', async () => {
    told.length = 0;
    await using app = await compile({ providers: [jobs(Reporting, false)] }, { enhancers: true });
    expect((await initAndHear(app, 'run.failed', 'job')).error).toMatchObject({
      message: 'A guard refused the run: Forbidden resource',
    });
    expect(told).toEqual([['Forbidden resource', 'task', 'job']]);
  });

  it('of the application hears of tasks as well', async () => {
    told.length = 0;

    @Injectable()
    class Jobs {
      @DistributedTimeout(1, { name: 'job' })
      job() {
        throw new Disk('full');
      }
    }

    const providers = [Jobs, { provide: APP_FILTER, useClass: Reporting }];
    await using app = await compile({ providers }, { enhancers: true });
    await initAndHear(app, 'run.failed', 'job');
    expect(told).toEqual([['full', 'task', 'job']]);
  });
});

describe('pipes', () => {
  it('get the run, and what they give is the argument; parameter decorators of the application work', async () => {
    const seen: unknown[] = [];
    const Tenant = createParamDecorator((_data: unknown, context: ExecutionContext) => {
      const { tenant } = taskRunOf(context)!.payload as { tenant: string };
      return tenant;
    });
    const parsing: PipeTransform = {
      transform: (value: unknown, { type }) =>
        typeof value === 'string' ? value.toUpperCase() : { ...(value as TaskRun), payload: `${type} parsed` },
    };

    @Injectable()
    class Jobs {
      @UsePipes(parsing)
      @DistributedTimeout(1, { name: 'one', payload: 'raw' })
      one(run: TaskRun) {
        seen.push(run.payload);
      }

      @DistributedTimeout(2, { name: 'two', payload: { tenant: 'acme' } })
      two(run: TaskRun, @Tenant(parsing) tenant: string) {
        seen.push([run.task, tenant]);
      }
    }

    await using app = await compile({ providers: [Jobs] }, { enhancers: true });
    const second = event(app, 'run.succeeded', 'two');
    await initAndHear(app, 'run.succeeded', 'one');
    await second;
    expect(seen).toEqual(['custom parsed', ['two', 'ACME']]);
  });

  it('of the application that look at types leave the run alone', async () => {
    const metatypes: unknown[] = [];
    const pipe: PipeTransform = {
      transform: (value: unknown, metadata) => {
        metatypes.push([metadata.type, metadata.metatype]);
        return value;
      },
    };

    @Injectable()
    class Jobs {
      @DistributedTimeout(1, { name: 'job' })
      job(run: TaskRun) {
        return run.task;
      }
    }

    await using app = await compile({ providers: [Jobs, { provide: APP_PIPE, useValue: pipe }] }, { enhancers: true });
    expect(await initAndHear(app, 'run.succeeded', 'job')).toMatchObject({ result: 'job' });
    expect(metatypes).toEqual([['custom', Object]]);
  });
});

describe('a method that serves requests and tasks', () => {
  it('keeps its own arguments for each', async () => {
    const seen: unknown[] = [];

    @Controller()
    class Both {
      @Get('/job')
      @DistributedTimeout(1, { name: 'job' })
      job(run: TaskRun) {
        seen.push(run.task);
      }
    }

    @Module({ controllers: [Both] })
    class BothModule {}

    await using app = await compile({ imports: [BothModule] }, { enhancers: true });
    await initAndHear(app, 'run.succeeded', 'job');
    expect(seen).toEqual(['job']);
  });
});
