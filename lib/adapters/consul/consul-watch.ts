import type { Clock } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import type { LoggerPort } from '../../core/common/logger.js';
import type { Change } from '../../core/registry/registry.js';
import { WatchedPrefix } from './consul-watched-prefix.js';
import type { WatchStore } from './consul-watched-prefix.js';

/** All watches: those on one prefix share what is read for it. */
export class ConsulWatches {
  private readonly watched = new Map<string, WatchedPrefix>();

  constructor(
    private readonly store: WatchStore,
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {}

  /** Why changes under some prefix are not told at the moment. */
  get problem(): string | undefined {
    return [...this.watched.values()].find(({ problem }) => problem !== undefined)?.problem;
  }

  async add(prefix: string, tell: (change: Change) => void): Promise<Disposable> {
    let watched = this.watched.get(prefix);
    if (!watched) {
      watched = new WatchedPrefix(prefix, this.store, this.clock, this.logger);
      this.watched.set(prefix, watched);
    }
    const shared = watched;
    // An object of its own: the same function may be given twice.
    const listener = { tell };
    const remove = (): void => {
      if (!shared.remove(listener) || !shared.isUnused) return;
      shared.stop();
      if (this.watched.get(prefix) === shared) this.watched.delete(prefix);
    };
    try {
      await shared.add(listener);
    } catch (error) {
      remove();
      throw error;
    }
    return { dispose: remove };
  }

  /** Looks at once: the connection has been away, or the era has been replaced. */
  hurry(): void {
    for (const watched of this.watched.values()) watched.hurry();
  }

  async stop(): Promise<void> {
    const all = [...this.watched.values()];
    this.watched.clear();
    for (const watched of all) watched.stop();
    await Promise.all(all.map((watched) => watched.ended));
  }
}
