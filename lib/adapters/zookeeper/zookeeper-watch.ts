import type { Disposable } from '../../core/common/disposable.js';
import type { LoggerPort } from '../../core/common/logger.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import type { Change } from '../../core/registry/registry.js';
import type { WatchEvent } from './wire/protocol.js';
import { getData, unwatch, watchTree } from './wire/requests.js';
import { entryOf } from './zookeeper-document.js';
import type { ZookeeperLayout } from './zookeeper-keys.js';
import type { ZookeeperLink } from './zookeeper-link.js';

/** Reads under way at the same time. */
const MOST_READS = 500;

interface Listener {
  readonly prefix: string;
  readonly path: string;
  readonly tell: (change: Change) => void;
}

/**
 * Turns the server's events into changes. An event names a node and no more, so the node is read: what is told is its
 * state then, which may be newer than the event, never older. A node is read once at a time, so its states are told in
 * order; an event that comes before the answer is covered by the answer.
 *
 * The server forgets its watches with the connection and replays nothing. On each new link they are set again, and then
 * everybody is told to list again.
 */
export class ZookeeperWatches {
  private readonly listeners = new Set<Listener>();
  private link: ZookeeperLink | undefined;
  /** Nodes that have changed and have to be read, and those being read. One may be both. */
  private readonly changed = new Set<string>();
  private readonly reading = new Set<string>();

  constructor(
    private readonly layout: ZookeeperLayout,
    private readonly logger: LoggerPort,
  ) {}

  async add(link: ZookeeperLink, prefix: string, tell: (change: Change) => void): Promise<Disposable> {
    const folder = this.layout.folderUnder(prefix);
    const listener = { prefix, path: folder === undefined ? this.layout.docs : `${this.layout.docs}/${folder}`, tell };
    this.listeners.add(listener);
    try {
      await link.call(watchTree(listener.path), prefix);
    } catch (error) {
      this.listeners.delete(listener);
      throw error;
    }
    return { dispose: () => this.remove(listener) };
  }

  /** Before the link is used by anybody else. */
  async prepare(link: ZookeeperLink): Promise<void> {
    this.changed.clear();
    this.reading.clear();
    this.link = link;
    const paths = new Set([...this.listeners].map(({ path }) => path));
    await Promise.all([...paths].map((path) => link.call(watchTree(path), path)));
  }

  /** Once it can be used. */
  resync(): void {
    for (const { tell } of [...this.listeners]) tell({ type: 'resync' });
  }

  onEvent({ path }: WatchEvent): void {
    const key = this.layout.keyOf(path);
    if (key === undefined || !this.isWanted(key)) return;
    this.changed.add(path);
    this.readOn();
  }

  stop(): void {
    this.listeners.clear();
    this.changed.clear();
  }

  private readOn(): void {
    const { link } = this;
    if (!link) return;
    for (const path of this.changed) {
      if (this.reading.size >= MOST_READS) return;
      if (this.reading.has(path)) continue;
      this.changed.delete(path);
      this.reading.add(path);
      this.read(link, path).catch((error: unknown) => {
        if (!(error instanceof RegistryUnavailableError)) {
          this.logger.error('A changed ZooKeeper node cannot be read', { error });
        }
        link.close('a changed node could not be read'); // The next link begins with a resync.
      });
    }
  }

  private async read(link: ZookeeperLink, path: string): Promise<void> {
    const { value } = await link.call(getData(path), path);
    if (this.link !== link) return;
    this.reading.delete(path);
    const key = this.layout.keyOf(path)!;
    const entry = value && entryOf(link.era, key, value);
    const change: Change = entry ? { type: 'put', entry } : { type: 'deleted', key };
    for (const listener of [...this.listeners]) {
      if (this.listeners.has(listener) && key.startsWith(listener.prefix)) listener.tell(change);
    }
    this.readOn();
  }

  private isWanted(key: string): boolean {
    for (const { prefix } of this.listeners) if (key.startsWith(prefix)) return true;
    return false;
  }

  private remove(listener: Listener): void {
    if (!this.listeners.delete(listener)) return;
    if (!this.link || [...this.listeners].some(({ path }) => path === listener.path)) return;
    // Events that come all the same find no listener.
    this.link.call(unwatch(listener.path), listener.path).catch(() => undefined);
  }
}
