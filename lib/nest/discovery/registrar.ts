import { Inject, Injectable } from '@nestjs/common';
import { DEFAULT_HANDLER } from '../../core/cluster/node-record.js';
import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';
import type { LoggerPort } from '../../core/common/logger.js';
import type { HandlerExtras } from '../../core/execution/handler-table.js';
import { withPayloadSchema } from '../../core/execution/payload-schema.js';
import type { Handler } from '../../core/execution/task-run.js';
import { Scheduler } from '../../core/scheduler/scheduler.js';
import type { SchedulerService } from '../../core/service/scheduler-service.js';
import { DISTRIBUTED_SCHEDULE_LOGGER } from '../distributed-schedule.tokens.js';
import { EventBridge } from '../execution/event-bridge.js';
import { TaskMiddlewares } from '../execution/task-middlewares.js';
import { OWN_SERVICE } from '../own-tokens.js';
import { declarationOf, isUnnamed, nameProblems, toldOf } from './declaration.js';
import type { DecoratedMethod } from './decorated-method.js';
import { eventListener, listenerProblems } from './event-listener.js';
import { Explorer } from './explorer.js';
import { HandlerFactory } from './handler-factory.js';
import { SettledMethods } from './settled-methods.js';
import { taskErrorListener } from './task-error-listener.js';

/** Tells the scheduler what is decorated in this application. */
@Injectable()
export class Registrar {
  constructor(
    private readonly explorer: Explorer,
    private readonly settled: SettledMethods,
    private readonly factory: HandlerFactory,
    private readonly middlewares: TaskMiddlewares,
    private readonly bridge: EventBridge,
    private readonly scheduler: Scheduler,
    @Inject(OWN_SERVICE) private readonly service: SchedulerService,
    @Inject(DISTRIBUTED_SCHEDULE_LOGGER) private readonly logger: LoggerPort,
  ) {}

  /** @throws DistributedScheduleError `INVALID_TASK` with every problem of every decorated method; `INVALID_OPTIONS` */
  async registerAll(): Promise<void> {
    this.bridge.connect();
    this.scheduler.handlers.use(...this.middlewares.ofModule());
    const { methods: found, problems } = this.explorer.explore();
    const { methods, problems: unsettled } = await this.settled.settle(found);
    const { ambiguous, problems: unclear } = nameProblems(methods);
    problems.push(...unclear, ...unsettled);
    for (const method of methods) {
      const unusable = unusableMethod(method);
      if (unusable) problems.push(unusable);
      else if (!ambiguous.has(method)) problems.push(...this.register(method));
    }
    if (problems.length === 0) return this.warn(methods);
    const lines = problems.map((problem) => `\n  - ${problem}`).join('');
    throw new DistributedScheduleError('INVALID_TASK', `Decorated methods cannot be scheduled:${lines}`);
  }

  private register(method: DecoratedMethod): string[] {
    const { mark, place } = method;
    const origin = `${place} (${mark.decorator})`;
    if (mark.kind === 'task-error') {
      const listener = taskErrorListener(this.factory.createListener(method, 1), origin, this.logger);
      this.scheduler.context.events.listen(listener);
      return [];
    }
    if (mark.kind === 'listener') {
      const wrong = listenerProblems(mark);
      if (wrong.length > 0) return wrong.map((problem) => `${origin}: ${problem}`);
      const { context } = this.scheduler;
      const tagsOf = (task: string): readonly string[] => context.catalog.get(task)?.doc.definition.tags ?? [];
      const call = this.factory.createListener(method, 0);
      context.events.listen(eventListener(mark, call, { origin, logger: this.logger, tagsOf }));
      return [];
    }
    const handler = this.factory.createHandler(method) as Handler;
    const { middlewares, problems: unknown } = this.middlewares.ofMethod(method);
    if (unknown.length > 0) return unknown;
    if (mark.kind === 'handler') {
      const { payload, retryIf } = mark.options;
      const checked = payload ? withPayloadSchema(payload, handler) : handler;
      const id = (mark.id as string | undefined) ?? DEFAULT_HANDLER;
      return this.addHandler(id, checked, origin, { middlewares, ...(retryIf && { retryIf }) });
    }
    const { input, problems } = declarationOf(method, (task) => this.service.problemsOf(task));
    if (!input) return problems.map((problem) => toldOf(method, problem));
    const retryIf = input.retry?.retryIf;
    const clash = this.addHandler(input.name, handler, origin, { middlewares, ...(retryIf && { retryIf }) });
    return clash.length > 0 ? clash : problemsIn(() => this.service.declareTask(input));
  }

  private warn(methods: readonly DecoratedMethod[]): void {
    this.warnOfUnnamed(methods);
    const unused = methods.filter((method) => this.factory.hasUnusedEnhancers(method)).map(({ place }) => place);
    if (unused.length > 0)
      this.logger.warn(
        'Guards, interceptors, pipes and filters do nothing for a task without the option enhancers: true',
        {
          methods: unused,
        },
      );
  }

  /** A minifier or a rename makes another task of an unnamed one, and the first is left behind. */
  private warnOfUnnamed(methods: readonly DecoratedMethod[]): void {
    const tasks = methods.filter(isUnnamed).map(({ place }) => place);
    if (tasks.length === 0 || process.env.NODE_ENV !== 'production') return;
    this.logger.warn('Tasks are named after their class and method; give each a name that no build step changes', {
      tasks,
    });
  }

  private addHandler(id: string, handler: Handler, origin: string, extras: HandlerExtras): string[] {
    return problemsIn(() => this.scheduler.handlers.add(id, handler, origin, extras));
  }
}

function problemsIn(work: () => void): string[] {
  try {
    work();
    return [];
  } catch (error) {
    return [errorMessage(error)];
  }
}

/** Why the method cannot be called on an instance. */
function unusableMethod({ host, mark, place }: DecoratedMethod): string | undefined {
  if (mark.isStatic)
    return `${place} (${mark.decorator}): it is a static method; put the decorator on a method of the instance`;
  if (!host.isShared) return undefined;
  const instance = host.wrapper.instance as Record<string | symbol, unknown> | null | undefined;
  if (instance === null || instance === undefined) {
    return `${place} (${mark.decorator}): Nest has made no instance of ${host.className} in ${host.moduleName}; provide the class itself, or a factory that returns one`;
  }
  return typeof instance[mark.method] === 'function'
    ? undefined
    : `${place} (${mark.decorator}): on the instance it is no method but ${instance[mark.method] === null ? 'null' : typeof instance[mark.method]}`;
}
