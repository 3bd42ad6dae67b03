import type { EpochMs } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import type { MisfirePolicy } from '../schedule/misfire.js';

/** What to do when a tick is due while an earlier run of the same unit is still going, anywhere in the cluster. */
export type OverlapPolicy = 'skip' | 'allow';

/**
 * What happens to a run whose node died. `'none'`: it is recorded as `lost` and never starts again, so a handler starts
 * at most once per tick. `'rerun'`: it is started again on a living node, so a handler finishes at least once.
 */
export type RecoveryPolicy = 'none' | 'rerun';

/** What becomes of a dynamic task that has no tick left. A static one is always kept: its code would declare it anew. */
export type AfterRun = 'keep' | 'delete' | 'purge';

/**
 * Run once at a start, besides the ticks. `'cluster'`: when the first node of a cluster comes up, or the task is new.
 * `'version'`: the first time a node of a new version of the application (module option `version`) looks after it.
 */
export type RunOnStart = 'cluster' | 'version';

export interface RetryOptions {
  /** How often the handler is called at most, the first time included. */
  attempts: number;
  /** Wait before the second attempt. @default '1s' */
  delay?: Duration;
  /** How the wait grows: `fixed` stays, `linear` adds `delay` each time, `exponential` doubles. @default 'exponential' */
  backoff?: 'fixed' | 'linear' | 'exponential';
  /** The wait never exceeds this. @default '5m' */
  maxDelay?: Duration;
}

/** How a task behaves. Every field may be left out; module option `defaults` fills in first, then the defaults here. */
export interface TaskPolicies {
  /** Where slots are scarce, higher goes first. @default 0 */
  priority?: number;
  /** An attempt that takes longer is aborted by its signal and recorded as timed out. @default none */
  timeout?: Duration;
  /** Call the handler again when it throws or times out. @default one attempt */
  retry?: RetryOptions;
  /** @default 'skip' */
  overlap?: OverlapPolicy;
  /** With `overlap: 'allow'`: how many runs of the task may go on at once. @default no limit */
  maxParallel?: number;
  /** What to do with ticks that are later than a second when somebody can take them. @default 'fire-once' */
  misfire?: MisfirePolicy;
  /** With `misfire: 'fire-all'`: at most so many, the latest ones. @default 100 */
  misfireLimit?: number;
  /** A tick older than this never runs, whatever the misfire policy. @default '5m' */
  misfireDeadline?: Duration;
  /** @default 'none' */
  recovery?: RecoveryPolicy;
  /** Whether a second node may take a tick the owner has let pass (only for ticks at least 30 s apart). @default true */
  standby?: boolean;
  /** No tick before this. Of an interval it is the first tick. Text is ISO 8601, without an offset in the zone of its schedule. @default none */
  startAt?: Date | string | number;
  /** No tick after this; then the task is completed. A date alone means the whole day. @default none */
  endAt?: Date | string | number;
  /** After so many runs of its ticks, counted in the cluster, the task is completed. @default no limit */
  maxRuns?: number;
  /**
   * Start each run up to so much later than its tick, and before the next one: how much follows from the task's name and
   * the tick, the same on every node. Spreads tasks that would all start at once; `run.tick` stays the planned instant.
   * @default none
   */
  jitter?: Duration;
  /** @default only at its ticks */
  runOnStart?: RunOnStart;
  /** Run one tick only, then the task is completed. @default false */
  oneShot?: boolean;
  /** What becomes of the task after its last tick. @default 'keep' */
  afterRun?: AfterRun;
  /** Only nodes that carry all these labels run the task. @default any node */
  nodeSelector?: Record<string, string>;
  description?: string;
  tags?: string[];
}

/** The policies as they are stored and used: durations in milliseconds, nothing left open. */
export interface ResolvedPolicies {
  priority: number;
  timeoutMs?: number;
  retry: { attempts: number; delayMs: number; backoff: 'fixed' | 'linear' | 'exponential'; maxDelayMs: number };
  overlap: OverlapPolicy;
  /** Absent: no limit. */
  maxParallel?: number;
  misfire: MisfirePolicy;
  misfireLimit: number;
  misfireDeadlineMs: number;
  recovery: RecoveryPolicy;
  standby: boolean;
  startAt?: EpochMs;
  endAt?: EpochMs;
  /** Absent: no limit. */
  maxRuns?: number;
  jitterMs?: number;
  runOnStart?: RunOnStart;
  oneShot: boolean;
  afterRun: AfterRun;
  nodeSelector: Record<string, string>;
}

export const DEFAULT_POLICIES: ResolvedPolicies = {
  priority: 0,
  retry: { attempts: 1, delayMs: 1_000, backoff: 'exponential', maxDelayMs: 300_000 },
  overlap: 'skip',
  misfire: 'fire-once',
  misfireLimit: 100,
  misfireDeadlineMs: 300_000,
  recovery: 'none',
  standby: true,
  oneShot: false,
  afterRun: 'keep',
  nodeSelector: {},
};
