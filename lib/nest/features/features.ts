import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { TaskPolicies } from '../../core/task/policies.js';
import { nameProblem } from '../../core/task/validate.js';
import type { DistributedScheduleOptions } from '../distributed-schedule.options.js';
import { DISTRIBUTED_SCHEDULE_SETTINGS } from '../distributed-schedule.tokens.js';
import { isObject, section, type Check } from '../options/checks.js';
import { defaultGroupProblems, policies } from '../options/option-problems.js';
import { SCHEDULER_NAME, schedulerNames, type ModuleRecord } from '../own-tokens.js';
import { ReferenceAnswers } from '../references/reference-answers.js';
import { settle } from '../references/settle.js';
import { strangerProblem, type SchedulerName } from '../stranger-problem.js';
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

const options = section({
  defaults: policies,
  namePrefix: prefix,
  scheduler: () => [], // held against those of the application
});

/** Reads what `DistributedScheduleModule.forFeature()` says about modules. */
@Injectable()
export class Features {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly answers: ReferenceAnswers,
    @Inject(SCHEDULER_NAME) private readonly name: SchedulerName,
    @Inject(DISTRIBUTED_SCHEDULE_SETTINGS) private readonly settings: DistributedScheduleOptions,
  ) {}

  /**
   * By the module that imports it, and everything that is wrong with them. Of one that is wrong only the scheduler is left,
   * so that its methods are looked at in the same round.
   */
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
      features.set(module, found.length === 0 ? value : { scheduler: this.schedulerOf(value) });
      problems.push(...found.map((problem) => `${place}: ${problem}`));
    }
    return { features, problems };
  }

  private settleOne(given: unknown, module: ModuleRecord): Promise<{ value: Feature; problems: string[] }> {
    const home = module.providers.get(ModuleRef)!.instance as ModuleRef;
    return settle(given as Feature, (reference) => this.answers.answer(reference, home), {
      problemsOf: (value) => [...options(value, ''), ...this.unknownNames(value)],
      pathOf: (path) => path.join('.'),
    });
  }

  private unknownNames(given: unknown): string[] {
    if (!isObject(given)) return [];
    const { scheduler, defaults } = given;
    const names = schedulerNames(this.modules);
    const isLost = scheduler !== undefined && !names.includes(scheduler as SchedulerName);
    const isOwn = this.schedulerOf(given) === this.name;
    return [
      ...(isLost ? [`scheduler: ${strangerProblem(scheduler, names)}`] : []),
      ...(isOwn ? defaultGroupProblems({ defaults, groups: this.settings.groups }) : []), // another one has other groups
    ];
  }

  /** The scheduler that a feature is for; where there is none of that name, whichever is asked. */
  private schedulerOf(given: unknown): SchedulerName {
    const chosen = (isObject(given) ? given.scheduler : undefined) as SchedulerName;
    return schedulerNames(this.modules).includes(chosen) ? chosen : this.name;
  }
}
