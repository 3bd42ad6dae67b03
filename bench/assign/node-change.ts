/** What a node computes when another one joins or leaves: its own part in the placement of all tasks, standbys included. */
import type { AssignmentStrategy } from '../../lib/core/assignment/assignment-strategy.js';
import { ClusterView } from '../../lib/core/cluster/cluster-view.js';
import type { NodeRecord } from '../../lib/core/cluster/node-record.js';
import { placementOf } from '../../lib/core/scheduler/placement.js';
import { strategyInForce } from '../../lib/core/scheduler/strategy-in-force.js';
import { Catalog } from '../../lib/core/task/catalog.js';
import type { TaskDocument } from '../../lib/core/task/task-definition.js';

/** A replica of that many dynamic tasks with one handler and a schedule of a few, as a node holds it. */
export function catalogOf(names: readonly string[]): Catalog {
  const catalog = new Catalog(() => {}, {
    debug() {},
    log() {},
    warn() {},
    error: unexpected,
  });
  names.forEach((name, i) => {
    const doc: TaskDocument = {
      definition: {
        handler: 'send',
        schedule: { cron: `${i % 60} ${i % 24} * * *`, timeZone: 'Europe/Paris' },
        source: 'dynamic',
        payload: { tenant: i },
      },
      generation: `g${i}`,
      state: 'active',
      since: 0,
      createdAt: 0,
      updatedAt: 0,
    };
    catalog.apply({ key: `tasks/${name}`, value: JSON.stringify(doc), revision: '1', token: 1n });
  });
  return catalog;
}

/** Of a join and of a leave, in milliseconds. */
export interface NodeChange {
  readonly joinMs: number;
  readonly leaveMs: number;
}

export function changeOn(catalog: Catalog, strategy: AssignmentStrategy, nodes: number, round: number): NodeChange {
  const view = new ClusterView(() => {});
  const join = (id: string): void => {
    view.apply({ key: `nodes/${id}`, value: JSON.stringify(record(id, strategy.name)), revision: '1', token: 1n });
  };
  const self = `worker-${round}-0`;
  for (let i = 0; i < nodes; i++) join(`worker-${round}-${i}`);
  const place = (): number => {
    const started = performance.now();
    const { placed } = placementOf(self, catalog.values(), view, strategyInForce(view, strategy));
    const took = performance.now() - started;
    if (placed.size === 0) throw new Error(`${strategy.name} gives ${self} nothing, of ${nodes} nodes`);
    return took;
  };
  place();
  join(`worker-${round}-joining`);
  const joinMs = place();
  view.forget(`worker-${round}-${nodes - 1}`);
  return { joinMs, leaveMs: place() };
}

function unexpected(message: string, details?: object): never {
  throw new Error(`${message}: ${JSON.stringify(details)}`);
}

function record(id: string, strategy: string): NodeRecord {
  return {
    id,
    boot: id,
    session: id,
    status: 'working',
    hostname: 'bench',
    pid: 1,
    weight: 1,
    labels: {},
    handlers: ['send'],
    strategy,
    running: 0,
    startedAt: 0,
    lastAliveAt: 0,
  };
}
