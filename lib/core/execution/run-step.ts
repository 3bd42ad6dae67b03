import type { EpochMs } from '../common/clock.js';
import type { ResolvedPolicies } from '../task/policies.js';
import type { TaskDefinition } from '../task/task-definition.js';
import type { RunAbort } from './run-abort.js';
import type { TaskRun } from './task-run.js';

/** One run on its way through the executor. `run` is replaced for each attempt. */
export interface Invocation {
  run: TaskRun;
  readonly abort: RunAbort;
  /** A handler that ignored its signal is still going on: another attempt would run beside it. */
  stuck?: boolean;
  /** When the run was first claimed, on whatever node: its deadlines count from then. */
  readonly begunAt: EpochMs;
  /**
   * Waits before the attempt after `attempt`. `false`: the run does not go on here. It was aborted, or another node has
   * it by now.
   */
  pause(attempt: number, delayMs: number): Promise<boolean>;
  readonly definition: Pick<TaskDefinition, 'handler' | 'source'>;
  readonly policies: ResolvedPolicies;
}

/**
 * What the executor puts around the attempts of a run: `next` goes on inwards, once for each attempt. Users put their
 * middleware around each attempt instead.
 */
export type RunStep = (invocation: Invocation, next: () => Promise<unknown>) => Promise<unknown>;

export function composeSteps(steps: readonly RunStep[], innermost: (invocation: Invocation) => Promise<unknown>) {
  return (invocation: Invocation): Promise<unknown> => {
    const step = (index: number): Promise<unknown> => {
      const own = steps[index];
      return own ? own(invocation, () => step(index + 1)) : innermost(invocation);
    };
    return step(0);
  };
}
