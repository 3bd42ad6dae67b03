import { Injectable } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { TaskPolicies } from '../../core/task/policies.js';
import { nameProblem } from '../../core/task/validate.js';
import { section, text, type Check } from '../options/checks.js';
import { policies } from '../options/option-problems.js';
import type { ModuleRecord } from '../own-tokens.js';
import { ReferenceAnswers } from '../references/reference-answers.js';
import { settle } from '../references/settle.js';
import { featuresOf } from './feature.module.js';

/** What holds for the decorated methods of a module; nothing in it is a reference any more. */
export interface Feature {
  readonly defaults?: TaskPolicies;
  readonly namePrefix?: string;
  readonly scheduler?: string;
}

const prefix: Check = (value, path) => {
  const problem = nameProblem(value, path);
  return problem === undefined ? [] : [problem];
};

const options = section({ defaults: policies, namePrefix: prefix, scheduler: text });

/** Reads what `DistributedScheduleModule.forFeature()` says about modules. */
@Injectable()
export class Features {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly answers: ReferenceAnswers,
  ) {}

  /** By the module that imports it, and everything that is wrong with them. */
  async settle(): Promise<{ features: Map<ModuleRecord, Feature>; problems: string[] }> {
    const features = new Map<ModuleRecord, Feature>();
    const problems: string[] = [];
    for (const module of this.modules.values()) {
      const given = featuresOf(module);
      if (given.length === 0) continue;
      const place = `${module.name} (forFeature)`;
      if (given.length > 1)
        problems.push(`${place}: it stands ${given.length} times in the imports of the module; keep one of them`);
      const { value, problems: found } = await this.settleOne(given[0], module);
      if (found.length === 0) features.set(module, value);
      problems.push(...found.map((problem) => `${place}: ${problem}`));
    }
    return { features, problems };
  }

  private settleOne(given: unknown, module: ModuleRecord): Promise<{ value: Feature; problems: string[] }> {
    const home = module.providers.get(ModuleRef)!.instance as ModuleRef;
    return settle(given as Feature, (reference) => this.answers.answer(reference, home), {
      problemsOf: (value) => options(value, ''),
      pathOf: (path) => path.join('.'),
    });
  }
}
