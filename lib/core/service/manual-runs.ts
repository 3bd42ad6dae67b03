import { sleep, TIMED_OUT, withTimeout } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import { requireDuration } from '../common/duration.js';
import { DistributedScheduleError, taskError } from '../common/errors.js';
import { encodeJson, type Json } from '../common/json.js';
import type { RunRecord } from '../common/run.js';
import { blockerOf } from '../scheduler/claim.js';
import { decideManual } from '../scheduler/run-decisions.js';
import { RunAbort } from '../execution/run-abort.js';
import { type Admission, Entrance } from '../scheduler/entrance.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { KnownTask } from '../task/catalog.js';
import type { RunEntry } from '../scheduler/unit-state.js';
import { isLive } from '../task/task-definition.js';
import { MAX_PAYLOAD_BYTES } from '../task/validate.js';
import { anything, duration, requireOptions } from './arguments.js';
import { PayloadChecks } from './payload-checks.js';
import { RunFinder } from './run-finder.js';

export interface RunTaskOptions {
  /** Instead of the task's own payload: JSON, at most 64 KiB. */
  payload?: unknown;
  /**
   * How long the call waits for its turn, where another run, its group or a full node is in the way, and then `result()` for its end.
   * The run itself obeys the task's `timeout`. @default no limit
   */
  timeout?: Duration;
}

/** A run that was asked for. */
export interface RunHandle {
  readonly id: string;
  /**
   * Resolves with the record when the run has ended, whatever its outcome, and also where another node goes on with it.
   * Rejects with `RUN_TIMEOUT` when its time is over; with `NOT_RUNNING` when this node leaves the cluster and another one
   * goes on with the run; with `RUN_NOT_FOUND` where it has ended on another node and is not on record.
   */
  result(): Promise<RunRecord>;
}

/** Its end is `undefined` where it is not over for the cluster. */
interface Begun {
  id: string;
  end: Promise<RunRecord | undefined>;
}

/** How soon, and then how often, a run that has to wait for another one looks whether that has ended. */
const FIRST_POLL_MS = 500;
const MAX_POLL_MS = 2_000;

/** Runs that are asked for: ordinary runs on this node, under the task's own policies. */
export class ManualRuns {
  private readonly entrance: Entrance;

  constructor(private readonly scheduler: Scheduler) {
    this.entrance = new Entrance(scheduler.context);
  }

  async run(task: KnownTask, options: RunTaskOptions, again?: RunRecord): Promise<RunHandle> {
    requireOptions('runTask', options, { payload: anything, timeout: duration });
    const payload = this.storable(task.name, options.payload);
    const waitMs = options.timeout === undefined ? undefined : requireDuration(options.timeout, 'timeout');
    const { clock } = this.scheduler.context;
    const until = waitMs === undefined ? Infinity : clock.monotonic() + waitMs;
    this.requireHandler(task);
    const { definition } = task.doc;
    const given = payload === undefined ? definition.payload : payload;
    await new PayloadChecks(this.scheduler.handlers).require(task.name, { ...definition, payload: given });
    for (;;) {
      const claimed = await this.claim(task, payload, again, until);
      if ('end' in claimed) return { id: claimed.id, result: () => this.resultOf(claimed, waitMs, task.name) };
      await this.awaitTurn(task, claimed.blocker, until);
    }
  }

  private storable(task: string, payload: unknown): Json | undefined {
    if (payload === undefined) return undefined;
    const encoded = encodeJson(payload, MAX_PAYLOAD_BYTES);
    if ('text' in encoded) return JSON.parse(encoded.text) as Json;
    throw taskError('INVALID_TASK', task, `The payload of the run cannot be stored: ${encoded.problem}`);
  }

  private requireHandler({ name, doc, policies: { group } }: KnownTask): void {
    if (this.scheduler.options.node.role === 'observer') {
      const what = `This node is an observer and runs nothing; ask for task "${name}" on a worker`;
      throw taskError('HANDLER_NOT_FOUND', name, what);
    }
    if (this.scheduler.context.groups.lacks(group)) {
      const what = `This node does not know the limits of group "${group}"; ask for task "${name}" on a node whose option groups has it`;
      throw taskError('INVALID_TASK', name, what);
    }
    if (this.scheduler.handlers.has(doc.definition)) return;
    const { handler } = doc.definition;
    throw taskError('HANDLER_NOT_FOUND', name, `This node has no handler "${handler}" for task "${name}"`);
  }

  /** Enters the run into its unit and starts it, or tells which run is in the way. */
  private async claim(
    task: KnownTask,
    payload: Json | undefined,
    again: RunRecord | undefined,
    until: number,
  ): Promise<Begun | { blocker: RunEntry }> {
    const { context, launcher, writer } = this.scheduler;
    const { keeper, slots, groups, units, clock, node, runIds } = context;
    const runId = runIds.next(task.name);
    const { permit } = await this.enter(task, runId, until);
    let launched = false;
    try {
      if (!keeper.trusted()) await keeper.renew().catch(() => false); // a stepped clock is no reason to refuse
      const session = keeper.session;
      const requireMembership = (): void => {
        if (this.scheduler.state === 'working' && session && keeper.session === session && keeper.trusted()) return;
        const what = `This node is not in the cluster (${this.scheduler.state}); nothing runs on it. Try again when it is working`;
        throw taskError('NOT_RUNNING', task.name, what);
      };
      requireMembership();
      const request = {
        runId,
        node: node.id,
        boot: node.boot,
        session: session!.id,
        now: clock.now(),
        trigger: 'manual' as const,
        ...(payload !== undefined && { payload }),
        ...(again && { again: { id: again.id, ...(again.tick !== undefined && { tick: again.tick }) } }),
      };
      const unit = task.units[0]!;
      await units.read(unit); // what is remembered of a run on another node may be long out of date
      for (;;) {
        const known = this.requireLive(task.name);
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
        if (outcome.kind === 'overlap') return { blocker: outcome.blocker };
        if (outcome.kind === 'claimed') {
          launched = true;
          const room = permit && { permit };
          const end = launcher.launch({ unit, task: known, entry: outcome.run, token, ...room });
          return { id: request.runId, end };
        }
        if (outcome.kind === 'again') {
          const what = `Run ${again!.id} is made up for by run ${outcome.by} already`;
          throw taskError('RUN_STATE', task.name, what);
        }
        if (await writer.refresh(task.name)) continue;
        const what = `Task "${task.name}" was changed by a version of the library that this one cannot read`;
        throw taskError('CLAIM_CONFLICT', task.name, what);
      }
    } finally {
      if (!launched) slots.give();
      if (!launched && permit) void groups.give(permit, { unused: true });
    }
  }

  /** Waits for a slot and room. @throws `RUN_TIMEOUT` where there was none in time, `NOT_RUNNING` once this node leaves */
  private async enter({ name, policies }: KnownTask, runId: string, until: number): Promise<Admission> {
    const { clock, closing } = this.scheduler.context;
    const patience = new RunAbort();
    const tooLate = (): void => {
      const what = `Run of task "${name}" found no slot on this node, or no room in its group, in time; nothing was started`;
      patience.abort(taskError('RUN_TIMEOUT', name, what));
    };
    const timer = until === Infinity ? undefined : clock.setTimer(Math.max(0, until - clock.monotonic()), tooLate);
    const leaving = closing.onAbort(() => patience.abort(closing.reason!));
    try {
      const admission = await this.entrance.enter(runId, policies, patience);
      if (admission) return admission;
      throw patience.reason!;
    } finally {
      timer?.dispose();
      leaving.dispose();
    }
  }

  private requireLive(name: string): KnownTask {
    const known = this.scheduler.context.catalog.get(name);
    if (known?.doc.state === 'deleted') throw taskError('TASK_DELETED', name, `Task "${name}" has been deleted`);
    if (!known || !isLive(known.doc)) throw taskError('TASK_NOT_FOUND', name, `Task "${name}" has been purged`);
    return known;
  }

  /**
   * As its task has it: the run in the way is waited for, or told to end, by whoever holds no slot and no room meanwhile.
   * @throws `TASK_RUNNING` where it is neither
   */
  private async awaitTurn(task: KnownTask, first: RunEntry, until: number): Promise<void> {
    const { units, closing } = this.scheduler.context;
    let blocker: RunEntry | undefined = first;
    for (let pollMs = FIRST_POLL_MS; blocker; pollMs = Math.min(2 * pollMs, MAX_POLL_MS)) {
      await this.awaitEnd(task, blocker, until, pollMs);
      if (closing.aborted) return;
      const known = this.requireLive(task.name);
      const state = await units.read(task.units[0]!);
      blocker = state && blockerOf(state, known);
    }
  }

  /** For so long, at most. @throws `TASK_RUNNING` where the task lets no run wait, `RUN_TIMEOUT` once its time is over */
  private async awaitEnd(task: KnownTask, blocker: RunEntry, until: number, pollMs: number): Promise<void> {
    const { name, policies } = task;
    const { aborts, launcher, context } = this.scheduler;
    const { clock } = context;
    if (policies.overlap !== 'queue' && policies.overlap !== 'replace') {
      const what = `Task "${name}" is running already: run ${blocker.id} on node ${blocker.node}, and its overlap policy allows no other`;
      throw taskError('TASK_RUNNING', name, what);
    }
    if (clock.monotonic() >= until) {
      const what = `Run ${blocker.id} of task "${name}" on node ${blocker.node} did not end in time for another one`;
      throw taskError('RUN_TIMEOUT', name, what);
    }
    const isTold =
      policies.overlap === 'replace' && (await aborts.abort(blocker, task, 'a run that was asked for replaces it'));
    if (isTold) return;
    const waitMs = Math.min(pollMs, until - clock.monotonic());
    const end = launcher.find(blocker.id)?.ended;
    await (end ? withTimeout(clock, end, waitMs) : sleep(clock, waitMs));
  }

  /** How the run has ended, on whatever node. */
  private async resultOf({ id: runId, end }: Begun, waitMs: number | undefined, task: string): Promise<RunRecord> {
    const over = new AbortController();
    const ended = end.then((record) => record ?? new RunFinder(this.scheduler).ended(runId, over.signal));
    if (waitMs === undefined) return ended;
    const answer = await withTimeout(this.scheduler.context.clock, ended, waitMs);
    over.abort();
    if (answer !== TIMED_OUT) return answer;
    throw new DistributedScheduleError(
      'RUN_TIMEOUT',
      `Run ${runId} of task "${task}" has not ended within ${waitMs} ms; it goes on`,
      { runId, task },
    );
  }
}
