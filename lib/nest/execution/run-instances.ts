import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js';
import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';
import { currentTaskRun } from '../../core/execution/current-run.js';
import type { Wrapper } from '../discovery/decorated-method.js';

/** Instances of those providers of which Nest keeps no single one. */
@Injectable()
export class RunInstances {
  /**
   * All that is made for one attempt of a run shares a context, so that its middlewares, enhancers and handler meet the
   * same instances; `ContextIdFactory.getByRequest(run)` gives it to whoever resolves more. It comes from the application's
   * `ContextIdStrategy`, if there is one: durable providers outlive the attempt.
   */
  ofRun<T>(wrapper: Wrapper, run: object): Promise<T> {
    return this.resolve(wrapper, run, this.contextOf(run));
  }

  /** The context of the attempt that is going on, whatever has been put in its run's place meanwhile. */
  contextOf(run: object): ContextId {
    const subject = currentTaskRun() ?? run;
    const context = ContextIdFactory.getByRequest(subject);
    if (!(REQUEST_CONTEXT_ID in subject)) Object.defineProperty(subject, REQUEST_CONTEXT_ID, { value: context });
    return context;
  }

  /** An instance of its own, in which `REQUEST` is the subject. */
  fresh<T>(wrapper: Wrapper, subject: unknown): Promise<T> {
    return this.resolve(wrapper, subject, ContextIdFactory.create());
  }

  private async resolve<T>(wrapper: Wrapper, subject: unknown, context: ContextId): Promise<T> {
    try {
      // The reference of the module that provides the class: the same token may stand for something else elsewhere.
      const modules = wrapper.host!.providers.get(ModuleRef)!.instance as ModuleRef;
      // What outlives the run must not hold it: as for HTTP, it gets what the strategy says of its tenant.
      const request = wrapper.isDependencyTreeDurable() ? context.payload : subject;
      modules.registerRequestByContextId(request, context);
      return await modules.resolve<T>(wrapper.token as string, context, { strict: true });
    } catch (error) {
      const message = `Nest could not create ${nameOf(wrapper)} for this run: ${errorMessage(error)}`;
      throw new DistributedScheduleError('HANDLER_NOT_FOUND', message, { cause: error });
    }
  }
}

function nameOf({ metatype, token, host }: Wrapper): string {
  const name = typeof metatype === 'function' ? metatype.name : String(token);
  return `${name} of ${host?.metatype.name ?? 'an unknown module'}`;
}
