import type { Call } from '../calls.js';
import { newRuns } from '../unit-change.js';
import { limitOf, type World } from '../world.js';
import type { Rule } from '../rule.js';

/** How long a process that has thawed may take to notice what it has missed. */
const NOTICE_MS = 1_000;

/** No more runs of a unit at once than its policy allows, unless the session of the earlier one is dead. */
export function overlap(world: World): Rule {
  return {
    name: 'overlap',
    *unit({ key, task, before, after }) {
      if (!after || newRuns(before, after).length === 0 || after.runs.length < 2) return;
      const limits = world.versionsFrom(task, after.task).map(({ policies }) => limitOf(policies));
      if (limits.length > 0 && after.runs.length > Math.max(...limits))
        yield `${key} holds ${after.runs.length} runs at once: ${after.runs.map(({ id }) => id).join(', ')}`;
    },
    *start({ unit, task, runId, process, at, trigger }) {
      for (const call of trigger === 'recovery' ? world.calls.goingOn(unit) : []) {
        const other = call.start.process;
        if (call.start.runId !== runId || other === process || isExcused(call)) continue;
        yield `run ${runId} of "${unit}" was started again on ${process} at ${at} while it was going on on ${other} and had not been told to end`;
      }
      const policies = world.tasks.get(task)?.policies;
      if (!policies || limitOf(policies) > 1) return;
      const mine = world.grants.get(runId)?.unitKey;
      for (const call of world.calls.goingOn(unit)) {
        const { runId: other, process: where } = call.start;
        if (other === runId || isExcused(call)) continue;
        if (mine !== undefined && world.grants.get(other)?.unitKey !== mine) continue; // of a former life of the task
        yield `run ${runId} of "${unit}" was started on ${process} at ${at} while run ${other} was going on on ${where} and had not been told to end`;
      }
    },
  };

  /** It was told to end, or whoever goes on with it cannot know that it should. */
  function isExcused({ start: { process }, aborted, disowned }: Call): boolean {
    if (aborted || disowned || world.suffers(process, 'kill')) return true;
    return world.suffers(process, 'freeze', NOTICE_MS) || world.trustsInVain(process);
  }
}
