import type { RunOutcome } from '../../../core/common/run.js';
import type { RunEntry } from '../../../core/scheduler/unit-state.js';
import type { Call } from '../calls.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** How a run ended is recorded as it was; with `rerun` no run of a live task is given up. */
export function honestEnd(world: World): Rule {
  return {
    name: 'honest-end',
    *unit({ key, task, before, after, entry }) {
      if (!before || !after) return;
      for (const run of before.runs) {
        if (after.runs.some(({ id }) => id === run.id)) continue;
        const { last } = after;
        if (last?.id !== run.id) {
          yield `run ${run.id} left ${key} without an end`;
          continue;
        }
        const counted = (after.counters[last.outcome] ?? 0) - (before.counters[last.outcome] ?? 0);
        if (counted !== 1) yield `run ${run.id} of ${key} was ${last.outcome}, which was counted ${counted} times`;
        const calls = world.calls.ofRun(run.id).filter(({ start }) => start.process === entry.process);
        const call = calls.at(-1);
        if (
          entry.process !== undefined &&
          run.session !== 'released' &&
          world.grants.get(run.id)?.process === entry.process
        ) {
          const isRemnant = call?.how !== undefined && call.start.at <= world.lossAt; // it had ended, which was lost
          const wrong = isRemnant ? undefined : contradiction(last.outcome, call, run);
          if (wrong) yield `run ${run.id} of ${key} is recorded as ${last.outcome}, but ${wrong}`;
        }
        const version = world.tasks.get(task);
        if (version?.policies.recovery !== 'rerun' || version.doc.state !== 'active' || world.told.isCancelled(run.id))
          continue;
        if (last.outcome === 'cancelled' && world.isReplaceable(task, run.id, run.claimedAt)) continue;
        if (world.versionsFrom(task, before.task).some(({ doc }) => doc.state !== 'active')) continue; // halted meanwhile
        if (last.outcome === 'lost' || (last.outcome === 'cancelled' && call))
          yield `run ${run.id} of ${key} is to be run again until it ends, and was given up as ${last.outcome}`;
      }
    },
  };
}

function contradiction(outcome: RunOutcome, call: Call | undefined, { retry }: RunEntry): string | undefined {
  if (outcome === 'succeeded') return call?.how === 'returned' ? undefined : 'its handler did not return';
  if (outcome === 'failed' && retry?.at !== undefined) return undefined; // there was no time for another attempt
  if (outcome === 'failed') return call?.how === 'threw' ? undefined : 'its handler did not throw';
  if (!call) return undefined;
  if (outcome === 'lost') return 'its own process, which says so, did run it';
  // told to end between two attempts, it had nobody to tell
  return call.aborted || call.how ? undefined : 'its handler was not told to end';
}
