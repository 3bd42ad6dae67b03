import type { EpochMs } from '../../core/common/clock.js';
import type { Handler, TaskRun } from '../../core/execution/task-run.js';
import type { LogEntry } from './log.js';

/**
 * The same handler, with a witness: each call, its end and its abort are told as they happen.
 *
 * @param process the incarnation of the node, unique among all that ever ran. Default: the node id, which is one as long
 *   as no process comes back under the id of another
 * @param tell must have handed on what it is told when it returns, or a `kill -9` takes it along
 * @param now the clock the whole log goes by
 */
export function witnessed<P>(
  handler: Handler<P>,
  { process: given, tell, now }: { process?: string; tell: (entry: LogEntry) => void; now: () => EpochMs },
): Handler<P> {
  return async (run: TaskRun<P>) => {
    const { task, unit, id: runId, attempt, trigger, tick, fencingToken, signal, nodeId } = run;
    const process = given ?? nodeId;
    const call = { process, task, runId, attempt };
    const token = String(fencingToken);
    tell({ type: 'start', at: now(), ...call, unit, trigger, token, ...(tick && { tick: tick.getTime() }) });
    const aborted = (): void => tell({ type: 'abort', at: now(), ...call });
    signal.addEventListener('abort', aborted, { once: true });
    try {
      const value = await handler(run);
      tell({ type: 'end', at: now(), ...call, how: 'returned' });
      return value;
    } catch (error) {
      tell({ type: 'end', at: now(), ...call, how: 'threw' });
      throw error;
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  };
}
