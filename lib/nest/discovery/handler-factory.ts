import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';
import type { DecoratedHost, DecoratedMethod } from './decorated-method.js';

type Instance = Record<string | symbol, (...args: unknown[]) => unknown>;

/** Makes functions of decorated methods. */
@Injectable()
export class HandlerFactory {
  /**
   * Looks the method up on the instance when it is called, so that whatever was put around it meanwhile takes part.
   * Where Nest keeps no single instance, each call gets a fresh one, in which `REQUEST` is what the call is about.
   *
   * @param subject which argument that is
   */
  create({ host, mark }: DecoratedMethod, subject = 0): (...args: unknown[]) => unknown {
    if (host.isShared) {
      const instance = host.wrapper.instance as Instance;
      return (...args) => instance[mark.method]!(...args);
    }
    return async (...args) => {
      const instance = await this.instantiate(host, args[subject]);
      return instance[mark.method]!(...args);
    };
  }

  private async instantiate(host: DecoratedHost, request: unknown): Promise<Instance> {
    const { wrapper, className, moduleName } = host;
    const context = ContextIdFactory.create();
    try {
      // The reference of the module that provides the class: the same token may stand for something else elsewhere.
      const modules = wrapper.host!.providers.get(ModuleRef)!.instance as ModuleRef;
      modules.registerRequestByContextId(request, context);
      return await modules.resolve<Instance>(wrapper.token as string, context, { strict: true });
    } catch (error) {
      const message = `Nest could not create ${className} of ${moduleName} for this run: ${errorMessage(error)}`;
      throw new DistributedScheduleError('HANDLER_NOT_FOUND', message, { cause: error });
    }
  }
}
