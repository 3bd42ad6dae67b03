import type { AssignmentStrategy } from '../assignment/assignment-strategy.js';
import type { Clock } from '../common/clock.js';
import type { Random } from '../common/ids.js';
import type { LoggerPort } from '../common/logger.js';
import type { Registry } from '../registry/registry.js';
import type { StoredCalendar } from '../schedule/calendar/named-calendar.js';
import type { ResolvedPolicies } from '../task/policies.js';
import type { GroupLimits } from '../task/group-limits.js';

/** Everything one node's scheduler is made of, checked and complete: durations in milliseconds, nothing optional left open. */
export interface SchedulerOptions {
  registry: Registry;
  /** Whether `stop` closes the registry. */
  ownsRegistry: boolean;
  namespace: string;
  node: {
    id: string;
    boot: string;
    hostname: string;
    ip?: string;
    pid: number;
    weight: number;
    labels: Record<string, string>;
    role: 'worker' | 'observer';
    /** Version of the zone data of this process, as `2026a`. */
    tzData?: string;
  };
  version?: string;
  strategy: AssignmentStrategy;
  timeZone: string;
  /** Calendars that schedules may name. @default none */
  calendars?: Readonly<Record<string, StoredCalendar>>;
  concurrency: number;
  /** Limits of groups of tasks. @default none */
  groups?: Readonly<Record<string, GroupLimits>>;
  defaults: Partial<ResolvedPolicies>;
  cluster: {
    ttlMs: number;
    heartbeatMs: number;
    resyncMs: number;
    claimAheadMs: number;
    standbyDelayMs: number | undefined;
  };
  drainTimeoutMs: number;
  /** How long `start` waits for the registry with `startup: 'wait'`; `undefined` starts in the background. */
  startupTimeoutMs: number | undefined;
  keepRuns: number;
  /** When a static task that no node declares any more is purged; `undefined`: never. */
  orphanPruneAfterMs: number | undefined;
  clock: Clock;
  random: Random;
  logger: LoggerPort;
}

export const DEFAULT_CLUSTER = {
  ttlMs: 10_000,
  resyncMs: 30_000,
  claimAheadMs: 100,
  standbyDelayMs: 2_000,
} as const;

export const DEFAULT_CONCURRENCY = 10;
export const DEFAULT_DRAIN_TIMEOUT_MS = 30_000;
export const DEFAULT_ORPHAN_PRUNE_AFTER_MS = 7 * 86_400_000;
export const DEFAULT_STARTUP_TIMEOUT_MS = 10_000;
