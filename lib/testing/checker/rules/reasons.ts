import { startOf } from '../../../core/schedule/schedule.js';
import { countTicks, startedBy } from '../../../core/schedule/ticks.js';
import type { RunEntry, SkipTail, UnitState } from '../../../core/scheduler/unit-state.js';
import { GRACE_MS } from '../../../core/scheduler/claim-decision.js';
import { type CheckerOptions, isSpent, type TaskVersion } from '../world.js';

/** How long after a tick its standby still takes it for one on time, at most. */
const LONGEST_GRACE_MS = 10_000;

/** Where a tick waits that has a run in its way, and one that waited gives way to it. */
const WAITING: ReadonlySet<string> = new Set(['queue', 'replace']);

/** How late a node that was cut off may notice a loss of data, beside two resyncs. */
const NOTICE_MS = 60_000;

/**
 * Whether what became of ticks is what the task's policies say. The write was decided at some moment between `at -
 * writeDelayMs` and `at`, by a clock that may be off by `clockErrorMs`; only what no such moment explains is a problem.
 * How late a tick is counts from when its run was to start: with jitter somewhat after the tick.
 */
export function reasonProblems(
  version: TaskVersion,
  { before, after, claims, at }: { before: UnitState; after: UnitState; claims: readonly RunEntry[]; at: number },
  { clockErrorMs, writeDelayMs, claimAheadMs, resyncMs }: CheckerOptions,
  lossAt: number,
): string[] {
  const { policies, schedule, doc } = version;
  const latest = at + clockErrorMs;
  const earliest = at - writeDelayMs - clockErrorMs;
  const problems: string[] = [];
  const skipped = after.tail && after.tail.seq > (before.tail?.seq ?? -1) ? after.tail : undefined;
  if (skipped) problems.push(...skipProblems(skipped));
  const waited = before.queued;
  for (const { tick, trigger } of claims) {
    if (tick === undefined) continue;
    problems.push(
      ...(tick === waited?.tick ? queuedProblems(tick, trigger) : turnProblems(tick, trigger, claimAheadMs)),
    );
  }
  const { queued } = after;
  if (queued && queued.tick !== waited?.tick) problems.push(...turnProblems(queued.tick, queued.trigger, 0));
  return problems;

  function skipProblems({ reason, from, to, blocker }: SkipTail): string[] {
    const start = startOf(schedule, to);
    const late = start < latest - GRACE_MS;
    const wrong = ((): string | undefined => {
      if (reason === 'too-late')
        return start < latest - policies.misfireDeadlineMs ? undefined : 'its deadline had not passed';
      if (reason === 'overlap') {
        if (start > latest) return 'it was not due yet';
        // it waited, and is a tick no longer
        const isOver = to <= doc.since || isSpent(before, version);
        if (to === before.queued?.tick && isOver)
          return blocker?.runId === before.queued.blocker?.runId ? undefined : 'what had been in its way is not named';
        if (WAITING.has(policies.overlap) && to !== before.queued?.tick) return 'it was to wait';
        return before.runs.some(({ id }) => id === blocker?.runId) ? undefined : 'its blocker was not going on';
      }
      if (reason === 'circuit-open') return circuitProblem(to, start);
      if (reason === 'data-lost') return to <= lossAt + 2 * resyncMs + NOTICE_MS ? undefined : 'nothing was lost of it';
      if (!late) return 'it was not late';
      const policy = reason === 'coalesced' ? 'fire-once' : reason === 'over-limit' ? 'fire-all' : 'skip';
      if (policy !== policies.misfire) return `the policy is ${policies.misfire}`;
      if (reason !== 'over-limit') return undefined;
      const waiting = countTicks(schedule, to, latest - GRACE_MS).count;
      return waiting >= policies.misfireLimit ? undefined : `only ${waiting} late ticks followed it`;
    })();
    return wrong ? [`ticks ${from} to ${to} were settled as ${reason} at ${at}, but ${wrong}`] : [];
  }

  /** Open when the tick was due, or half-open with a run that is to show how it is; one that waited asks when its turn comes. */
  function circuitProblem(tick: number, start: number): string | undefined {
    const { circuitBreaker } = policies;
    const openedAt = before.failures?.since === doc.since ? before.failures.openedAt : undefined;
    if (!circuitBreaker || openedAt === undefined) return 'the circuit was closed';
    const asked = tick === before.queued?.tick ? earliest : start;
    if (asked < openedAt + circuitBreaker.halfOpenAfterMs) return undefined;
    return before.runs.length > 0 ? undefined : 'it would have been the probe';
  }

  /** Its turn had come before, and only its time can have run out. */
  function queuedProblems(tick: number, trigger: string): string[] {
    const wrong = ((): string | undefined => {
      if (trigger !== before.queued!.trigger) return `it waited as ${before.queued!.trigger}`;
      if (tick <= doc.since) return `the task has ticks only after ${doc.since}`;
      const start = startOf(schedule, tick);
      return start < earliest - policies.misfireDeadlineMs ? 'its deadline had passed' : undefined;
    })();
    return wrong ? [`tick ${tick}, which had waited, was claimed at ${at} as ${trigger}, but ${wrong}`] : [];
  }

  function turnProblems(tick: number, trigger: string, aheadMs: number): string[] {
    const wrong = ((): string | undefined => {
      if (schedule.next(tick - 1) !== tick) return 'it is no tick of the schedule';
      const { startAt = -Infinity, endAt = Infinity } = policies;
      if (tick < startAt || tick > endAt) return `there are none but from ${startAt} to ${endAt}`;
      if (tick <= doc.since) return `the task has ticks only after ${doc.since}`;
      const start = startOf(schedule, tick);
      if (start > latest + aheadMs) return 'it is too far ahead';
      if (start < earliest - policies.misfireDeadlineMs) return 'its deadline had passed';
      if (trigger === 'schedule') return start < earliest - LONGEST_GRACE_MS ? 'it was late, a misfire' : undefined;
      if (start > latest - GRACE_MS) return 'it was not late';
      const later = countTicks(schedule, tick, startedBy(schedule, tick, earliest - LONGEST_GRACE_MS)).count;
      if (policies.misfire === 'skip') return 'missed ticks of it are to be skipped';
      if (policies.misfire === 'fire-once')
        return later === 0 ? undefined : `it was not the latest missed one, ${later} followed`;
      return later < policies.misfireLimit ? undefined : `${later} late ticks followed it, more than the limit`;
    })();
    return wrong ? [`tick ${tick} had its turn at ${at} as ${trigger}, but ${wrong}`] : [];
  }
}
