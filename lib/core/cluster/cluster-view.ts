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

  /** A complete list, read after `before` was taken: a node that joined while it was read is not in it and stays. */
  replaceAll(entries: readonly Entry[], before: ReadonlyMap<string, bigint>): void {
    const present = new Set(entries.map((entry) => entry.key.slice(keys.nodes.length)));
    for (const entry of entries) this.apply(entry);
    for (const [nodeId, token] of before) {
      if (!present.has(nodeId) && this.known.get(nodeId)?.token === token) this.forget(nodeId);
    }
  }

  /** What is known now, by token: taken before a list is asked for. */
  tokens(): Map<string, bigint> {
    return new Map([...this.known].map(([nodeId, { token }]) => [nodeId, token]));
  }
}
