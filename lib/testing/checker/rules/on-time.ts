import { startOf } from '../../../core/schedule/schedule.js';
import type { Rule } from '../rule.js';
import { regularClaims } from '../unit-change.js';
import { CORRECTED_MS, type TaskVersion, type World } from '../world.js';

/**
 * Nothing starts before its tick and the jitter of that, which is the same whoever computes it, less than the task says,
 * and over before the next tick.
 */
export function onTime(world: World): Rule {
  return {
    name: 'on-time',
    *unit({ key, task, before, after }) {
      const version = after && world.versionOf(task, after.task);
      for (const { tick } of version ? regularClaims(before, after) : []) {
        const problem = jitterProblem(version!, tick!);
        if (problem) yield `tick ${tick} of ${key} ${problem}`;
      }
    },
    *start({ unit, task, tick, at, process, runId }) {
      if (tick === undefined || world.suffers(undefined, 'server-clock', CORRECTED_MS)) return;
      const due = earliestStart(task, runId, tick);
      if (due - at > world.options.clockErrorMs)
        yield `run ${runId} of "${unit}" was started on ${process} ${due - at} ms before ${due === tick ? 'its tick' : `its time, ${due - tick} ms after its tick`}`;
    },
  };

  /** By the version of the task that the run was claimed under, or one that its node has heard of since. */
  function earliestStart(task: string, runId: string, tick: number): number {
    const grant = world.grants.get(runId);
    const versions = grant ? world.versionsFrom(task, grant.task) : [];
    return versions.length > 0 ? Math.min(...versions.map(({ schedule }) => startOf(schedule, tick))) : tick;
  }
}

function jitterProblem({ schedule, policies: { jitterMs = 0 } }: TaskVersion, tick: number): string | undefined {
  const delay = startOf(schedule, tick) - tick;
  const next = schedule.next(tick);
  if (delay < 0 || (delay > 0 && delay >= jitterMs))
    return `starts ${delay} ms after it, with a jitter of ${jitterMs} ms`;
  return next !== undefined && tick + delay >= next
    ? `starts ${delay} ms after it, when the next one is due`
    : undefined;
}
