import type { Disposable } from '../../core/common/disposable.js';
import { listAll } from '../../core/registry/keyspace.js';
import type { Change, Entry, Registry } from '../../core/registry/registry.js';
import { pause } from './real-time.js';

/** A copy of the documents under a prefix, kept by a watch as the library keeps its own: list once, follow, list at `resync`. */
export class Mirror {
  readonly changes: Change[] = [];
  private readonly entries = new Map<string, Entry>();
  private held: Change[] | undefined;
  private watch: Disposable | undefined;
  private isDisposed = false;

  private constructor(
    private readonly client: Registry,
    private readonly prefix: string,
  ) {}

  static async of(client: Registry, prefix: string): Promise<Mirror> {
    const mirror = new Mirror(client, prefix);
    mirror.held = [];
    mirror.watch = await client.watch(prefix, (change) => mirror.take(change));
    await mirror.relist();
    return mirror;
  }

  get resyncs(): number {
    return this.changes.filter(({ type }) => type === 'resync').length;
  }

  values(): Record<string, string> {
    const sorted = [...this.entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return Object.fromEntries(sorted.map(({ key, value }) => [key.slice(this.prefix.length), value]));
  }

  /** The values seen for one key, in the order they were told; undefined for a deletion. */
  story(key: string): (string | undefined)[] {
    return this.changes.flatMap((change) => {
      if (change.type === 'put') return change.entry.key === key ? [change.entry.value] : [];
      return change.type === 'deleted' && change.key === key ? [undefined] : [];
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.watch?.dispose();
  }

  private take(change: Change): void {
    this.changes.push(change);
    if (this.held) this.held.push(change);
    else this.apply(change);
  }

  private apply(change: Change): void {
    if (change.type === 'resync') {
      void this.relist();
    } else if (change.type === 'deleted') {
      this.entries.delete(change.key);
    } else {
      const known = this.entries.get(change.entry.key);
      if (!known || known.token <= change.entry.token) this.entries.set(change.entry.key, change.entry);
    }
  }

  /** Changes that come meanwhile are held back: what is listed may be older or newer than they are. */
  private async relist(): Promise<void> {
    let held: Change[] = [];
    do {
      this.held = [];
      // While the store cannot be reached the mirror stays behind, as the library would.
      const entries = await listAll(this.client, this.prefix).catch(() => undefined);
      if (this.isDisposed) return;
      held = this.held;
      if (!entries) {
        await pause(20);
        continue;
      }
      this.entries.clear();
      for (const entry of entries) this.entries.set(entry.key, entry);
      if (!held.some(({ type }) => type === 'resync')) break;
    } while (!this.isDisposed);
    this.held = undefined;
    for (const change of held) this.apply(change);
  }
}
