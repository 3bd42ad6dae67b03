import type { RunOutcome } from '../../../core/common/run.js';
import type { Call } from '../calls.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** How a run ended is recorded as it was; with `rerun` no run of a live task is given up. */
export function honestEnd(world: World): Rule {
  const cancelled = new Set<string>();
  return {
    name: 'honest-end',
    entry(entry) {
      if (entry.type === 'ask' && entry.what.startsWith('cancelRun '))
        cancelled.add(entry.what.slice('cancelRun '.length));
    },
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
          const wrong = isRemnant ? undefined : contradiction(last.outcome, call);
          if (wrong) yield `run ${run.id} of ${key} is recorded as ${last.outcome}, but ${wrong}`;
        }
        const version = world.tasks.get(task);
        if (version?.policies.recovery !== 'rerun' || version.doc.state !== 'active' || cancelled.has(run.id)) continue;
        if (world.versionsFrom(task, before.task).some(({ doc }) => doc.state !== 'active')) continue; // halted meanwhile
        if (last.outcome === 'lost' || (last.outcome === 'cancelled' && call))
          yield `run ${run.id} of ${key} is to be run again until it ends, and was given up as ${last.outcome}`;
      }
    },
  };
}

function contradiction(outcome: RunOutcome, call: Call | undefined): string | undefined {
  if (outcome === 'succeeded') return call?.how === 'returned' ? undefined : 'its handler did not return';
  if (outcome === 'failed') return call?.how === 'threw' ? undefined : 'its handler did not throw';
  if (!call) return undefined;
  if (outcome === 'lost') return 'its own process, which says so, did run it';
  // told to end between two attempts, it had nobody to tell
  return call.aborted || call.how ? undefined : 'its handler was not told to end';
}
