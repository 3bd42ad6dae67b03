import type { EpochMs } from '../common/clock.js';
import type { Schedule } from './schedule.js';
import { countTicks, lastTick, startedBy, tickFromEnd } from './ticks.js';

/**
 * What becomes of late ticks. `'fire-once'`: the latest runs, or the next tick on time if there is one. `'fire-all'`:
 * each runs, in order, up to a limit. `'skip'`: none runs.
 */
export type MisfirePolicy = 'fire-once' | 'fire-all' | 'skip';

/** Why a tick was settled without a run. */
export type SettleReason = 'coalesced' | 'misfire-skipped' | 'too-late' | 'over-limit' | 'data-lost';

/** Ticks in a row that were settled for one reason. */
export interface Stretch {
  /** The first tick of the stretch. */
  from: EpochMs;
  /** The last tick of the stretch, itself settled: the cursor after it. */
  to: EpochMs;
  count: number;
  /** `count` is a lower bound: counting stopped at the cap. */
  atLeast?: true;
  reason: SettleReason;
}

export interface MisfireOptions {
  policy: MisfirePolicy;
  /** With `fire-all`: how many late ticks may wait; of more, the oldest are given up. At least 1. @default 100 */
  limit: number;
  /** A tick older than this never runs, whatever the policy. */
  deadlineMs: number;
  /** A tick not older than this is on time. */
  graceMs: number;
}

export interface TickPlan {
  /** Settled without a run, oldest first, all before the run's tick. */
  settle: Stretch[];
  /** The one tick to claim now. */
  run?: {
    tick: EpochMs;
    trigger: 'schedule' | 'misfire';
    /** More ticks wait behind it, up to the horizon. */
    more: boolean;
  };
}

/**
 * What to do with the ticks in (settledUpTo, horizon]. Pure, and cheap whatever the absence: it jumps over what it does
 * not run. Call it again with the run's tick as `settledUpTo` (without a run: the last stretch's `to`) until neither is
 * left; each tick then is in one stretch or one run, in order.
 *
 * | age of a tick | `fire-once` | `fire-all` | `skip` |
 * |---|---|---|---|
 * | above the deadline | too-late | too-late | too-late |
 * | above the grace | coalesced into the next on time; without one, the latest runs | run, oldest first; beyond the limit over-limit | misfire-skipped |
 * | on time, or ahead | run | run once nothing late is left | run |
 *
 * With jitter the age of a tick counts from the start of its run.
 *
 * @param horizon not before `now`: ticks up to here may be claimed ahead of time
 */
export function planTicks(
  schedule: Schedule,
  settledUpTo: EpochMs,
  now: EpochMs,
  horizon: EpochMs,
  options: MisfireOptions,
): TickPlan {
  const begun = (instant: EpochMs): EpochMs => startedBy(schedule, settledUpTo, instant);
  const expired = Math.max(settledUpTo, begun(lastBefore(now - options.deadlineMs)));
  const late = Math.max(expired, begun(lastBefore(now - options.graceMs)));
  const ahead = begun(horizon);
  const settle: Stretch[] = [];
  const give = (from: EpochMs, to: EpochMs, reason: SettleReason): void => {
    const stretch = stretchOf(schedule, from, to, reason);
    if (stretch) settle.push(stretch);
  };
  const run = (tick: EpochMs, trigger: 'schedule' | 'misfire'): TickPlan => {
    return { settle, run: { tick, trigger, more: (schedule.next(tick) ?? Infinity) <= ahead } };
  };

  give(settledUpTo, expired, 'too-late');
  const onTime = schedule.next(late);
  const prompt = onTime !== undefined && onTime <= ahead ? onTime : undefined;
  if (options.policy === 'fire-all') {
    const oldest = tickFromEnd(schedule, expired, late, options.limit);
    if (oldest?.before !== undefined) give(expired, oldest.before, 'over-limit');
    if (oldest) return run(oldest.tick, 'misfire');
  } else if (options.policy === 'fire-once' && prompt === undefined) {
    const latest = lastTick(schedule, expired, late);
    if (latest !== undefined) {
      give(expired, latest - 1, 'coalesced');
      return run(latest, 'misfire');
    }
  } else {
    give(expired, late, options.policy === 'skip' ? 'misfire-skipped' : 'coalesced');
  }
  return prompt === undefined ? { settle } : run(prompt, 'schedule');
}

/** The last millisecond before `instant`. */
function lastBefore(instant: EpochMs): EpochMs {
  return Math.ceil(instant) - 1;
}

/** The ticks in (after, upTo], where there are any. */
export function stretchOf(
  schedule: Schedule,
  after: EpochMs,
  upTo: EpochMs,
  reason: SettleReason,
): Stretch | undefined {
  const from = schedule.next(after);
  if (from === undefined || from > upTo) return undefined;
  return { from, to: lastTick(schedule, after, upTo)!, ...countTicks(schedule, after, upTo), reason };
}
