import { Injectable } from '@nestjs/common';
import { Enhancers, type Instance } from '../execution/enhancers.js';
import { RunInstances } from '../execution/run-instances.js';
import type { DecoratedMethod } from './decorated-method.js';

type Call = (...args: unknown[]) => unknown;

/**
 * Makes functions of decorated methods. The method is looked up on the instance when it is called, so that whatever was
 * put around it meanwhile takes part.
 */
@Injectable()
export class HandlerFactory {
  constructor(
    private readonly instances: RunInstances,
    private readonly enhancers: Enhancers,
  ) {}

  /** A handler. Where Nest keeps no single instance, each attempt gets one, in which `REQUEST` is the run. */
  createHandler({ host, mark }: DecoratedMethod): (run: object) => unknown {
    const { wrapper } = host;
    const { method } = mark;
    if (host.isShared) return this.enhancers.around(wrapper.instance as Instance, method);
    return async (run) => {
      const instance = await this.instances.ofRun<Instance>(wrapper, run);
      return this.enhancers.around(instance, method, wrapper.id)(run);
    };
  }

  /** Whether guards and the like stand on the method, and the option that makes them work does not. */
  hasUnusedEnhancers({ host, mark }: DecoratedMethod): boolean {
    return host.isShared && this.enhancers.areUnused(host.wrapper.instance as Instance, mark.method);
  }

  /**
   * A listener. Where Nest keeps no single instance, each call gets one.
   * @param subject which argument is `REQUEST` there
   */
  createListener({ host, mark }: DecoratedMethod, subject: number): Call {
    const { wrapper } = host;
    if (host.isShared) return methodOf(wrapper.instance as Instance, mark.method);
    return async (...args) =>
      methodOf(await this.instances.fresh<Instance>(wrapper, args[subject]), mark.method)(...args);
  }
}

function methodOf(instance: Instance, method: string | symbol): Call {
  return (...args) => instance[method]!(...args);
}
