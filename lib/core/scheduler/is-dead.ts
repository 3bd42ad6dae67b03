import { decodeNode } from '../cluster/node-record.js';
import { keys } from '../registry/keyspace.js';
import type { Registry } from '../registry/registry.js';
import { RELEASED, type RunEntry } from './unit-state.js';

/** Under what something is held in the cluster: a run, or room in a group. */
export type Holder = Pick<RunEntry, 'node' | 'boot' | 'session'>;

/**
 * Whether the holder's session is over, by a fresh read made after what it holds was read: a node missing from a view may
 * just have joined. A node that is `working` in a new session has rebound what it still holds.
 */
export async function isDead(registry: Pick<Registry, 'get'>, holder: Holder): Promise<boolean> {
  if (holder.session === RELEASED) return true;
  const entry = await registry.get(keys.node(holder.node), { fresh: true });
  const node = entry && decodeNode(entry.value);
  if (!node || node.boot !== holder.boot) return true;
  return node.session !== holder.session && node.status === 'working';
}
