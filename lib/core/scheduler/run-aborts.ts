import { withTimeout, type Clock } from '../common/clock.js';
import { errorMessage } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';
import type { Commands } from '../remote/commands.js';
import type { KnownTask } from '../task/catalog.js';
import type { RunLauncher } from './run-launcher.js';
import type { RunEntry } from './unit-state.js';

/** How long a node may take to answer, beside the time in which its handler may end. */
const PATIENCE_MS = 5_000;

/** Aborts runs, on whatever node they are, and waits for their end. */
export class RunAborts {
  /** Asked for already, by run: who asks again gets the same answer. */
  private readonly asked = new Map<string, Promise<boolean>>();

  constructor(
    private readonly launcher: RunLauncher,
    private readonly commands: Commands,
    private readonly nodeId: string,
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
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
    if (run.node === this.nodeId) return false;
    const before = this.asked.get(run.id);
    if (before) return before;
    const answer = this.ask(run, task, reason).finally(() => this.asked.delete(run.id));
    this.asked.set(run.id, answer);
    return answer;
  }

  private async ask({ id, node }: Pick<RunEntry, 'id' | 'node'>, task: KnownTask, reason: string): Promise<boolean> {
    try {
      const patienceMs = task.policies.abortGraceMs + PATIENCE_MS;
      return (await this.commands.ask(node, { abort: { runId: id, reason } }, patienceMs)) ?? false;
    } catch (error) {
      this.logger.debug('A run could not be aborted', { runId: id, node, reason: errorMessage(error) });
      return false;
    }
  }

  /** `undefined`: it is not on this node. */
  private async abortHere(runId: string, reason: string): Promise<true | undefined> {
    if (!this.launcher.abort(runId, reason)) return undefined;
    const run = this.launcher.find(runId);
    if (run?.ended) await withTimeout(this.clock, run.ended, run.task.policies.abortGraceMs);
    return true;
  }
}
