import type { EpochMs } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import type { MisfirePolicy } from '../schedule/misfire.js';

/**
 * What to do when a tick is due while as many runs of the task as may are still going, anywhere in the cluster.
 *
 * - `skip`: the tick does not run; its record names the run in the way.
 * - `queue`: it waits for that run to end. One tick waits at most: the latest, those before it are skipped.
 * - `replace`: as `queue`, and the run in the way is aborted by its signal.
 * - `allow`: it runs beside it. With `maxParallel` there is a limit, beyond which it is skipped.
 */
export type OverlapPolicy = 'skip' | 'queue' | 'allow' | 'replace';

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
  /** The wait never exceeds this. @default '5m', or `delay` where that is longer */
  maxDelay?: Duration;
  /** No attempt is begun later than this after the run was first claimed; with a fixed backoff not less than `delay`. @default none */
  deadline?: Duration;
  /**
   * Whether to try again after this error; `attempt` is the number of the one that failed. For tasks declared in code: a
   * function cannot be stored with a dynamic task. Whatever the policies, a {@link NoRetryError} ends the run.
   * @default always
   */
  retryIf?: (error: unknown, attempt: number) => boolean | Promise<boolean>;
}

export interface TimeoutOptions {
  /** For each attempt; not more than `total`. */
  attempt?: Duration;
  /** For the whole run: all its attempts, and the waits between them. */
  total?: Duration;
}

export interface CircuitBreakerOptions {
  /** So many runs that fail in a row open the circuit. */
  threshold: number;
  /** So long it stays open: ticks are skipped. The one after that is the probe, whose end closes it or opens it anew. @default '1m' */
  halfOpenAfter?: Duration;
}

/** How a task behaves. Every field may be left out; module option `defaults` fills in first, then the defaults here. */
export interface TaskPolicies {
  /** Where slots are scarce, higher goes first. @default 0 */
  priority?: number;
  /**
   * An attempt that takes longer is aborted by its signal, and recorded as timed out unless it is tried again. As
   * `{ attempt, total }` also for the run as a whole. @default none
   */
  timeout?: Duration | TimeoutOptions;
  /** How long a handler may go on after its signal aborted; then the run ends without it, and it is reported as stuck. @default '5s' */
  abortGrace?: Duration;
  /** Call the handler again when it throws or times out. @default one attempt */
  retry?: RetryOptions;
  /** @default 'skip' */
  overlap?: OverlapPolicy;
  /** How many runs of the task may go on at once in the cluster. @default 1; with `overlap: 'allow'` no limit */
  maxParallel?: number;
  /** The group whose limits its runs share with those of other tasks, from the module option `groups`. @default none */
  group?: string;
  /**
   * Stop trying for a while what keeps failing: counted in the cluster, over runs that end as failed, timed out or lost.
   * A tick that falls due meanwhile is skipped with reason `circuit-open`. @default none
   */
  circuitBreaker?: CircuitBreakerOptions;
  /** After so many failed runs in a row the task is paused, with a note that says why, until somebody resumes it. @default never */
  pauseAfter?: number;
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

export interface ResolvedRetry {
  attempts: number;
  delayMs: number;
  backoff: 'fixed' | 'linear' | 'exponential';
  maxDelayMs: number;
  deadlineMs?: number;
}

/** The policies as they are stored and used: durations in milliseconds, nothing left open. */
export interface ResolvedPolicies {
  priority: number;
  timeoutMs?: number;
  totalTimeoutMs?: number;
  abortGraceMs: number;
  retry: ResolvedRetry;
  overlap: OverlapPolicy;
  /** Absent: as `overlap` has it. */
  maxParallel?: number;
  circuitBreaker?: { threshold: number; halfOpenAfterMs: number };
  pauseAfter?: number;
  group?: string;
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
  abortGraceMs: 5_000,
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
