import type { RetryState } from '../../../core/scheduler/unit-state.js';
import type { ResolvedPolicies } from '../../../core/task/policies.js';
import type { Call } from '../calls.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/**
 * No (unit, tick) is started by two claims, ever, but for one more in each backfill, and each time a run of it is asked
 * for once more; without `rerun` no run is started by two processes, unless the first has told that its attempt had failed
 * and waits for another one.
 */
export function singleStart(world: World): Rule {
  const runOfTick = new Map<string, { runId: string; at: number }>();
  const attempts = new Set<string>();
  return {
    name: 'single-start',
    *start({ unit, tick, runId, attempt, token, process, task, at, trigger }) {
      const call = `${runId} ${attempt} ${token}`;
      if (attempts.has(call)) yield `attempt ${attempt} of run ${runId} of "${unit}" was started twice`;
      attempts.add(call);
      const unitKey = world.grants.get(runId)?.unitKey ?? unit;
      const {
        again,
        backfill = again === undefined ? (trigger === 'backfill' ? 'unknown' : '') : `again as ${runId}`,
      } = world.origins.get(runId) ?? {};
      if (tick !== undefined && backfill !== 'unknown') {
        const key = `${unitKey} ${tick} ${backfill}`;
        const first = runOfTick.get(key) ?? { runId, at };
        // what was lost and cannot be known of; nor can it where the registry's clock goes back with its data
        const excused = first.at <= world.lossAt && !world.couldKnowOfLoss(process);
        if (first.runId !== runId && !excused)
          yield `tick ${tick} of "${unit}" was started by run ${first.runId} and again by run ${runId}`;
        runOfTick.set(key, first);
      }
      const last = world.calls.ofRun(runId).at(-1);
      const isUnknown = last !== undefined && last.start.at <= world.lossAt && !world.couldKnowOfLoss(process);
      const { policies } = world.tasks.get(task) ?? {};
      if (last && last.start.process !== process && !isUnknown && policies?.recovery === 'none') {
        const retry = world.units.get(unitKey)?.runs.find(({ id }) => id === runId)?.retry;
        const waits = world.watched ? isNoted(last, retry) : mayRetry(last, policies);
        if (!last.how || !waits)
          yield `run ${runId} of "${unit}", which is not to be run again, was started on ${last.start.process} and on ${process}`;
      }
    },
  };
}

/** The unit says that the attempt has been made. */
function isNoted({ start }: Call, retry: RetryState | undefined): boolean {
  return retry !== undefined && retry.made >= start.attempt;
}

function mayRetry({ start, how, aborted }: Call, { retry }: ResolvedPolicies): boolean {
  return how === 'threw' && !aborted && start.attempt < retry.attempts;
}
