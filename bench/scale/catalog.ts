import { SILENT_LOGGER } from '../../lib/core/common/logger.js';
import { keys } from '../../lib/core/registry/keyspace.js';
import type { Entry } from '../../lib/core/registry/registry.js';
import { Catalog } from '../../lib/core/task/catalog.js';
import type { TaskDocument } from '../../lib/core/task/task-definition.js';
import { cpuMs } from './cpu.js';

const MONTH_MS = 2_592_000_000;
const CREATED = Date.UTC(2030, 0, 1);

/** The document of a small dynamic task, as `addTask` writes it: a schedule, and a payload that names its tenant. */
export function taskEntry(i: number): Entry {
  const at = CREATED + (i % MONTH_MS);
  const doc: TaskDocument = {
    definition: {
      handler: 'job',
      schedule: { cron: `${i % 60} ${Math.floor(i / 60) % 24} * * *`, timeZone: 'UTC' },
      payload: { tenant: `tenant-${i}` },
      source: 'dynamic',
    },
    generation: (i + 36 ** 9).toString(36),
    state: 'active',
    since: at,
    createdAt: at,
    updatedAt: at,
  };
  const token = BigInt(i + 1);
  const value = Buffer.from(JSON.stringify(doc)).toString(); // flat, as it comes from a socket
  return { key: keys.task(`report:tenant-${i}`), value, revision: String(token), token };
}

export interface CatalogFigures {
  readonly heapBytesPerTask: number;
  /** To take in a task, and to look at it again at a resync. */
  readonly loadUs: number;
  readonly resyncUs: number;
}

/** A replica of so many tasks, and what it took. */
export function fillCatalog(tasks: number): { catalog: Catalog; figures: CatalogFigures } {
  const catalog = new Catalog(() => undefined, SILENT_LOGGER);
  const before = heapUsed();
  const loadUs = microsPerTask(catalog, tasks);
  const heapBytesPerTask = (heapUsed() - before) / tasks;
  return { catalog, figures: { heapBytesPerTask, loadUs, resyncUs: microsPerTask(catalog, tasks) } };
}

/** Without what it takes to make the documents up. */
function microsPerTask(catalog: Catalog, tasks: number): number {
  const page = 1_000;
  let ms = 0;
  for (let from = 0; from < tasks; from += page) {
    const entries = Array.from({ length: Math.min(page, tasks - from) }, (_, i) => taskEntry(from + i));
    const since = cpuMs();
    for (const entry of entries) catalog.apply(entry);
    ms += cpuMs() - since;
  }
  return (ms * 1_000) / tasks;
}

export function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
