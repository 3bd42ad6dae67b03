import { NOTABLE_OFFSET_MS } from '../cluster/cluster-clock.js';
import type { NodeStatus } from '../cluster/node-record.js';
import type { SchedulerState } from '../scheduler/scheduler-state.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import { zoneDataNote } from '../scheduler/zone-data.js';

/** How this node is, as it knows itself: nothing is asked of the registry for it. */
export interface HealthSnapshot {
  nodeId: string;
  state: SchedulerState;
  /** Whether this node takes its part: in the cluster, or on its way back by itself. `false` when stopped or leaving. */
  ready: boolean;
  /** What is not as it should be and heals by itself, or is worth a look; empty when all is well. */
  degraded: string[];
  session: {
    /** Whether the registry was heard recently enough to claim ticks. */
    trusted: boolean;
  };
  registry: {
    kind: string;
    /** Round trip of the last heartbeat. */
    latencyMs?: number;
    /** Why the last attempt to join failed, while there is no session. */
    lastFailure?: string;
  };
  /** The registry's clock minus this machine's; 0 where the registry tells no time. */
  clockOffsetMs: number;
  /** Units of tasks that this node looks after. */
  owned: number;
  /** Runs whose handler goes on here; those that wait for another attempt take no slot and are not among them. */
  running: number;
  concurrency: number;
  /** The nodes as last seen; out of date while the session is not trusted. */
  nodes: Record<NodeStatus, number>;
}

/** How the node is now. Cheap, and never waits. */
export function healthOf(scheduler: Scheduler): HealthSnapshot {
  const { context, membership, view, launcher, stuck, owned, options, state } = scheduler;
  const { keeper, clock, registry, slots } = context;
  const { latencyMs } = keeper;
  const trusted = keeper.trusted();
  const clockOffsetMs = Math.round(clock.offsetMs);
  const nodes: HealthSnapshot['nodes'] = { starting: 0, working: 0, leaving: 0 };
  for (const { status } of view.list()) nodes[status]++;
  const degraded: string[] = [];
  if (state === 'starting' || state === 'rejoining')
    degraded.push(`not in the cluster (${state}); it is tried until it works`);
  if (state === 'working' && !trusted)
    degraded.push('the registry has not answered lately; nothing is claimed until it does');
  if (Math.abs(clockOffsetMs) > NOTABLE_OFFSET_MS)
    degraded.push(`the clock of this machine is off by ${clockOffsetMs} ms`);
  for (const { task, runId, abortedAt } of stuck.list())
    degraded.push(
      `a handler of task "${task}" goes on since its run ${runId} was aborted at ${new Date(abortedAt).toISOString()}`,
    );
  const zones = zoneDataNote(options.node.tzData, view.list());
  if (zones) degraded.push(zones);
  return {
    nodeId: options.node.id,
    state,
    ready: state !== 'stopped' && state !== 'leaving',
    degraded,
    session: { trusted },
    registry: {
      kind: registry.kind,
      ...(latencyMs !== undefined && { latencyMs: Math.round(latencyMs * 10) / 10 }),
      ...(membership.lastFailure !== undefined && { lastFailure: membership.lastFailure }),
    },
    clockOffsetMs,
    owned: owned.length,
    running: launcher.running,
    concurrency: slots.size,
    nodes,
  };
}
