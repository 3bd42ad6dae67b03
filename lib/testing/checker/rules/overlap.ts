import { newRuns, type World } from '../world.js';
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
      for (const { start, aborted, disowned } of trigger === 'recovery' ? world.calls.goingOn(unit) : []) {
        const other = start.process;
        if (start.runId !== runId || other === process || aborted || disowned) continue;
        if (world.suffers(other, 'kill') || world.suffers(other, 'freeze', NOTICE_MS) || world.trustsInVain(other))
          continue;
        yield `run ${runId} of "${unit}" was started again on ${process} at ${at} while it was going on on ${other} and had not been told to end`;
      }
      const policies = world.tasks.get(task)?.policies;
      if (!policies || limitOf(policies) > 1) return;
      const mine = world.grants.get(runId)?.unitKey;
      for (const { start, aborted, disowned } of world.calls.goingOn(unit)) {
        if (aborted || disowned || start.runId === runId) continue;
        if (mine !== undefined && world.grants.get(start.runId)?.unitKey !== mine) continue; // of a former life of the task
        const other = start.process;
        if (world.suffers(other, 'kill') || world.suffers(other, 'freeze', NOTICE_MS) || world.trustsInVain(other))
          continue;
        yield `run ${runId} of "${unit}" was started on ${process} at ${at} while run ${start.runId} was going on on ${other} and had not been told to end`;
      }
    },
  };
}

function limitOf({ overlap: policy, maxParallel }: { overlap: string; maxParallel?: number }): number {
  return policy === 'skip' ? 1 : (maxParallel ?? Infinity);
}
