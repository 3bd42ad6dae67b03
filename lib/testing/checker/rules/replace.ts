import type { Rule } from '../rule.js';
import { limitOf, type World } from '../world.js';

/** In quiet a run in the way of a tick that is to replace it is told so soon to end. */
const TOLD_MS = 4_000;

/** What is in the way of a tick that is to replace it is told to end, wherever it runs. */
export function replace(world: World): Rule {
  /** By unit: since when its tick has waited for this run. */
  const waiting = new Map<string, { runId: string; task: string; since: number }>();
  return {
    name: 'replace',
    *entry({ at }) {
      if (!world.isQuiet(TOLD_MS)) return;
      for (const [key, { runId, task, since }] of waiting) {
        if (at - Math.max(since, world.quietSince) <= TOLD_MS) continue;
        waiting.delete(key);
        if (mayBeTold(task, at) && isGoingOn(runId, since))
          yield `run ${runId} of ${key} has been in the way of a tick that is to replace it for ${at - since} ms, and was not told to end`;
      }
    },
    unit({ key, task, after, entry }) {
      const version = world.tasks.get(task);
      const [run] = after?.runs ?? [];
      const isReplaced =
        after?.queued !== undefined &&
        version?.policies.overlap === 'replace' &&
        after.runs.length >= limitOf(version.policies) &&
        !run?.backfill;
      if (!isReplaced || !run) waiting.delete(key);
      else if (waiting.get(key)?.runId !== run.id) waiting.set(key, { runId: run.id, task, since: entry.at });
    },
  };

  /** By an owner that has had its time to look. */
  function mayBeTold(task: string, at: number): boolean {
    const able = world.candidatesOf(task);
    return (
      world.tasks.get(task)?.doc.state === 'active' &&
      able.length > 0 &&
      able.every(({ since }) => at - since > TOLD_MS)
    );
  }

  function isGoingOn(runId: string, since: number): boolean {
    return world.calls
      .ofRun(runId)
      .some(
        ({ start, how, aborted, disowned }) =>
          !how && !aborted && !disowned && start.at <= since && !world.suffers(start.process, 'kill'),
      );
  }
}
