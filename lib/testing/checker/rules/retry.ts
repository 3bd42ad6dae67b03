import { unitsOf } from '../../../core/task/unit.js';
import type { RunEntry, UnitState } from '../../../core/scheduler/unit-state.js';
import type { ResolvedRetry } from '../../../core/task/policies.js';
import type { StartEntry, WriteEntry } from '../log.js';
import type { Rule } from '../rule.js';
import { newRuns } from '../unit-change.js';
import { CORRECTED_MS, type World } from '../world.js';

/** In quiet, a run whose node is gone goes on so soon after its next attempt was due, beside the life of a session. */
const GOES_ON_MS = 5_000;

/**
 * A run is tried again as its policy says, and no more: the wait and each further attempt stand in its unit, none begins
 * before its time, after its deadline or beside another one, and a run that waits goes on when its node is gone.
 */
export function retry(world: World): Rule {
  return {
    name: 'retry',
    *unit({ key, task, before, after, entry }) {
      for (const run of before?.runs ?? []) {
        const problem = after && endProblem(run, after, task, entry);
        if (problem) yield `run ${run.id} of ${key}, which waited for another attempt, ${problem}`;
      }
      for (const run of before && after ? after.runs : []) {
        const was = before!.runs.find(({ id }) => id === run.id);
        if (!was || JSON.stringify(was.retry) === JSON.stringify(run.retry)) continue;
        const problem =
          run.retry?.at === undefined ? begunProblem(was, run, entry) : waitProblem(was, run, task, entry);
        if (problem) yield `run ${run.id} of ${key} ${problem}`;
      }
      for (const { id, retry: waits } of after ? newRuns(before, after) : []) {
        const at = waits?.at;
        const was = before?.runs.find((run) => run.id === id);
        if (!was || at === undefined || !world.isQuiet(world.options.sessionTtlMs)) continue;
        const able = world.candidateSince(task) ?? Infinity;
        const resumedAt = world.tasks.get(task)?.doc.updatedAt ?? 0;
        const seenAt = resumedAt > at ? resumedAt + world.options.resyncMs : at; // nobody is told of a run of a halted task
        const due = Math.max(seenAt, able, world.quietSince + world.options.sessionTtlMs);
        if (entry.at - due > GOES_ON_MS)
          yield `run ${id} of ${key}, which had waited on ${was.node}, was taken over ${entry.at - due} ms after it was due`;
      }
    },
    *start(call) {
      if (call.attempt < 2) return;
      const problem = startProblem(call);
      if (problem)
        yield `attempt ${call.attempt} of run ${call.runId} of "${call.unit}" was started on ${call.process}, ${problem}`;
    },
    *finish({ now }) {
      const late = now - world.options.settleMs;
      for (const { name, doc } of world.tasks.values()) {
        if (doc.state !== 'active' || (world.candidateSince(name) ?? Infinity) > late) continue;
        for (const { key } of unitsOf(name, doc))
          for (const { id, retry: waits } of world.units.get(key)?.runs ?? [])
            if (waits?.at !== undefined && waits.at < late && doc.updatedAt < late)
              yield `run ${id} of "${name}" has been due for its next attempt for ${now - waits.at} ms`;
      }
    },
  };

  /** Of the versions that its node may have gone by. */
  function policiesOf(task: string, runId: string): ResolvedRetry[] {
    const origin = world.origins.get(runId);
    if (!origin || origin.claimedAt <= world.lossAt) return [];
    return world.versionsFrom(task, origin.task).map(({ policies }) => policies.retry);
  }

  function waitProblem(
    { retry: was }: RunEntry,
    run: RunEntry,
    task: string,
    { at: now, process }: WriteEntry,
  ): string | undefined {
    const policies = policiesOf(task, run.id);
    const { made, begunAt, at = now } = run.retry!;
    const counted = was?.begunAt ?? run.claimedAt;
    if (begunAt !== counted) return `was claimed at ${counted}, and counts from ${begunAt}`;
    if (policies.length === 0) return undefined;
    const { clockErrorMs } = world.options;
    const wrong = policies.map(({ attempts, deadlineMs = Infinity, ...wait }) => {
      if (made >= attempts) return `is to have another attempt, after ${made} of ${attempts}`;
      if (at > begunAt + deadlineMs)
        return `is to have an attempt at ${at}, after its deadline ${begunAt + deadlineMs}`;
      const longest = longestWait(wait, made);
      const shortest = wait.backoff === 'fixed' ? longest : 0;
      if (isMisled(process)) return undefined;
      const since = world.calls.ofRun(run.id).at(-1)?.endedAt ?? -Infinity;
      if (at < since - clockErrorMs + shortest) return `waits until ${at}, less than ${shortest} ms`;
      return at > now + clockErrorMs + longest ? `waits until ${at}, more than ${longest} ms` : undefined;
    });
    return wrong.includes(undefined) ? undefined : wrong.at(-1);
  }

  function begunProblem(before: RunEntry, run: RunEntry, { at: now, process }: WriteEntry): string | undefined {
    const { retry: was } = before;
    if (!run.retry) return 'has forgotten its attempts';
    if (was && run.retry.made < was.made) return `had made ${was.made} attempts, and says ${run.retry.made}`;
    const isNew = run.retry.made > (was?.made ?? 0);
    const isTakenOver = run.attempt > before.attempt; // and what was under way has been made
    if (isNew && !isTakenOver && was?.at === undefined && world.isQuiet(GOES_ON_MS))
      return 'went on, and had not said that it waits';
    if (was?.at === undefined || isMisled(process)) return undefined;
    return was.at > now + world.options.clockErrorMs
      ? `was to wait until ${was.at}, and went on on ${process} ${was.at - now} ms before`
      : undefined;
  }

  /** Somebody has to go on with it, unless it is told to end or its time is over. */
  function endProblem(
    { id, retry: waits }: RunEntry,
    { runs, last }: UnitState,
    task: string,
    { at, process }: WriteEntry,
  ): string | undefined {
    if (waits?.at === undefined || runs.some((other) => other.id === id) || last?.id !== id) return undefined;
    const versions = world.versionsFrom(task, '0');
    if (versions.some(({ doc }) => doc.state !== 'active' && doc.state !== 'completed')) return undefined; // halted
    if (world.lossAt > -Infinity || world.told.isCancelled(id)) return undefined;
    const { outcome } = last;
    if (outcome === 'cancelled' && !world.isReplaceable(task, id, waits.begunAt))
      return 'was cancelled, and nobody asked for it';
    if (outcome !== 'lost' && outcome !== 'failed') return undefined;
    const isOver = versions.some(
      ({ policies }) => at > waits.begunAt + (policies.retry.deadlineMs ?? Infinity) - world.options.clockErrorMs,
    );
    return isOver || isMisled(process) ? undefined : `was given up as ${outcome}`;
  }

  function startProblem({ runId, attempt, process, at, task, trigger }: StartEntry): string | undefined {
    const before = world.calls.ofRun(runId);
    const stuck = before.find(
      ({ start, how, disowned }) =>
        !how && !disowned && start.process === process && start.attempt === attempt - 1 && trigger !== 'recovery',
    );
    if (stuck) return 'while the one before it went on there';
    const same = before.find(({ start }) => start.attempt === attempt && start.at > world.lossAt);
    if (same && !isExcused(process)) return `which ${same.start.process} had made before`;
    const beside = before.find(
      ({ start, how, aborted, disowned }) =>
        !how && !aborted && !disowned && !isExcused(start.process) && start.attempt !== attempt,
    );
    if (beside) return `beside attempt ${beside.start.attempt} on ${beside.start.process}`;
    const grant = world.grants.get(runId);
    const run = grant && world.units.get(grant.unitKey)?.runs.find(({ id }) => id === runId);
    if (!run || isExcused(process)) return undefined;
    if (run.retry?.made !== attempt - 1) return 'and its unit knows nothing of it';
    if (run.retry.at !== undefined) return 'and was not begun in its unit';
    if (trigger === 'recovery') return undefined; // in the place of one that was cut short, and no retry
    const policies = policiesOf(task, runId);
    if (policies.length === 0) return undefined;
    const most = Math.max(...policies.map(({ attempts }) => attempts));
    if (attempt > most) return `of ${most} at most`;
    const last = run.retry.begunAt + Math.max(...policies.map(({ deadlineMs = Infinity }) => deadlineMs));
    const lateMs = at - last - world.options.clockErrorMs - world.options.writeDelayMs;
    return lateMs > 0 && !isMisled(process) ? `${at - last} ms after its deadline` : undefined;
  }

  /** It does not know what has become of the run meanwhile. */
  function isExcused(process: string): boolean {
    return world.suffers(process, 'kill') || world.suffers(process, 'freeze', 2_000) || world.trustsInVain(process);
  }

  /** By a wrong clock, or it was frozen between what it decided and the write. */
  function isMisled(process: string | undefined): boolean {
    if (world.suffers(undefined, 'server-clock', CORRECTED_MS) || world.suffers(process, 'clock', CORRECTED_MS))
      return true;
    return world.suffers(process, 'freeze', 2_000);
  }
}

/** Before jitter; told once more, not asked of the code that is judged. */
function longestWait({ backoff, delayMs, maxDelayMs }: Omit<ResolvedRetry, 'attempts'>, made: number): number {
  const factors = { fixed: 1, linear: made, exponential: 2 ** (made - 1) };
  return Math.min(delayMs * factors[backoff], maxDelayMs);
}
