import type { AssignmentStrategy } from '../assignment/assignment-strategy.js';
import { DEFAULT_STRATEGY, STRATEGIES } from '../assignment/strategy-table.js';
import type { ClusterView } from '../cluster/cluster-view.js';
import type { NodeRecord } from '../cluster/node-record.js';

/** How the cluster shares out its tasks. */
export interface StrategyInForce {
  readonly name: string;
  /** Absent where this node does not have it: then it is given nothing. */
  readonly strategy?: AssignmentStrategy;
  /** Whether the node has it: everybody has those of the library. */
  readonly has: (node: NodeRecord) => boolean;
}

/**
 * The strategy that most workers are configured with, of several such the first by name: from the same view every node
 * finds the same, also while a deploy changes it node by node.
 */
export function strategyInForce(view: Pick<ClusterView, 'list'>, own: AssignmentStrategy): StrategyInForce {
  const votes = new Map<string, number>();
  for (const node of view.list()) {
    if (node.status === 'working' && node.handlers.length > 0) {
      const vote = strategyOf(node);
      votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
  }
  const [[name] = [own.name]] = [...votes].sort(([a, many], [b, others]) => others - many || (a < b ? -1 : 1));
  const known = ours(name);
  const strategy = name === own.name ? own : known;
  return { name, ...(strategy && { strategy }), has: (node) => known !== undefined || strategyOf(node) === name };
}

/** Of the library. */
function ours(name: string): AssignmentStrategy | undefined {
  return Object.hasOwn(STRATEGIES, name) ? STRATEGIES[name as keyof typeof STRATEGIES] : undefined;
}

function strategyOf({ strategy = DEFAULT_STRATEGY }: NodeRecord): string {
  return strategy;
}
