import type { Json } from '../common/json.js';
import type { Trigger } from '../common/run.js';
import type { TaskRun } from '../execution/task-run.js';
import { lastTick } from '../schedule/ticks.js';
import type { LiveRun } from './live-run.js';
import type { SchedulerContext } from './scheduler-context.js';
import { telling } from './telling.js';
import { attemptsOf } from './unit-state.js';

/**
 * What a handler gets. Its accessors are the same functions for all runs, so that V8 gives all of them one shape: written
 * as those of an object literal they made this object cost more than anything else of a run.
 */
export class HandlerRun implements TaskRun {
  readonly id: string;
  readonly task: string;
  readonly unit: string;
  declare readonly tick?: Date;
  declare readonly nextTick?: Date;
  declare readonly previousTick?: Date | undefined;
  declare readonly signal: AbortSignal;
  readonly startedAt: Date;
  readonly attempt: number;
  readonly trigger: Trigger;
  readonly nodeId: string;
  readonly fencingToken: bigint;
  readonly payload: Json | undefined;
  readonly log: TaskRun['log'];
  readonly progress: TaskRun['progress'];
  readonly #live: LiveRun;

  constructor(live: LiveRun, context: SchedulerContext) {
    const { unit, task, entry, token } = live;
    const { tick, payload } = entry;
    this.#live = live;
    this.id = entry.id;
    this.task = task.name;
    this.unit = unit.name;
    if (tick !== undefined) {
      this.tick = new Date(tick);
      const next = task.schedule.next(tick);
      if (next !== undefined) this.nextTick = new Date(next);
    }
    Object.defineProperty(this, 'previousTick', PREVIOUS_TICK);
    this.startedAt = new Date(context.clock.now());
    this.attempt = attemptsOf(live);
    this.trigger = entry.trigger;
    this.nodeId = context.node.id;
    this.fencingToken = token;
    Object.defineProperty(this, 'signal', SIGNAL);
    this.payload = payload === undefined ? task.doc.definition.payload : payload;
    const { log, progress } = telling(live, context);
    this.log = log;
    this.progress = progress;
  }

  static signalOf(run: HandlerRun): AbortSignal {
    return run.#live.abort.signal;
  }

  /** A search, which most never ask for. */
  static previousTickOf(run: HandlerRun): Date | undefined {
    const { entry, task } = run.#live;
    const before = entry.tick === undefined ? undefined : lastTick(task.schedule, 0, entry.tick - 1);
    return before === undefined ? undefined : new Date(before);
  }
}

/** Like a property that was written down: a spread of the run has it too. */
const shared = (get: (this: HandlerRun) => unknown): PropertyDescriptor => ({
  enumerable: true,
  configurable: true,
  get,
});
const SIGNAL = shared(function () {
  return HandlerRun.signalOf(this);
});
const PREVIOUS_TICK = shared(function () {
  return HandlerRun.previousTickOf(this);
});
