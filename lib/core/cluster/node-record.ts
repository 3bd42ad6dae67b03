import type { EpochMs } from '../common/clock.js';
import { limitsNameOf } from '../task/group-limits.js';
import type { ResolvedPolicies } from '../task/policies.js';
import type { TaskDefinition } from '../task/task-definition.js';

/**
 * What a node is doing:
 *
 * ```
 *   starting ──▶ working ──▶ leaving ──▶ (record removed)
 *      ▲            │ session lost
 *      └────────────┘
 * ```
 *
 * Only `working` nodes are given units. A `leaving` one lets its runs end.
 */
export type NodeStatus = 'starting' | 'working' | 'leaving';

/** When the cluster was last started, as a name and an instant: all its workers carry the same. */
export interface ClusterStart {
  id: string;
  at: EpochMs;
}

/** What is stored at `nodes/<nodeId>`, bound to the node's session. */
export interface NodeRecord {
  id: string;
  /** A restarted process is a new incarnation, even under the same id. */
  boot: string;
  session: string;
  status: NodeStatus;
  hostname: string;
  ip?: string;
  pid: number;
  weight: number;
  labels: Record<string, string>;
  /** Version of the application, as given in the options. */
  version?: string;
  /** Absent for an observer, and while a worker is still joining. */
  life?: ClusterStart;
  /** Version of its time-zone data, as `2026a`: nodes that differ may disagree on local times. */
  tzData?: string;
  /** Ids of the handlers it has; `*` is the default handler. */
  handlers: string[];
  /** Names of the groups whose limits it knows: it is given no task of another group. Absent: none. */
  groups?: string[];
  /** The assignment strategy it is configured with. Absent: the default one. */
  strategy?: string;
  /** Runs going on when the record was written. */
  running: number;
  startedAt: EpochMs;
  /** Written at join, at each change and at each resync; the session, not this, is the proof of life. */
  lastAliveAt: EpochMs;
}

export function decodeNode(text: string): NodeRecord | undefined {
  try {
    const record = JSON.parse(text) as NodeRecord;
    return typeof record.id === 'string' && typeof record.session === 'string' && Array.isArray(record.handlers)
      ? record
      : undefined;
  } catch {
    return undefined;
  }
}

/** The default handler's id: it stands in for the handler of any dynamic task. */
export const DEFAULT_HANDLER = '*';

/** Whether the node may run a task with this handler, these required labels and this group. */
export function isCandidate(
  node: NodeRecord,
  { handler, source }: Pick<TaskDefinition, 'handler' | 'source'>,
  { nodeSelector, group }: Pick<ResolvedPolicies, 'nodeSelector' | 'group'>,
): boolean {
  if (node.status !== 'working') return false;
  const able = node.handlers.includes(handler) || (source === 'dynamic' && node.handlers.includes(DEFAULT_HANDLER));
  if (!able) return false;
  if (group !== undefined && limitsNameOf(node.groups ?? [], group) === undefined) return false;
  return Object.entries(nodeSelector).every(([label, value]) => node.labels[label] === value);
}

/** Whether nothing has changed between two versions of a record that assignment looks at. */
export function sameForPlacement(a: NodeRecord, b: NodeRecord): boolean {
  const relevant = ({ status, boot, handlers, groups, weight, labels, strategy }: NodeRecord): string =>
    JSON.stringify([status, boot, handlers, groups, weight, labels, strategy]);
  return relevant(a) === relevant(b);
}
