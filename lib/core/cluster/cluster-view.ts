import { keys } from '../registry/keyspace.js';
import type { Entry } from '../registry/registry.js';
import { decodeNode, type NodeRecord } from './node-record.js';

export type NodeChange =
  | { type: 'joined'; node: NodeRecord }
  | { type: 'changed'; node: NodeRecord; before: NodeRecord }
  | { type: 'left'; node: NodeRecord };

/** The nodes as this node sees them. May lag: it decides who tries, never who may. */
export class ClusterView {
  private readonly known = new Map<string, { node: NodeRecord; token: bigint }>();

  constructor(private readonly onChange: (change: NodeChange) => void) {}

  get(nodeId: string): NodeRecord | undefined {
    return this.known.get(nodeId)?.node;
  }

  list(): NodeRecord[] {
    return [...this.known.values()].map(({ node }) => node);
  }

  apply(entry: Entry): void {
    const node = decodeNode(entry.value);
    if (!node) return;
    const before = this.known.get(node.id);
    if (before && before.token >= entry.token) return;
    this.known.set(node.id, { node, token: entry.token });
    this.onChange(before ? { type: 'changed', node, before: before.node } : { type: 'joined', node });
  }

  forget(nodeId: string): void {
    const before = this.known.get(nodeId);
    if (!before) return;
    this.known.delete(nodeId);
    this.onChange({ type: 'left', node: before.node });
  }

  /** A complete list. A node that joined while it was being read is seen again by its watch or the next resync. */
  replaceAll(entries: readonly Entry[]): void {
    const present = new Set(entries.map((entry) => entry.key.slice(keys.nodes.length)));
    for (const entry of entries) this.apply(entry);
    for (const nodeId of [...this.known.keys()]) if (!present.has(nodeId)) this.forget(nodeId);
  }
}
