import { readFileSync } from 'node:fs';
import { keys, withNamespace } from '../../lib/core/registry/keyspace.js';
import type { Registry, Write } from '../../lib/core/registry/registry.js';
import type { RunningServer } from '../../test/support/servers/server.js';
import { withServer, type Address, type Store } from '../registries/stores.js';
import { taskEntry } from './catalog.js';

/** What a registry has to do for one of each: microseconds of the time it has. */
export interface RegistryCosts {
  /** A read, a renewal, a question for the time. */
  readonly readUs: number;
  /** A commit, whatever is in it, and each write in it. */
  readonly commitUs: number;
  readonly writeUs: number;
  /** A document in a page of a list. */
  readonly listedUs: number;
  /** A change, for each node that is told of it. */
  readonly toldUs: number;
  /** Of memory or disk, as the store counts it, for a small task with its unit. */
  readonly bytesPerTask?: number;
}

/** Units and tasks that stand there. */
const DOCUMENTS = 20_000;
const BATCH = 500;
const BATCHES_IN_FLIGHT = 3;
const CALLS_IN_FLIGHT = 100;
const WATCHERS = 20;
const CHANGES_AT_A_TIME = 50;
const UNIT = 'x'.repeat(340);
const NODE = 'x'.repeat(270);
/** As the kernel counts the time of processes. */
const TICK_MS = 10;

/**
 * Measured through the library's adapter, with one kind of work at a time. Redis works on one core, so what counts is the
 * time its process takes; the others wait for their disks and for each other, so there it is the time that passes.
 */
export async function registryCosts(name: string, store: Store, forMs: number): Promise<RegistryCosts> {
  return withServer(store, async (address, server) => {
    const clients: Registry[] = [];
    const open = async (): Promise<Registry> => {
      const client = await store.registry(address);
      clients.push(client);
      const registry = withNamespace(client, 'bench');
      await registry.connect();
      return registry;
    };
    try {
      return await measure(await open(), open, { store, address, clock: clockOf(name, server), forMs });
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });
}

interface Conditions {
  readonly store: Store;
  readonly address: Address;
  readonly clock: () => number;
  readonly forMs: number;
}

async function measure(
  registry: Registry,
  open: () => Promise<Registry>,
  { store, address, clock, forMs }: Conditions,
): Promise<RegistryCosts> {
  const per = async (loops: number, once: (turn: number) => Promise<number>): Promise<number> => {
    await repeated(loops, forMs / 5, once); // warm
    const since = clock();
    const done = await repeated(loops, forMs, once);
    return ((clock() - since) * 1_000) / done;
  };
  const empty = await store.heldBytes?.(address);
  await fill(registry);
  const full = await store.heldBytes?.(address);

  const unit = (turn: number): string => keys.unit(`report:tenant-${turn % DOCUMENTS}`, '1');
  const put = (turn: number): Write => ({ key: unit(turn), value: UNIT });
  const readUs = await per(CALLS_IN_FLIGHT, async (turn) => (await registry.get(unit(turn)), 1));
  const aloneUs = await per(CALLS_IN_FLIGHT, async (turn) => (await registry.commit([put(turn)])).length);
  const togetherUs = await per(BATCHES_IN_FLIGHT, async (turn) => {
    return (await registry.commit(Array.from({ length: BATCH }, (_, i) => put(turn * BATCH + i)))).length;
  });
  let after: string | undefined;
  const listedUs = await per(1, async () => {
    const page = await registry.list(keys.tasks, { limit: 1_000, ...(after !== undefined && { after }) });
    after = page.next;
    return page.entries.length;
  });
  const watchers = await Promise.all(Array.from({ length: WATCHERS }, () => watcher(open)));
  const toldUs = await per(1, (turn) => tell(registry, watchers, turn));
  const writeUs = Math.min(togetherUs, aloneUs); // a commit of many is mostly its writes
  const bytesPerTask = empty !== undefined && full !== undefined ? (full - empty) / DOCUMENTS : undefined;
  return {
    readUs,
    commitUs: aloneUs - writeUs,
    writeUs,
    listedUs,
    toldUs: Math.max(0, toldUs - aloneUs / WATCHERS), // without the write itself
    ...(bytesPerTask !== undefined && { bytesPerTask }),
  };
}

async function fill(registry: Registry): Promise<void> {
  for (let from = 0; from < DOCUMENTS; from += BATCH) {
    const names = Array.from({ length: BATCH }, (_, i) => from + i);
    await registry.commit(names.map((i) => ({ key: taskEntry(i).key, value: taskEntry(i).value })));
    await registry.commit(names.map((i) => ({ key: keys.unit(`report:tenant-${i}`, '1'), value: UNIT })));
  }
}

/** So many loops for so long. @returns the sum of what `once` says it has done */
async function repeated(loops: number, forMs: number, once: (turn: number) => Promise<number>): Promise<number> {
  const until = performance.now() + forMs;
  let [turns, done] = [0, 0];
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      const did = await once(turns++);
      done += did;
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
  return done;
}

/** What it was told last of each node. */
type Watcher = Map<string, string>;

async function watcher(open: () => Promise<Registry>): Promise<Watcher> {
  const seen: Watcher = new Map();
  const registry = await open();
  const readAgain = async (): Promise<void> => {
    for (const { key, value } of (await registry.list(keys.nodes)).entries) seen.set(key, value);
  };
  await registry.watch(keys.nodes, (change) => {
    if (change.type === 'put') seen.set(change.entry.key, change.entry.value);
    else void readAgain();
  });
  return seen;
}

/** Some nodes change, each by itself, and all watchers have heard of it. */
async function tell(registry: Registry, watchers: readonly Watcher[], turn: number): Promise<number> {
  const names = Array.from({ length: CHANGES_AT_A_TIME }, (_, i) => keys.node(`node-${i}`));
  const value = NODE + turn;
  await Promise.all(names.map((key) => registry.commit([{ key, value }])));
  const isTold = (seen: Watcher): boolean => names.every((key) => seen.get(key) === value);
  while (!watchers.every(isTold)) await new Promise((turnOfLoop) => setImmediate(turnOfLoop));
  return CHANGES_AT_A_TIME * WATCHERS;
}

/** Milliseconds that the store has spent. */
function clockOf(name: string, server: RunningServer | undefined): () => number {
  if (name !== 'redis' || server?.pid === undefined) return () => performance.now();
  const { pid } = server;
  return () => {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return (user! + system!) * TICK_MS;
  };
}
