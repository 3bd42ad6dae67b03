import { DEFAULT_STRATEGY, resolveStrategy } from '../../core/assignment/strategy-table.js';
import type { Clock } from '../../core/common/clock.js';
import { requireDuration, type Duration } from '../../core/common/duration.js';
import { DistributedScheduleError } from '../../core/common/errors.js';
import { randomId, systemRandom } from '../../core/common/ids.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { DEFAULT_KEEP_RUNS } from '../../core/history/recorder.js';
import { guardRegistry } from '../../core/registry/guarded-registry.js';
import type { Registry } from '../../core/registry/registry.js';
import type { StoredCalendar } from '../../core/schedule/calendar/named-calendar.js';
import {
  DEFAULT_CLUSTER,
  DEFAULT_CONCURRENCY,
  DEFAULT_DRAIN_TIMEOUT_MS,
  DEFAULT_ORPHAN_PRUNE_AFTER_MS,
  DEFAULT_STARTUP_TIMEOUT_MS,
  type SchedulerOptions,
} from '../../core/scheduler/scheduler-options.js';
import { normalizePolicies } from '../../core/task/normalize-policies.js';
import type { GroupLimits } from '../../core/task/group-limits.js';
import type {
  ClusterOptions,
  DistributedScheduleOptions,
  GroupOptions,
  NodeOptions,
} from '../distributed-schedule.options.js';
import { thisAddress, thisHostname } from './this-host.js';

export const DEFAULT_NAMESPACE = 'default';
export const DEFAULT_TIME_ZONE = 'UTC';

/** Checked options with every default filled in, as the core takes them. */
export function resolveOptions(
  given: DistributedScheduleOptions,
  parts: { registry: Registry; clock: Clock; logger: LoggerPort; calendars: Record<string, StoredCalendar> },
): SchedulerOptions {
  const { version, shutdown, startup, history, orphans, defaults } = given;
  return {
    ...parts,
    registry: guardRegistry(parts.registry, parts),
    ownsRegistry: parts.registry !== given.registry,
    namespace: given.namespace ?? DEFAULT_NAMESPACE,
    node: resolveNode(given.node ?? {}),
    ...(version !== undefined && { version }),
    strategy: resolveStrategy(given.assignment ?? DEFAULT_STRATEGY),
    timeZone: given.timeZone ?? DEFAULT_TIME_ZONE,
    concurrency: given.concurrency ?? DEFAULT_CONCURRENCY,
    ...(given.groups && { groups: resolveGroups(given.groups) }),
    defaults: normalizePolicies(defaults ?? {}, 'defaults', []),
    cluster: resolveCluster(given.cluster ?? {}, parts.registry),
    drainTimeoutMs: ms(shutdown?.drainTimeout, DEFAULT_DRAIN_TIMEOUT_MS),
    startupTimeoutMs: startup === 'background' ? undefined : DEFAULT_STARTUP_TIMEOUT_MS,
    keepRuns: history?.keepRuns ?? DEFAULT_KEEP_RUNS,
    orphanPruneAfterMs:
      orphans?.pruneAfter === false ? undefined : ms(orphans?.pruneAfter, DEFAULT_ORPHAN_PRUNE_AFTER_MS),
    random: systemRandom,
  };
}

function resolveGroups(given: Readonly<Record<string, GroupOptions>>): Record<string, GroupLimits> {
  const limits = ({ concurrency, rate }: GroupOptions): GroupLimits => ({
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate: { limit: rate.limit, perMs: requireDuration(rate.per, '') } }),
  });
  return Object.fromEntries(Object.entries(given).map(([name, group]) => [name, limits(group)]));
}

function resolveNode({
  id,
  ip = thisAddress(),
  hostname = thisHostname(),
  ...node
}: NodeOptions): SchedulerOptions['node'] {
  return {
    id: id ?? `${thisHostname()}-${randomId(systemRandom, 4)}`,
    boot: randomId(systemRandom, 12),
    hostname,
    ...(ip !== undefined && { ip }),
    pid: process.pid,
    weight: node.weight ?? 1,
    labels: node.labels ?? {},
    role: node.role ?? 'worker',
    ...(process.versions.tz !== undefined && { tzData: process.versions.tz }),
  };
}

function resolveCluster(given: ClusterOptions, { kind, capabilities }: Registry): SchedulerOptions['cluster'] {
  const { minSessionTtlMs } = capabilities;
  const ttlMs =
    given.sessionTtl === undefined ? Math.max(DEFAULT_CLUSTER.ttlMs, minSessionTtlMs) : ms(given.sessionTtl, 0);
  if (ttlMs < minSessionTtlMs) {
    const message = `cluster.sessionTtl: ${JSON.stringify(given.sessionTtl)} is shorter than the registry (${kind}) can do; give at least ${minSessionTtlMs} ms`;
    throw new DistributedScheduleError(
      'INVALID_OPTIONS',
      `The options of DistributedScheduleModule are not valid:\n  - ${message}`,
    );
  }
  const { standbyDelay } = given;
  return {
    ttlMs,
    heartbeatMs: ms(given.heartbeatInterval, Math.round(ttlMs / 3)),
    resyncMs: ms(given.resyncInterval, DEFAULT_CLUSTER.resyncMs),
    claimAheadMs: ms(given.claimAhead, DEFAULT_CLUSTER.claimAheadMs),
    standbyDelayMs: standbyDelay === false ? undefined : ms(standbyDelay, DEFAULT_CLUSTER.standbyDelayMs),
  };
}

const ms = (given: Duration | undefined, byDefault: number): number =>
  given === undefined ? byDefault : requireDuration(given, '');
