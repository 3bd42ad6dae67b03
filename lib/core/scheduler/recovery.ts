import { errorMessage } from '../common/errors.js';
import type { HandlerTable } from '../execution/handler-table.js';
import type { KnownTask } from '../task/catalog.js';
import type { TaskState } from '../task/task-definition.js';
import type { Unit } from '../task/unit.js';
import type { Permit } from './groups.js';
import { isDead } from './is-dead.js';
import { runRecordOf } from './run-record.js';
import { decideLost, decideTakeOver, held } from './run-decisions.js';
import type { RunLauncher } from './run-launcher.js';
import type { SchedulerContext } from './scheduler-context.js';
import { isWaiting, type RunEntry, type UnitState } from './unit-state.js';

/** What becomes of runs whose node died. Only the owner of a unit looks after its orphans. */
export class Recovery {
  /** Orphans that wait for a slot of this node. */
  private readonly waiting = new Set<string>();

  constructor(
    private readonly context: SchedulerContext,
    private readonly launcher: RunLauncher,
    private readonly handlers: HandlerTable,
  ) {}

  /** Looks at the runs of a unit, as just read, and settles or takes over those whose session is dead. */
  async check(unit: Unit, task: KnownTask, state: UnitState): Promise<void> {
    for (const run of state.runs) {
      if (run.boot === this.context.node.boot ? this.launcher.isLive(run) : !(await isDead(this.context.registry, run)))
        continue;
      const { policies, doc } = task;
      const waitsUntil = run.retry?.at ?? -Infinity; // no handler was running, unless that is what the registry has lost
      const goesOn = policies.recovery === 'rerun' || waitsUntil > this.context.units.settledUpTo;
      if (!goesOn || doc.state === 'cancelled') await this.settle(unit, task, run);
      else if (mayGoOn(run, doc.state) && this.handlers.has(doc.definition)) await this.takeOver(unit, task, run);
    }
  }

  private async settle(unit: Unit, task: KnownTask, run: RunEntry): Promise<void> {
    const { clock, units, recorder, events, logger, node, keeper } = this.context;
    const [at, session] = [clock.now(), keeper.session];
    const update = await units.update(
      unit,
      (state) => decideLost(state, task, run, at),
      () => keeper.session === session,
    );
    if (update === 'gone' || !update.outcome) return;
    const { outcome } = update;
    const what =
      outcome === 'lost'
        ? `node ${run.node} died or lost its session while it held the run`
        : 'its last attempt failed, and its task was cancelled before the next, or the registry has lost what became of that';
    const error = { name: outcome === 'lost' ? 'NodeLost' : 'NotRetried', message: what };
    const record = runRecordOf(unit, run, { endedAt: at, outcome, error });
    recorder.record(record, run.seq);
    logger.warn(`A run of task "${task.name}" is ${outcome}: ${what}. It is not started again`, {
      runId: run.id,
      node: run.node,
      settledBy: node.id,
      recovery: task.policies.recovery,
    });
    events.emit(`run.${outcome}`, record);
  }

  /** One that waits for another attempt takes a slot when that is due; any other waits for one aside, where nothing waits for it. */
  private async takeOver(unit: Unit, task: KnownTask, orphan: RunEntry): Promise<void> {
    if (isWaiting(orphan) || this.context.slots.tryTake()) await this.goOn(unit, task, orphan);
    else if (!this.waiting.has(orphan.id)) void this.awaitSlot(unit, task, orphan);
  }

  private async awaitSlot(unit: Unit, task: KnownTask, orphan: RunEntry): Promise<void> {
    const { slots, closing, logger } = this.context;
    this.waiting.add(orphan.id);
    try {
      if (await slots.take(task.policies.priority, closing)) await this.goOn(unit, task, orphan);
    } catch (error) {
      const what = 'A run whose node died could not be taken over; it is looked for again at the next resync';
      logger.debug(what, { runId: orphan.id, reason: errorMessage(error) });
    } finally {
      this.waiting.delete(orphan.id);
    }
  }

  /** The caller has taken a slot for it, where it takes one. */
  private async goOn(unit: Unit, task: KnownTask, orphan: RunEntry): Promise<void> {
    const takesSlot = !isWaiting(orphan);
    const { slots, units, keeper, clock, node, closing } = this.context;
    const session = keeper.session;
    let launched = false;
    try {
      if (!session || !keeper.trusted() || closing.aborted) return;
      const by = { node: node.id, boot: node.boot, session: session.id, now: clock.now() };
      const taken = { id: orphan.id, boot: node.boot, attempt: orphan.attempt + 1 };
      const update = await units.update(
        unit,
        (state) =>
          (keeper.session === session && keeper.trusted() && !closing.aborted) || held(state, taken) // taken over, unheard
            ? decideTakeOver(state, task, orphan, by)
            : { outcome: undefined },
        () => keeper.session === session,
      );
      if (update === 'gone' || !update.outcome) return;
      launched = true;
      const permit = takesSlot ? await this.takeRoom(task, orphan.id) : undefined;
      void this.launcher.launch({
        unit,
        task,
        entry: update.outcome,
        token: update.token,
        ...(permit && { permit }),
      });
    } finally {
      if (takesSlot && !launched) slots.give();
    }
  }

  /** It goes on, and counts against its group here as it did where it was. */
  private async takeRoom({ policies: { group } }: KnownTask, runId: string): Promise<Permit | undefined> {
    const { groups, logger } = this.context;
    if (!groups.has(group)) return undefined;
    try {
      return await groups.take(group, runId, { force: true });
    } catch (error) {
      logger.debug('A run that was taken over does not count against its group', {
        runId,
        reason: errorMessage(error),
      });
      return undefined;
    }
  }
}

/** What is begun anew waits for the task to go on; what only waits for another attempt comes to its end, as runs do. */
function mayGoOn(run: RunEntry, state: TaskState): boolean {
  return state === 'active' || state === 'completed' || (state === 'paused' && isWaiting(run));
}
