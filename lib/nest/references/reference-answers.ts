import { Inject, Injectable, type Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { errorMessage } from '../../core/common/errors.js';
import { isConfigReference, type ConfigReference, type ProviderReference, type Reference } from './reference.js';
import type { Answer } from './settle.js';

/** What is used of the `ConfigService` of `@nestjs/config`. */
interface Configuration {
  get(path: string): unknown;
}

/** Looks up what references stand for. */
@Injectable()
export class ReferenceAnswers {
  constructor(private readonly modules: ModuleRef) {}

  /** @param home the module whose providers are injected; `undefined` where nobody knows it */
  async answer(reference: Reference, home: ModuleRef | undefined): Promise<Answer> {
    try {
      return isConfigReference(reference) ? await this.ofConfig(reference) : await this.ofProviders(reference, home);
    } catch (error) {
      return { problem: errorMessage(error) };
    }
  }

  private async ofConfig({ path, fallback }: ConfigReference): Promise<Answer> {
    if (typeof path !== 'string' || path === '') return { problem: 'give the path of a value in the configuration' };
    const service = await this.configuration();
    const value = service ? service.get(path) : process.env[path];
    if (value !== undefined) return { value };
    if (fallback.length > 0) return { value: fallback[0] };
    const where = service ? '' : ' among the environment variables, and the application has no ConfigService';
    return { problem: `there is no such value${where}; set it, or give a fallback as the second argument` };
  }

  private async configuration(): Promise<Configuration | undefined> {
    const config = await import('@nestjs/config').catch((error: unknown) => {
      if (/Cannot find (package|module) '@nestjs\/config'/.test(errorMessage(error))) return undefined;
      throw error;
    });
    try {
      return config && this.modules.get<Configuration>(config.ConfigService, { strict: false });
    } catch {
      return undefined; // the package is there, and the application does not use it
    }
  }

  private async ofProviders({ tokens, compute }: ProviderReference, home = this.modules): Promise<Answer> {
    const { providers } = await home.create(injecting(tokens), ContextIdFactory.create());
    return { value: await compute(...(providers as never[])) };
  }
}

/** A class whose parameters are these providers: so Nest itself resolves them, by the rules of the module. */
function injecting(tokens: ProviderReference['tokens']): Type<{ providers: unknown[] }> {
  class FromProviders {
    readonly providers: unknown[];

    constructor(...providers: unknown[]) {
      this.providers = providers;
    }
  }
  Object.defineProperty(FromProviders, 'name', { value: 'fromProviders' });
  Reflect.defineMetadata(
    'design:paramtypes',
    tokens.map(() => Object),
    FromProviders,
  );
  for (const [index, token] of tokens.entries()) Inject(token)(FromProviders, undefined, index);
  return FromProviders;
}
