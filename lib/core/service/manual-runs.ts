import { TIMED_OUT, withTimeout } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import { requireDuration } from '../common/duration.js';
import { DistributedScheduleError, taskError } from '../common/errors.js';
import { encodeJson } from '../common/json.js';
import type { RunRecord } from '../common/run.js';
import { decideManual } from '../scheduler/run-decisions.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { KnownTask } from '../task/catalog.js';
import { isLive } from '../task/task-definition.js';
import { MAX_PAYLOAD_BYTES } from '../task/validate.js';
import { PayloadChecks } from './payload-checks.js';

export interface RunTaskOptions {
  /** Instead of the task's own payload: JSON, at most 64 KiB. */
  payload?: unknown;
  /** How long `result()` waits. The run itself obeys the task's `timeout`. @default no limit */
  timeout?: Duration;
}

/** A run that was asked for. */
export interface RunHandle {
  readonly id: string;
  /** Resolves with the record when the run has ended, whatever its outcome. */
  result(): Promise<RunRecord>;
}

/** Runs that no tick stands behind: an ordinary run on this node, under the task's own policies. */
export class ManualRuns {
  constructor(private readonly scheduler: Scheduler) {}

  async run(task: KnownTask, options: RunTaskOptions): Promise<RunHandle> {
    const { context, handlers, launcher, writer } = this.scheduler;
    const { keeper, slots, units, clock, node, runIds } = context;
    const payload = encodeJson(options.payload, MAX_PAYLOAD_BYTES);
    if ('problem' in payload)
      throw taskError('INVALID_TASK', task.name, `The payload of the run cannot be stored: ${payload.problem}`);
    const waitMs = options.timeout === undefined ? undefined : requireDuration(options.timeout, 'timeout');
    const { handler } = task.doc.definition;
    if (this.scheduler.options.node.role === 'observer') {
      throw taskError(
        'HANDLER_NOT_FOUND',
        task.name,
        `This node is an observer and runs nothing; ask for task "${task.name}" on a worker`,
      );
    }
    if (!handlers.has(task.doc.definition))
      throw taskError('HANDLER_NOT_FOUND', task.name, `This node has no handler "${handler}" for task "${task.name}"`);
    const given = options.payload === undefined ? task.doc.definition.payload : options.payload;
    await new PayloadChecks(handlers).require(task.name, { ...task.doc.definition, payload: given });
    await slots.take(task.policies.priority);
    let launched = false;
    try {
      const session = keeper.session;
      const requireMembership = (): void => {
        if (this.scheduler.state === 'working' && session && keeper.session === session && keeper.trusted()) return;
        throw taskError(
          'NOT_RUNNING',
          task.name,
          `This node is not in the cluster (${this.scheduler.state}); nothing runs on it. Try again when it is working`,
        );
      };
      requireMembership();
      const request = {
        runId: runIds.next(),
        node: node.id,
        boot: node.boot,
        session: session!.id,
        now: clock.now(),
        trigger: 'manual' as const,
      };
      const unit = task.units[0]!;
      await units.read(unit); // what is remembered of a run on another node may be long out of date
      for (;;) {
        const known = context.catalog.get(task.name);
        if (known?.doc.state === 'deleted')
          throw taskError('TASK_DELETED', task.name, `Task "${task.name}" has been deleted`);
        if (!known || !isLive(known.doc))
          throw taskError('TASK_NOT_FOUND', task.name, `Task "${task.name}" has been purged`);
        const update = await units.update(
          unit,
          (state) => {
            requireMembership(); // again: it may have waited for an outage to end
            return decideManual(state, known, request);
          },
          () => keeper.session === session,
        );
        if (update === 'gone') throw taskError('TASK_NOT_FOUND', task.name, `Task "${task.name}" has been purged`);
        const { outcome, token } = update;
        if (outcome.kind === 'stale-task') {
          if (await writer.refresh(task.name)) continue;
          throw taskError(
            'CLAIM_CONFLICT',
            task.name,
            `Task "${task.name}" was changed by a version of the library that this one cannot read`,
          );
        } else if (outcome.kind === 'overlap') {
          const { id, node: where } = outcome.blocker;
          throw taskError(
            'TASK_RUNNING',
            task.name,
            `Task "${task.name}" is running already: run ${id} on node ${where}, and its overlap policy allows no other`,
          );
        } else {
          launched = true;
          const end = launcher.launch({
            unit,
            task: known,
            entry: outcome.run,
            token,
            ...(options.payload !== undefined && { payload: options.payload }),
          });
          return { id: request.runId, result: () => this.bounded(end, waitMs, request.runId, task.name) };
        }
      }
    } finally {
      if (!launched) slots.give();
    }
  }

  private async bounded(
    end: Promise<RunRecord>,
    waitMs: number | undefined,
    runId: string,
    task: string,
  ): Promise<RunRecord> {
    if (waitMs === undefined) return end;
    const answer = await withTimeout(this.scheduler.context.clock, end, waitMs);
    if (answer !== TIMED_OUT) return answer;
    throw new DistributedScheduleError(
      'RUN_TIMEOUT',
      `Run ${runId} of task "${task}" has not ended within ${waitMs} ms; it goes on`,
      { runId, task },
    );
  }
}
