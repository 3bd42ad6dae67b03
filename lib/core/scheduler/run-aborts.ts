import { patience, withTimeout } from '../common/clock.js';
import { errorMessage } from '../common/errors.js';
import type { Commands } from '../remote/commands.js';
import type { KnownTask } from '../task/catalog.js';
import type { Unit } from '../task/unit.js';
import { isDead } from './is-dead.js';
import { abortedError } from './live-run.js';
import { decideCancelled } from './run-decisions.js';
import type { RunLauncher } from './run-launcher.js';
import { runRecordOf } from './run-record.js';
import type { SchedulerContext } from './scheduler-context.js';
import { isIdle, type RunEntry } from './unit-state.js';

/** How long a node may take to answer, beside the time in which its handler may end. */
const PATIENCE_MS = 5_000;

/** Aborts runs, on whatever node they are, and waits for their end. */
export class RunAborts {
  /** Asked for already, by run: who asks again gets the same answer. */
  private readonly asked = new Map<string, Promise<boolean>>();

  constructor(
    private readonly context: SchedulerContext,
    private readonly launcher: RunLauncher,
    private readonly commands: Commands,
  ) {
    commands.onCommand = async ({ abort }) => (await this.abortHere(abort.runId, abort.reason)) ?? false;
  }

  /**
   * Resolves when the run has ended or its grace is over.
   * @returns whether it was there to be told. `false` also where its node did not answer
   */
  async abort(run: Pick<RunEntry, 'id' | 'node'>, task: KnownTask, reason: string): Promise<boolean> {
    const here = await this.abortHere(run.id, reason);
    if (here !== undefined) return here;
    if (run.node === this.context.node.id) return false;
    const before = this.asked.get(run.id);
    if (before) return before;
    const answer = this.ask(run, task, reason).finally(() => this.asked.delete(run.id));
    this.asked.set(run.id, answer);
    return answer;
  }

  /**
   * Settles a run that waits and whose node is gone: there is nobody to be told, and whoever would go on with it does not.
   * @returns whether it has ended so
   * @throws RegistryUnavailableError
   */
  async endWaiting(unit: Unit, task: KnownTask, run: RunEntry, reason: string): Promise<boolean> {
    const { registry, units, clock, recorder, events } = this.context;
    if (!isIdle(run) || !(await isDead(registry, run))) return false;
    const at = clock.now();
    const update = await units.update(
      unit,
      (state) => decideCancelled(state, task, run, at),
      patience(clock, PATIENCE_MS),
    );
    if (update === 'gone' || !update.outcome) return false;
    const { name, message } = abortedError(run.id, task.name, reason);
    const record = runRecordOf(unit, run, { endedAt: at, outcome: 'cancelled', error: { name, message } });
    recorder.record(record, run.seq);
    events.emit('run.cancelled', record);
    return true;
  }

  private async ask({ id, node }: Pick<RunEntry, 'id' | 'node'>, task: KnownTask, reason: string): Promise<boolean> {
    try {
      const patienceMs = task.policies.abortGraceMs + PATIENCE_MS;
      return (await this.commands.ask(node, { abort: { runId: id, reason } }, patienceMs)) ?? false;
    } catch (error) {
      this.context.logger.debug('A run could not be aborted', { runId: id, node, reason: errorMessage(error) });
      return false;
    }
  }

  /** `undefined`: it is not on this node. */
  private async abortHere(runId: string, reason: string): Promise<true | undefined> {
    if (!this.launcher.abort(runId, reason)) return undefined;
    const run = this.launcher.find(runId);
    if (run?.ended) await withTimeout(this.context.clock, run.ended, run.task.policies.abortGraceMs);
    return true;
  }
}
