/**
 * npm run bench -- dynamic-tasks [--tasks 10000] [--registry all|redis,etcd] [--parallel 500] [--schedules 1440] [--starts 3] [--json]
 *
 * One node adds so many tasks by `SchedulerService.addTask`, so many calls at a time, and lists them; then other nodes
 * start, one after the other, each in a process of its own, and are timed from the creation of their application
 * context (modules are loaded by then) until they work and know every task. Memory is read after a collection.
 */
import { parseArgs } from 'node:util';
import type { Join, NodeJob, NodeReport } from './dynamic-tasks-worker.js';
import { BenchNode } from './registries/bench-node.js';
import { machineFacts, residentBytes } from './common/machine.js';
import { short, spreadOf } from './common/statistics.js';
import { storesNamed, withServer, type Address, type Store } from './registries/stores.js';
import type { RunningServer } from '../test/support/servers/server.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    tasks: { type: 'string', default: '10000' },
    registry: { type: 'string', default: 'all' },
    parallel: { type: 'string', default: '500' },
    schedules: { type: 'string', default: '1440' },
    starts: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

const tasks = Number(values.tasks);
const parallel = Number(values.parallel);
const schedules = Number(values.schedules);
const starts = Number(values.starts);
const MB = 1_048_576;

type Row = Record<string, string | number>;

interface ServerMemory {
  held: number | undefined;
  resident: number | undefined;
}

async function memoryOf(store: Store, address: Address, server: RunningServer | undefined): Promise<ServerMemory> {
  return {
    held: await store.heldBytes?.(address),
    resident: server?.pid === undefined ? undefined : residentBytes(server.pid),
  };
}

/** Starts a node, takes its report, and lets it go after `meanwhile`. */
async function withNode<T>(job: NodeJob, meanwhile: (report: NodeReport) => Promise<T>): Promise<T> {
  const node = new BenchNode(job);
  try {
    const result = await meanwhile(await node.report());
    await node.leave();
    return result;
  } finally {
    node.kill();
  }
}

async function measure(registry: string, store: Store): Promise<Row> {
  return withServer(store, async (address, server) => {
    const empty = await memoryOf(store, address, server);
    const job: NodeJob = {
      role: 'fill',
      registry,
      address: { host: address.host, port: address.port },
      tasks,
      schedules,
      parallel,
      joinsInside: store.start ? 0 : starts,
    };
    return withNode(job, async (filled) => {
      const full = await memoryOf(store, address, server);
      const joins = [...filled.joinsInside];
      while (joins.length < starts) {
        joins.push(await withNode({ ...job, role: 'join' }, async (report) => report.join));
      }
      return rowOf(registry, filled, joins, { empty, full });
    });
  });
}

function rowOf(
  registry: string,
  { addMs, addCalls, listMs, before, after }: NodeReport,
  joins: readonly Join[],
  { empty, full }: { empty: ServerMemory; full: ServerMemory },
): Row {
  const megabytes = (from?: number, to?: number): string =>
    from === undefined || to === undefined ? '–' : `${short(from / MB)} → ${short(to / MB)}`;
  const figure = (name: 'joinMs' | 'adoptMs'): string => {
    const { median: middle, min, max } = spreadOf(joins.map((join) => join[name]));
    return `${Math.round(middle)} (${Math.round(min)}–${Math.round(max)})`;
  };
  return {
    registry,
    'add ms': Math.round(addMs),
    'added/s': Math.round((tasks / addMs) * 1_000),
    'commits and gets to add': `${addCalls.commits} (${addCalls.writes} writes), ${addCalls.gets}`,
    'list ms': short(listMs),
    'cold start ms': figure('joinMs'),
    '… and its units ms': figure('adoptMs'),
    'lists and gets to start': `${joins[0]!.calls.lists}, ${joins[0]!.calls.gets}`,
    'node heap MB': megabytes(before.heap, after.heap),
    'heap bytes per task': Math.round((after.heap - before.heap) / tasks),
    'node RSS MB': megabytes(before.resident, after.resident),
    'server RSS MB': megabytes(empty.resident, full.resident),
    'server tells MB': megabytes(empty.held, full.held),
  };
}

const machine = machineFacts();
const rows: Row[] = [];
for (const [name, store] of storesNamed(values.registry)) {
  try {
    rows.push(await measure(name, store));
    process.stderr.write(`${name}: done\n`);
  } catch (error) {
    // what the others took is worth having
    console.error(`${name}: failed`, error);
    process.exitCode = 1;
  }
}
if (values.json) console.log(JSON.stringify({ machine, tasks, schedules, parallel, rows }, undefined, 2));
else {
  console.log({ machine, tasks, 'different schedules': schedules, 'addTask calls at a time': parallel });
  console.table(rows);
}
