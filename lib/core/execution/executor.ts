import type { Clock, EpochMs } from '../common/clock.js';
import { DistributedScheduleError, errorMessage } from '../common/errors.js';
import type { Random } from '../common/ids.js';
import { type Json, keptJson } from '../common/json.js';
import type { LoggerPort } from '../common/logger.js';
import type { RunError, RunOutcome } from '../common/run.js';
import type { EventHub } from '../events/event-hub.js';
import type { ResolvedPolicies } from '../task/policies.js';
import type { TaskDefinition } from '../task/task-definition.js';
import { withCurrentRun } from './current-run.js';
import type { HandlerTable } from './handler-table.js';
import { around } from './middleware.js';
import { retryMiddleware } from './middlewares/retry.js';
import { isTimeout, timeoutMiddleware, totalTimeout } from './middlewares/timeout.js';
import { isWorthRetrying } from './retry-if.js';
import type { RunAbort } from './run-abort.js';
import { composeSteps, type Invocation } from './run-step.js';
import type { StuckHandlers } from './stuck-handlers.js';
import type { TaskRun } from './task-run.js';

/** What a run needs to be executed, and what it leaves behind. */
export interface Execution {
  readonly definition: Pick<TaskDefinition, 'handler' | 'source'>;
  readonly policies: ResolvedPolicies;
  readonly run: TaskRun;
  readonly abort: RunAbort;
  readonly begunAt: EpochMs;
  readonly pause: Invocation['pause'];
}

export interface ExecutionResult {
  outcome: RunOutcome;
  attempt: number;
  startedAt: EpochMs;
  endedAt: EpochMs;
  result?: Json;
  error?: RunError;
}

/** The longest result of a handler that is kept, in bytes of JSON. */
export const MAX_RESULT_BYTES = 8 * 1024;
const MAX_STACK = 4_000;
const MAX_MESSAGE = 2_000;
const MAX_CODE = 100;

/**
 * Runs handlers. Whatever a handler does, throw, hang, return something that cannot be stored, the answer is an
 * `ExecutionResult`; nothing escapes into the process but what listeners of its signal throw, which Node lets nobody catch.
 */
export class Executor {
  private readonly call: (invocation: Invocation) => Promise<unknown>;

  constructor(
    private readonly handlers: HandlerTable,
    private readonly clock: Clock,
    random: Random,
    private readonly events: EventHub,
    private readonly stuck: StuckHandlers,
    private readonly logger: Pick<LoggerPort, 'error'>,
  ) {
    const onRetry = ({ run }: Invocation, error: string, delayMs: number): void =>
      events.emit('run.retrying', { ...startedEvent(run), error, delayMs });
    const steps = [
      retryMiddleware(clock, random, (invocation, error) => this.isWorthIt(invocation, error), onRetry),
      timeoutMiddleware(clock, (...given) => stuck.awaitEnd(...given)),
    ];
    this.call = composeSteps(steps, (invocation) => this.callHandler(invocation));
  }

  async execute({ run, ...rest }: Execution): Promise<ExecutionResult> {
    const startedAt = run.startedAt.getTime();
    const { abort } = rest;
    const invocation: Invocation = { run, ...rest };
    this.events.emit('run.started', startedEvent(run));
    const limit = totalTimeout(this.clock, { ...rest, id: run.id, task: run.task });
    const settled = await this.untilAborted(invocation, this.call(invocation)).then(
      (value) => this.success(value),
      (error: unknown) => failure(error, run.id, abort),
    );
    limit?.dispose();
    return { attempt: invocation.run.attempt, startedAt, endedAt: this.clock.now(), ...settled };
  }

  private async isWorthIt({ definition, run }: Invocation, error: unknown): Promise<boolean> {
    const entry = this.handlers.find(definition);
    return !entry || isWorthRetrying(entry, error, run.attempt, this.logger);
  }

  private callHandler({ definition, run }: Invocation): Promise<unknown> {
    const entry = this.handlers.find(definition);
    if (!entry) return this.withoutHandler(definition, run);
    const middlewares = [...this.handlers.middlewares, ...entry.middlewares];
    return withCurrentRun(run, around(middlewares, entry.handler));
  }

  private async withoutHandler({ handler }: Execution['definition'], { task }: TaskRun): Promise<never> {
    const known =
      this.handlers
        .ids()
        .map((id) => `"${id}"`)
        .join(', ') || 'none';
    const message = `No handler "${handler}" on this node. Declare @TaskHandler('${handler}') on a provider method; declared are: ${known}`;
    throw new DistributedScheduleError('HANDLER_NOT_FOUND', message, { task });
  }

  /** An aborted run is waited for, but not for ever: a handler that ignores its signal must not hold the shutdown. */
  private untilAborted(invocation: Invocation, call: Promise<unknown>): Promise<unknown> {
    const { abort } = invocation;
    return new Promise((resolve, reject) => {
      const listening = abort.onAbort(() => {
        void this.stuck.awaitEnd(invocation, call).then(() => reject(abort.reason!));
      });
      call.then(
        (value) => {
          listening.dispose();
          resolve(value);
        },
        (error: unknown) => {
          listening.dispose();
          reject(error as Error);
        },
      );
    });
  }

  private success(value: unknown): Pick<ExecutionResult, 'outcome' | 'result' | 'error'> {
    if (value === undefined) return { outcome: 'succeeded' };
    return { outcome: 'succeeded', result: keptJson(value, MAX_RESULT_BYTES) };
  }
}

function startedEvent(run: TaskRun) {
  const { id, task, unit, trigger, nodeId, attempt, startedAt, tick } = run;
  return {
    id,
    task,
    unit,
    trigger,
    nodeId,
    attempt,
    startedAt: startedAt.getTime(),
    ...(tick && { tick: tick.getTime() }),
  };
}

function failure(thrown: unknown, runId: string, abort: RunAbort): Pick<ExecutionResult, 'outcome' | 'error'> {
  const outcome = isTimeout(abort.reason ?? thrown, runId) ? 'timed-out' : abort.aborted ? 'cancelled' : 'failed';
  const error = abort.reason ? abortedError(abort.reason, thrown) : errorOf(thrown);
  const stack = textIn(thrown, 'stack');
  if (outcome === 'failed' && stack !== undefined) error.stack = stack.slice(0, MAX_STACK);
  return { outcome, error };
}

/** Why it was told to end matters more than what its handler made of it: most often an `AbortError` without a reason. */
function abortedError(reason: Error, thrown: unknown): RunError {
  const error = errorOf(reason);
  const said = errorMessage(thrown);
  const isOwn = thrown !== reason && nameOf(thrown) !== 'AbortError' && said !== error.message;
  return isOwn
    ? { ...error, message: `${error.message}; then the handler threw: ${said}`.slice(0, MAX_MESSAGE) }
    : error;
}

function errorOf(thrown: unknown): RunError {
  const code = textIn(thrown, 'code');
  return {
    name: nameOf(thrown),
    message: errorMessage(thrown).slice(0, MAX_MESSAGE),
    ...(code !== undefined && { code: code.slice(0, MAX_CODE) }),
  };
}

function nameOf(thrown: unknown): string {
  return textIn(thrown, 'name') ?? 'Error';
}

function textIn(thrown: unknown, key: 'name' | 'code' | 'stack'): string | undefined {
  const value = thrown !== null && typeof thrown === 'object' ? (thrown as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
