import type { Registry, Write, Change, Entry } from './registry.js';

/** The documents of a namespace (see the protocol): every key the library writes is made here. */
export const keys = {
  cluster: 'cluster',
  /** When the cluster was last started, and by whom. */
  life: 'life',
  nodes: 'nodes/',
  node: (nodeId: string): string => `nodes/${nodeId}`,
  tasks: 'tasks/',
  task: (name: string): string => `tasks/${name}`,
  /** `unit` is `<task>` or `<task>#<shard>`; the generation keeps a re-created task apart from its former self. */
  unit: (unit: string, generation: string): string => `units/${unit}@${generation}`,
  units: 'units/',
  history: (unit: string): string => `history/${unit}/`,
  historySlot: (unit: string, slot: number): string => `history/${unit}/${slot}`,
  /** What other nodes ask of this one, and what they answer to what it asked. */
  commands: (nodeId: string): string => `commands/${nodeId}/`,
  command: (nodeId: string, id: string): string => `commands/${nodeId}/${id}`,
  /** How far the runs of a node are. */
  progress: (nodeId: string): string => `progress/${nodeId}`,
  feeds: 'feed/',
  feed: (nodeId: string): string => `feed/${nodeId}/`,
  feedSlot: (nodeId: string, slot: number): string => `feed/${nodeId}/${slot}`,
} as const;

/** The same registry, seen from inside one namespace: keys are prefixed on the way in and stripped on the way out. */
export function withNamespace(registry: Registry, namespace: string): Registry {
  const prefix = `${namespace}/`;
  const inside = (entry: Entry): Entry => ({ ...entry, key: entry.key.slice(prefix.length) });
  const change = (c: Change): Change => {
    if (c.type === 'put') return { type: 'put', entry: inside(c.entry) };
    return c.type === 'deleted' ? { type: 'deleted', key: c.key.slice(prefix.length) } : c;
  };
  const namespaced: Registry = {
    kind: registry.kind,
    capabilities: registry.capabilities,
    connect: () => registry.connect(),
    close: () => registry.close(),
    get: async (key, options) => {
      const entry = await registry.get(prefix + key, options);
      return entry && inside(entry);
    },
    list: async (keyPrefix, page) => {
      const { entries, next } = await registry.list(prefix + keyPrefix, page);
      return { entries: entries.map(inside), ...(next !== undefined && { next }) };
    },
    commit: async (writes) => {
      const results = await registry.commit(writes.map((w): Write => ({ ...w, key: prefix + w.key })));
      return results.map((r) => (r.ok || !r.current ? r : { ...r, current: inside(r.current) }));
    },
    watch: (keyPrefix, listener) => registry.watch(prefix + keyPrefix, (c) => listener(change(c))),
    openSession: (options) => registry.openSession(options),
    describe: () => registry.describe(),
  };
  if (registry.serverTime) namespaced.serverTime = () => registry.serverTime!();
  return namespaced;
}

/** All pages of a list, as one array. */
export async function listAll(registry: Registry, prefix: string): Promise<Entry[]> {
  const all: Entry[] = [];
  let after: string | undefined;
  do {
    const page = await registry.list(prefix, after === undefined ? { limit: 1000 } : { limit: 1000, after });
    all.push(...page.entries);
    after = page.next;
  } while (after !== undefined);
  return all;
}
