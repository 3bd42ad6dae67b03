import 'reflect-metadata';
import type { EventName } from '../../core/events/scheduler-events.js';
import type { PayloadSchema } from '../../core/execution/payload-schema.js';
import type { RetryIf } from '../../core/execution/retry-if.js';
import type { LocalScheduleOptions } from '../../core/schedule/schedule-spec.js';
import type { TaskPolicies } from '../../core/task/policies.js';

/** What every decorator takes, where an application has several schedulers. */
export interface SchedulerChoice {
  /** The name of the scheduler, as given to `forRoot({ name })`. @default the one of `forFeature`, or the one without a name */
  scheduler?: string;
}

/** Which tasks a listener hears of: those for which all that is given holds. */
export interface TaskEventFilter extends SchedulerChoice {
  /** The task's name, or a pattern of it. */
  task?: string | RegExp;
  /** A tag of the task. Of a task that this node does not know any more nobody knows the tags. */
  tag?: string;
}

/** What every decorator that declares a task takes: its name, and how it behaves. */
export interface DecoratedTaskOptions extends TaskPolicies, SchedulerChoice {
  /**
   * Unique in the namespace, and stable: history, pauses and an operator's changes are kept under it. Give one in
   * production, where class names may be minified or change. @default '<Class>.<method>'
   */
  name?: string;
  /** Created, but paused. @default false */
  disabled?: boolean;
  /**
   * Former names, in full whatever `namePrefix` there is: the task goes on with what it has under them. While a node knows
   * only a former one, it goes on under that. See docs/deploys.md. @default none
   */
  aliases?: readonly string[];
  /** Handed to the method as `run.payload`: JSON, at most 64 KiB. */
  payload?: unknown;
}

/** What `@TaskHandler` takes besides the id. */
export interface TaskHandlerOptions<S extends PayloadSchema = PayloadSchema> extends SchedulerChoice {
  /**
   * A schema of zod, valibot, ArkType, or any other Standard Schema. `run.payload` is what it makes of the task's payload;
   * what does not fit is a failed run without retry (`InvalidPayloadError`), and on a node with this handler adding such a
   * task, or running one with such a payload, is refused at once (`INVALID_TASK`). @default none: any payload
   */
  payload?: S;
  /**
   * Which errors are worth another attempt, as far as the task's `retry` allows one. @default all
   * @see RetryOptions.retryIf
   */
  retryIf?: RetryIf;
}

/** What a decorator notes about one method. */
export type MethodMark = {
  method: string | symbol;
  /** As it is written: `@DistributedCron`. */
  decorator: string;
  /** It stands on a static method, which no instance has. */
  isStatic?: true;
} & (
  | {
      kind: 'task';
      /** The argument before the options; it may be a reference, as each of the options. */
      schedule: unknown;
      /** The schedule that the argument means, once it is no reference any more. */
      specOf: (given: unknown) => unknown;
      options: DecoratedTaskOptions & LocalScheduleOptions;
    }
  | { kind: 'handler'; id: unknown; options: TaskHandlerOptions }
  | { kind: 'task-error'; options: SchedulerChoice }
  | { kind: 'listener'; types: readonly EventName[]; allowed: readonly EventName[]; filter?: TaskEventFilter }
);

/** In the global symbol registry, so that two copies of the package in one process understand each other. */
export const METHOD_MARKS = Symbol.for('nestjs-distributed-schedule/method-marks');

/** The name of the scheduler that a mark is for, if it names one; anything, as decorators are not checked before. */
export function schedulerOf(mark: MethodMark): unknown {
  const choice: SchedulerChoice | null | undefined = mark.kind === 'listener' ? mark.filter : mark.options;
  return choice?.scheduler;
}

type Note<M = MethodMark> = M extends MethodMark ? Omit<M, 'method' | 'decorator' | 'isStatic'> : never;

/**
 * A decorator that notes something about the method on its class, and does nothing else. The note names the method and
 * does not hold the function: whatever other decorators put around it, before or after, is what will be called.
 */
export function markMethod(decorator: string, note: Note): MethodDecorator {
  return (target, method) => {
    const isStatic = typeof target === 'function';
    const owner = isStatic ? target : target.constructor;
    const marks = (Reflect.getOwnMetadata(METHOD_MARKS, owner) ?? []) as MethodMark[];
    const mark: MethodMark = { ...note, method, decorator, ...(isStatic && { isStatic }) };
    // The decorators of one method run from the bottom up; in the list they stand as in the source.
    const at = marks.findIndex((other) => other.method === method);
    Reflect.defineMetadata(METHOD_MARKS, marks.toSpliced(at < 0 ? marks.length : at, 0, mark), owner);
  };
}
