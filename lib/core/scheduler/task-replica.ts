import type { Disposable } from '../common/disposable.js';
import { keys, listAll } from '../registry/keyspace.js';
import type { Change } from '../registry/registry.js';
import type { Amnesia } from './amnesia.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { TaskWriter } from './task-writer.js';

/** Keeps the catalog in step with the registry: by watch for speed, by list after a gap and at each resync. */
export class TaskReplica {
  private watching?: Promise<Disposable>;
  private disposed = false;
  /** How often a document was heard to be gone. */
  private removals = 0;

  constructor(
    private readonly context: SchedulerContext,
    private readonly writer: TaskWriter,
    private readonly amnesia: Amnesia,
  ) {}

  async load(): Promise<void> {
    const { catalog, registry } = this.context;
    if (this.disposed) return;
    this.watching ??= registry.watch(keys.tasks, (change) => this.hear(change));
    await this.watching.catch((error: unknown) => {
      this.watching = undefined;
      throw error;
    });
    const [before, removals] = [catalog.tokens(), this.removals];
    const entries = await listAll(registry, keys.tasks);
    await this.amnesia.check(); // after the list: what is missing in it may be lost, not gone
    if (this.removals !== removals) return this.load(); // the list may still hold what has been purged meanwhile
    catalog.replaceAll(entries, before);
  }

  dispose(): void {
    this.disposed = true;
    this.watching?.then(
      (watch) => watch.dispose(),
      () => undefined, // it never came about
    );
  }

  private hear(change: Change): void {
    if (change.type === 'put') {
      this.context.catalog.apply(change.entry);
      return;
    }
    if (change.type === 'resync') this.context.units.inDoubt = true;
    else this.removals++;
    const read = change.type === 'resync' ? this.load() : this.writer.refresh(change.key.slice(keys.tasks.length));
    read.catch(() => undefined); // the next resync repairs it
  }
}
