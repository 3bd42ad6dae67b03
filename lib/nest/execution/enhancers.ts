import { Inject, Injectable } from '@nestjs/common';
import { ExternalContextCreator, ModulesContainer, type ContextId } from '@nestjs/core';
import { errorMessage, NoRetryError } from '../../core/common/errors.js';
import type { Wrapper } from '../discovery/decorated-method.js';
import type { DistributedScheduleOptions } from '../distributed-schedule.options.js';
import { DISTRIBUTED_SCHEDULE_SETTINGS } from '../distributed-schedule.tokens.js';
import { RunInstances } from './run-instances.js';
import { TASK_CONTEXT } from './task-context.js';

/** Nest's notes on a method, of `@UseGuards` and the like. */
const ENHANCER_MARKS = ['__guards__', '__interceptors__', '__pipes__', '__exceptionFilters__'];

export type Instance = Record<string | symbol, (...args: unknown[]) => unknown>;
type Call = (...args: unknown[]) => unknown;
interface Made {
  readonly callback: Call;
  readonly call: Call;
  readonly filter: Call;
}

/** Nest's token of what was provided as `APP_GUARD` and the like. */
const GLOBAL = /^APP_(?:GUARD|INTERCEPTOR|PIPE|FILTER) /;
/** Where Nest notes what parameter decorators said, and where it finds what we say of the run. */
const NOTED_ARGUMENTS = '__routeArguments__';
const MADE_BY_FACTORY = '__customRouteArgs__';
const OUR_ARGUMENTS = 'nestjs-distributed-schedule:arguments';
const NO_ARGUMENTS = 'nestjs-distributed-schedule:failure';
/** The first argument, not looked at by decorators: the run. */
const RUN = { '0:0': { index: 0, data: undefined, pipes: [] } };

/** Nest 11 keeps what is said of arguments by class and method alone: it would take what we say of a call for that of a failure. */
const FORGETFUL = { get: () => undefined, set: () => undefined };

/** Puts Nest's guards, interceptors, pipes and filters around methods, if the application wants them. */
@Injectable()
export class Enhancers {
  /** Attempts that a guard refused. */
  private readonly refused = new WeakSet<object>();

  /** Request-scoped ones of the application: Nest makes them for its own routes only. */
  private globals: Wrapper[] | undefined;

  constructor(
    private readonly creator: ExternalContextCreator,
    private readonly modules: ModulesContainer,
    private readonly instances: RunInstances,
    @Inject(DISTRIBUTED_SCHEDULE_SETTINGS) private readonly settings: DistributedScheduleOptions,
  ) {}

  /** Whether the method has some of its own that the option leaves out of use: most likely a mistake. */
  areUnused(instance: Instance, method: string | symbol): boolean {
    const handler = instance[method];
    if (this.settings.enhancers === true || typeof handler !== 'function') return false;
    return ENHANCER_MARKS.some((mark) => Reflect.hasMetadata(mark, handler));
  }

  /**
   * The method, called with a run. What a guard refuses fails without another attempt. A filter may put another error in
   * the place of the one it catches; where it returns, the error stands: a filter that only reports must not make a
   * success of a failure.
   *
   * @param inquirerId Nest's id of the provider, where the instance belongs to one attempt
   */
  around(instance: Instance, method: string | symbol, inquirerId?: string): (run: object) => unknown {
    if (this.settings.enhancers !== true) return (run) => instance[method]!(run);
    let shared: Made | undefined;
    return async (run) => {
      const globals = (this.globals ??= this.findGlobals());
      const isScoped = inquirerId !== undefined || globals.length > 0;
      for (const wrapper of globals) await this.instances.ofRun(wrapper, run);
      // Whatever was put around the method meanwhile takes part.
      if (shared?.callback !== instance[method]) shared = undefined;
      const made = isScoped
        ? this.make(instance, method, this.instances.contextOf(run), inquirerId)
        : (shared ??= this.make(instance, method));
      try {
        return await made.call(run);
      } catch (error) {
        const told = await thrownBy(() => made.filter(run, error));
        throw this.refused.has(run) ? refusal(told ?? error) : (told ?? error);
      }
    };
  }

  private findGlobals(): Wrapper[] {
    const all = [...this.modules.values()].flatMap(({ injectables }) => [...injectables.values()]);
    return all.filter((one) => GLOBAL.test(String(one.token)) && !one.isDependencyTreeStatic());
  }

  private make(instance: Instance, method: string | symbol, contextId?: ContextId, inquirerId?: string): Made {
    const callback = instance[method]!;
    const type = instance.constructor as object;
    Reflect.defineMetadata(OUR_ARGUMENTS, argumentsOf(type, method), type, method);
    Reflect.defineMetadata(NO_ARGUMENTS, RUN, type, method);
    const create = (
      creator: ExternalContextCreator,
      key: string,
      value: (args: unknown[]) => unknown,
      filters: boolean,
    ) =>
      creator.create(
        instance,
        callback,
        method as string,
        key,
        { exchangeKeyForValue: (_type, _data, args) => value(args as unknown[]) },
        contextId,
        inquirerId,
        { guards: !filters, interceptors: !filters, filters },
        TASK_CONTEXT,
      ) as Call;
    const call = create(this.watchful(), OUR_ARGUMENTS, ([run]) => run, false);
    // Called as (run, error): the error is thrown before the method would be called, which leaves it to the filters.
    const filter = create(this.derived({}), NO_ARGUMENTS, ([, error]) => rethrow(error), true);
    return { callback, call, filter };
  }

  /** Nest's creator, which remembers whom a guard refused and leaves it to us to wait for observables. */
  private watchful(): ExternalContextCreator {
    const { creator, refused } = this;
    const createGuardsFn: typeof creator.createGuardsFn = (...args) => {
      const check = creator.createGuardsFn(...args) as ((args: [object]) => Promise<void>) | null;
      if (!check) return null;
      return async (args: [object]) => {
        try {
          await check(args);
        } catch (error) {
          refused.add(args[0]);
          throw error;
        }
      };
    };
    return this.derived({ createGuardsFn, transformToResult: async (result: unknown) => result });
  }

  private derived(changes: object): ExternalContextCreator {
    const derived = Object.create(this.creator) as ExternalContextCreator;
    return Object.assign(derived, { handlerMetadataStorage: FORGETFUL }, changes);
  }
}

/** The run comes first, unless a decorator of the application's own (`createParamDecorator`) says otherwise. */
function argumentsOf(type: object, method: string | symbol): Record<string, unknown> {
  const noted = (Reflect.getMetadata(NOTED_ARGUMENTS, type, method) ?? {}) as Record<string, { index: number }>;
  const own = Object.entries(noted).filter(([key]) => key.includes(MADE_BY_FACTORY));
  return own.some(([, { index }]) => index === 0) ? Object.fromEntries(own) : { ...RUN, ...Object.fromEntries(own) };
}

async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}

function rethrow(error: unknown): never {
  throw error;
}

function refusal(error: unknown): NoRetryError {
  return error instanceof NoRetryError
    ? error
    : new NoRetryError(`A guard refused the run: ${errorMessage(error)}`, { cause: error });
}
