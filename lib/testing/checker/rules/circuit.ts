import { startOf } from '../../../core/schedule/schedule.js';
import type { Failures } from '../../../core/scheduler/failures.js';
import type { RunEntry, UnitState } from '../../../core/scheduler/unit-state.js';
import type { Rule } from '../rule.js';
import { regularClaims, type UnitChange } from '../unit-change.js';
import { CORRECTED_MS, type TaskVersion, type World } from '../world.js';

/**
 * Runs that fail one after another are counted over all nodes, from when the task last began anew; a success ends the
 * count. From the threshold on the circuit is open: no tick that is due then is run, and after it one alone, the probe.
 */
export function circuit(world: World): Rule {
  return {
    name: 'circuit',
    *unit(change) {
      const { key, before, after, task, entry } = change;
      if (!before || !after) return;
      const miscounted = countProblem(change, before, after);
      if (miscounted) yield `${key}: ${miscounted}`;
      const version = world.versionOf(task, after.task);
      for (const run of version ? regularClaims(before, after) : []) {
        const broken = claimProblem(version!, run, before, entry.at, entry.process);
        if (broken) yield `tick ${run.tick} of ${key} was claimed, and ${broken}`;
      }
    },
  };

  function countProblem({ task }: UnitChange, before: UnitState, after: UnitState): string | undefined {
    const ended = before.runs.find(({ id }) => !after.runs.some((run) => run.id === id));
    const found = textOf(after.failures);
    if (!ended || after.last?.id !== ended.id)
      return found === textOf(before.failures)
        ? undefined
        : `its failures went from ${textOf(before.failures)} to ${found}, and no run ended`;
    if (ended.claimedAt <= world.lossAt) return undefined; // its policies may be lost
    // who settles it for another may know the task as it was long ago
    const versions = world.versionsFrom(task, after.last.outcome === 'lost' ? '0' : grantOf(ended));
    const expected = versions.map((version) => textOf(failuresAfter(version, before.failures, after.last!)));
    if (versions.length === 0 || expected.includes(found)) return undefined;
    return `run ${ended.id} was ${after.last.outcome}, and its failures went from ${textOf(before.failures)} to ${found} instead of ${expected.at(-1)}`;
  }

  function grantOf({ id }: RunEntry): string {
    return world.origins.get(id)?.task ?? '0';
  }

  function claimProblem(
    { doc, schedule, policies }: TaskVersion,
    { tick }: RunEntry,
    { failures, runs, queued }: UnitState,
    at: number,
    process: string | undefined,
  ): string | undefined {
    const { circuitBreaker } = policies;
    if (!circuitBreaker || failures?.since !== doc.since || failures.openedAt === undefined) return undefined;
    const probe = failures.openedAt + circuitBreaker.halfOpenAfterMs;
    const hadWaited = queued?.tick === tick;
    if (hadWaited && (world.suffers(process, 'clock') || world.suffers(undefined, 'server-clock', CORRECTED_MS)))
      return undefined; // it was asked for by a wrong clock whether its time had come
    const due = hadWaited ? at + world.options.clockErrorMs : startOf(schedule, tick!);
    if (due < probe) return `the circuit is open until ${probe}`;
    return runs.length === 0 ? undefined : `the circuit is half-open, with ${runs.length} runs going on`;
  }
}

/** As the policies have it; told once more, not asked of the code that is judged. */
function failuresAfter(
  { doc: { since }, policies: { circuitBreaker, pauseAfter } }: TaskVersion,
  before: Failures | undefined,
  { outcome, at }: NonNullable<UnitState['last']>,
): Failures | undefined {
  const isCounted = circuitBreaker !== undefined || pauseAfter !== undefined;
  if (!isCounted || outcome === 'cancelled' || (before !== undefined && before.since > since)) return before;
  if (outcome === 'succeeded') return undefined;
  const count = before?.since === since ? before.count + 1 : 1;
  return { since, count, ...(circuitBreaker && count >= circuitBreaker.threshold && { openedAt: at }) };
}

function textOf(failures: Failures | undefined): string {
  return failures ? `${failures.count} since ${failures.since}, opened ${failures.openedAt ?? 'never'}` : 'none';
}
