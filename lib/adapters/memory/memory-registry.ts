import { systemClock, type Clock, type EpochMs } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import type {
  Change,
  Entry,
  Page,
  Registry,
  RegistryCapabilities,
  RegistryInfo,
  RegistrySession,
  Write,
  WriteResult,
} from '../../core/registry/registry.js';
import { MemoryStore } from './memory-store.js';

export interface MemoryRegistryOptions {
  /** @default the machine's clock */
  clock?: Clock;
  /** Several registries on one store are several clients of one server. @default a store of its own */
  store?: MemoryStore;
}

/**
 * A registry in the memory of one process: for development, tests, and applications that run as a single process.
 * It keeps every promise of the port inside that process and forgets everything when the process ends.
 */
export class MemoryRegistry implements Registry {
  readonly kind = 'memory';
  readonly capabilities: RegistryCapabilities = {
    minSessionTtlMs: 1,
    ttlResolutionMs: 1,
    maxValueBytes: 16 * 1024 * 1024,
    serverTime: true,
    durability: 'none: lives and dies with the process',
  };
  private readonly store: MemoryStore;
  private readonly watches = new Set<Disposable>();

  constructor(options: MemoryRegistryOptions = {}) {
    this.store = options.store ?? new MemoryStore(options.clock ?? systemClock);
  }

  async connect(): Promise<void> {}

  async close(): Promise<void> {
    for (const watch of this.watches) watch.dispose();
    this.watches.clear();
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.store.get(key);
  }

  async list(prefix: string, page: Page = {}): Promise<{ entries: Entry[]; next?: string }> {
    return this.store.list(prefix, page);
  }

  async commit(writes: readonly Write[]): Promise<WriteResult[]> {
    return writes.map((write) => this.store.write(write));
  }

  async watch(prefix: string, listener: (change: Change) => void): Promise<Disposable> {
    const watch = this.store.watch(prefix, listener);
    this.watches.add(watch);
    return {
      dispose: () => {
        watch.dispose();
        this.watches.delete(watch);
      },
    };
  }

  async openSession({ ttlMs }: { ttlMs: number }): Promise<RegistrySession> {
    const id = this.store.openSession(ttlMs);
    return {
      id,
      ttlMs,
      renew: async () => (this.store.renewSession(id) ? 'renewed' : 'expired'),
      end: async () => this.store.endSession(id),
    };
  }

  async serverTime(): Promise<EpochMs> {
    return this.store.clock.now();
  }

  async describe(): Promise<RegistryInfo> {
    return { kind: this.kind, topology: 'one process', warnings: [] };
  }
}
