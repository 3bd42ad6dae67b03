import { Inject, Injectable, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { DistributedScheduleError } from '../../core/common/errors.js';
import { show } from '../../core/common/show.js';
import {
  isMiddlewareClass,
  middlewareOf,
  type TaskMiddleware,
  type TaskMiddlewareClass,
} from '../../core/execution/middleware.js';
import {
  MIDDLEWARE_MARKS,
  type MiddlewareMarks,
  type TaskMiddlewareItem,
} from '../decorators/use-task-middleware.decorator.js';
import { isShared, type DecoratedMethod, type Wrapper } from '../discovery/decorated-method.js';
import type { DistributedScheduleOptions } from '../distributed-schedule.options.js';
import { DISTRIBUTED_SCHEDULE_SETTINGS } from '../distributed-schedule.tokens.js';
import { RunInstances } from './run-instances.js';
import { TRACING } from './tracing.js';
import { firstOf, visibleProvider } from './visible-provider.js';

interface Resolved {
  middlewares: TaskMiddleware[];
  problems: string[];
}

/** Where middlewares are named. */
interface Surroundings {
  find: (type: Type) => Wrapper | undefined;
  path: (index: number) => string;
  /** What to do where nobody provides a class. */
  cure: string;
}

/** Finds the middlewares that users name, and makes functions of them. */
@Injectable()
export class TaskMiddlewares {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly instances: RunInstances,
    @Inject(DISTRIBUTED_SCHEDULE_SETTINGS) private readonly settings: DistributedScheduleOptions,
    @Inject(TRACING) private readonly tracing: readonly TaskMiddleware[],
  ) {}

  /**
   * Tracing, then those of the option `middleware`. A class of it may be provided by any module.
   * @throws DistributedScheduleError `INVALID_OPTIONS` naming the classes that nobody provides
   */
  ofModule(): TaskMiddleware[] {
    const find = (type: Type): Wrapper | undefined =>
      firstOf(this.modules.values(), ({ providers }) => providers.get(type));
    const { middlewares, problems } = this.resolve(this.settings.middleware ?? [], {
      find,
      path: (index) => `middleware[${index}]`,
      cure: 'add it to the providers of a module of the application',
    });
    if (problems.length === 0) return [...this.tracing, ...middlewares];
    const lines = problems.map((problem) => `\n  - ${problem}`).join('');
    throw new DistributedScheduleError(
      'INVALID_OPTIONS',
      `The options of DistributedScheduleModule are not valid:${lines}`,
    );
  }

  /** Those of the method's class, then its own. */
  ofMethod({ host, mark, place }: DecoratedMethod): Resolved {
    const type = host.isShared ? (host.wrapper.instance as object).constructor : host.wrapper.metatype;
    const items = [...markedOn(type, undefined), ...markedOn(type, mark.method)];
    const module = host.wrapper.host!;
    const find = (wanted: Type): Wrapper | undefined => visibleProvider(module, wanted);
    return this.resolve(items, {
      find,
      path: () => `${place} (@UseTaskMiddleware)`,
      cure: `add it to the providers of ${host.moduleName}, or import a module that exports it`,
    });
  }

  private resolve(items: readonly TaskMiddlewareItem[], { find, path, cure }: Surroundings): Resolved {
    const problems: string[] = [];
    const middlewares = items.map((item, index) => {
      const given = middlewareOf(item);
      if (given) return given;
      const wrapper = isMiddlewareClass(item) ? find(item as Type) : undefined;
      if (wrapper) return this.provided(wrapper);
      problems.push(
        isMiddlewareClass(item)
          ? `${path(index)}: Nest has no provider of the class ${item.name}; ${cure}`
          : `${path(index)}: ${show(item)} is no middleware; give a function (run, next) => … or a class with a method use(run, next)`,
      );
      return [];
    });
    return { middlewares: middlewares.flat(), problems };
  }

  private provided(wrapper: Wrapper): TaskMiddleware {
    if (isShared(wrapper)) {
      const instance = wrapper.instance as TaskMiddlewareClass;
      return (run, next) => instance.use(run, next);
    }
    return async (run, next) => (await this.instances.ofRun<TaskMiddlewareClass>(wrapper, run)).use(run, next);
  }
}

/** The list of the nearest class in the line of inheritance that has one. */
function markedOn(type: unknown, method: string | symbol | undefined): readonly TaskMiddlewareItem[] {
  for (let one: unknown = type; typeof one === 'function'; one = Object.getPrototypeOf(one)) {
    const marks = Reflect.getOwnMetadata(MIDDLEWARE_MARKS, one) as MiddlewareMarks | undefined;
    const own = marks?.get(method);
    if (own) return own;
  }
  return [];
}
