import { DEFAULT_STRATEGY } from '../assignment/strategy-table.js';
import type { ClusterStart, NodeRecord } from '../cluster/node-record.js';
import type { EpochMs } from '../common/clock.js';
import type { HandlerTable } from '../execution/handler-table.js';
import type { SchedulerOptions } from './scheduler-options.js';

/** What a node's record says of it, besides its session and status. An observer has no handlers, so it is given nothing. */
export function describeNode(
  { node, version, strategy, groups = {} }: Pick<SchedulerOptions, 'node' | 'version' | 'strategy' | 'groups'>,
  handlers: HandlerTable,
  running: number,
  startedAt: EpochMs,
  life: ClusterStart | undefined,
): Omit<NodeRecord, 'session' | 'status' | 'lastAliveAt'> {
  const { role, ip, ...described } = node;
  return {
    ...described,
    handlers: role === 'observer' ? [] : handlers.ids(),
    running,
    startedAt,
    ...(Object.keys(groups).length > 0 && { groups: Object.keys(groups) }),
    ...(strategy.name !== DEFAULT_STRATEGY && { strategy: strategy.name }),
    ...(ip !== undefined && { ip }),
    ...(life && { life: { id: life.id, at: life.at } }),
    ...(version !== undefined && { version }),
  };
}
