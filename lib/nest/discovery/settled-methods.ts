import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { SchedulerService } from '../../core/service/scheduler-service.js';
import type { MethodMark } from '../decorators/task-metadata.js';
import { Features } from '../features/features.js';
import { OWN_SERVICE, SCHEDULER_NAME, schedulerNames } from '../own-tokens.js';
import type { Path } from '../references/find-references.js';
import { ReferenceAnswers } from '../references/reference-answers.js';
import { settle, type Judge } from '../references/settle.js';
import { declarationOf, toldOf } from './declaration.js';
import type { DecoratedMethod } from './decorated-method.js';
import { handlerProblems } from './handler-problems.js';
import { methodsOf } from './own-methods.js';

/** What may be a reference of each kind of mark: the fields of it that are looked at. */
const FIELDS: { [K in MethodMark['kind']]?: readonly string[] } = { task: ['schedule', 'options'], handler: ['id'] };

/** Completes decorators by what their modules say, and by what references in them stand for. */
@Injectable()
export class SettledMethods {
  constructor(
    private readonly features: Features,
    private readonly answers: ReferenceAnswers,
    private readonly modules: ModulesContainer,
    @Inject(SCHEDULER_NAME) private readonly name: string | undefined,
    @Inject(OWN_SERVICE) private readonly service: SchedulerService,
  ) {}

  /** The methods of this scheduler that are as they should be, and everything that is wrong with others. */
  async settle(found: readonly DecoratedMethod[]): Promise<{ methods: DecoratedMethod[]; problems: string[] }> {
    const { features, problems } = await this.features.settle();
    const all = found.map((method) => ({ ...method, feature: features.get(method.host.wrapper.host!) }));
    const own = methodsOf(this.name, all, schedulerNames(this.modules));
    const settled = await Promise.all(own.methods.map((method) => this.settleOne(method)));
    return {
      methods: settled.filter((one) => one.problems.length === 0).map(({ method }) => method),
      problems: [
        ...problems,
        ...own.problems,
        ...settled.flatMap((one) => one.problems.map((problem) => toldOf(one.method, problem))),
      ],
    };
  }

  private async settleOne(method: DecoratedMethod): Promise<{ method: DecoratedMethod; problems: string[] }> {
    const { host, mark } = method;
    const fields = FIELDS[mark.kind];
    if (!fields || mark.isStatic) return { method, problems: [] };
    const home = host.wrapper.host?.providers.get(ModuleRef)?.instance as ModuleRef | undefined;
    const given = Object.fromEntries(fields.map((field) => [field, mark[field as keyof MethodMark] as unknown]));
    const settledWith = (value: object): DecoratedMethod => ({ ...method, mark: { ...mark, ...value } });
    const judge: Judge<object> = { problemsOf: (value) => this.problemsOf(settledWith(value)), pathOf };
    const { value, problems } = await settle<object>(given, (reference) => this.answers.answer(reference, home), judge);
    return { method: settledWith(value), problems };
  }

  private problemsOf(method: DecoratedMethod): string[] {
    const { mark } = method;
    if (mark.kind === 'task') return declarationOf(method, (input) => this.service.problemsOf(input)).problems;
    return mark.kind === 'handler' ? handlerProblems(mark) : [];
  }
}

/** Where a part of the mark is to be found in the task. */
function pathOf([field, ...inner]: Path): string {
  const keys = field === 'options' ? inner : [field!, ...inner];
  return keys.reduce((path, key) => (/^\d+$/.test(key) ? `${path}[${key}]` : `${path}.${key}`));
}
