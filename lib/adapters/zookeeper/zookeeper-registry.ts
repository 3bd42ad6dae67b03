import { closedError } from '../../core/registry/registry-errors.js';
import { setMaxListeners } from 'node:events';
import { systemClock, type Clock, type EpochMs } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { SILENT_LOGGER, type LoggerPort } from '../../core/common/logger.js';
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
import { getData, setData } from './wire/requests.js';
import { MAX_VALUE_BYTES, ZookeeperCommitter } from './zookeeper-commit.js';
import { ZookeeperConnection } from './zookeeper-connection.js';
import { ZookeeperDialer } from './zookeeper-dialer.js';
import { entryOf } from './zookeeper-document.js';
import { Eras } from './zookeeper-era.js';
import { ZookeeperGraves } from './zookeeper-graves.js';
import { describeZookeeper } from './zookeeper-info.js';
import { ZookeeperLayout, type DocumentPlace } from './zookeeper-keys.js';
import type { LinkParts } from './zookeeper-link.js';
import { ZookeeperLists } from './zookeeper-list.js';
import type { ResolvedZookeeperOptions } from './zookeeper-options.js';
import { ZookeeperSession } from './zookeeper-session.js';
import { ZookeeperWatches } from './zookeeper-watch.js';

export interface ZookeeperRegistryParts {
  options: ResolvedZookeeperOptions;
  /** @default the machine's clock */
  clock?: Clock;
  /** @default none */
  logger?: LoggerPort;
}

/**
 * The registry on ZooKeeper 3.6 or later. Each document is a node; conditions are its version, so conditional writes
 * are linearizable, and nothing that was answered is lost while a majority of the ensemble keeps its disks. Tokens grow
 * over the whole store, also after its data was lost or an older copy restored (`zookeeper-era`).
 *
 * Conditional writes, lists and `get` with `fresh` know all that was answered before they began, whichever server they
 * go through. A plain `get` is answered by the server that is connected, which may be behind for a moment.
 *
 * Use `createZookeeperRegistry`, which checks the options.
 */
export class ZookeeperRegistry implements Registry {
  readonly kind = 'zookeeper';
  readonly capabilities: RegistryCapabilities = {
    // Servers grant two tickTimes at least and end sessions on a grid of one. They do not tell their tickTime: these two
    // hold from 500 ms to the usual 2 s. Longer ones make sessions longer than asked for; `ttlMs` tells what was granted.
    minSessionTtlMs: 1_000,
    ttlResolutionMs: 2_000,
    maxValueBytes: MAX_VALUE_BYTES,
    serverTime: true,
    durability: 'on the disks of a majority before it is answered',
  };
  private readonly clock: Clock;
  private readonly layout: ZookeeperLayout;
  private readonly callTimeoutMs: number;
  private readonly newDialer: () => ZookeeperDialer;
  private readonly connection: ZookeeperConnection;
  private readonly committer: ZookeeperCommitter;
  private readonly lists: ZookeeperLists;
  private readonly watches: ZookeeperWatches;
  private readonly graves: ZookeeperGraves;
  private readonly sessions = new Map<string, ZookeeperSession>();
  private readonly closed = new AbortController();
  private connecting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor({ options, clock = systemClock, logger = SILENT_LOGGER }: ZookeeperRegistryParts) {
    setMaxListeners(0, this.closed.signal); // One for each session.
    this.clock = clock;
    this.callTimeoutMs = options.callTimeoutMs;
    this.layout = new ZookeeperLayout(options.chroot, options.prefix);
    const parts: LinkParts = {
      layout: this.layout,
      eras: new Eras(clock),
      access: options.auth ? 'creator' : 'world',
    };
    const onGrave = (place: DocumentPlace, version: number): void => this.graves.add(place, version);
    this.newDialer = () => new ZookeeperDialer(clock, options, parts);
    this.watches = new ZookeeperWatches(this.layout, logger);
    this.connection = new ZookeeperConnection(this.newDialer(), {
      prepare: (link) => this.watches.prepare(link),
      onReady: () => this.watches.resync(),
      onEvent: (event) => this.watches.onEvent(event),
    });
    this.lists = new ZookeeperLists(this.layout, onGrave);
    this.graves = new ZookeeperGraves(
      clock,
      () => this.connection.current,
      (error) => logger.error('Nodes of deleted documents cannot be removed', { error }),
    );
    this.committer = new ZookeeperCommitter(
      this.layout,
      { link: () => this.connection.require(), session: (id) => this.sessions.get(id) },
      { access: parts.access, onGrave },
    );
  }

  async connect(): Promise<void> {
    if (this.closing) throw closedError();
    this.connecting ??= this.connection.connect().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    await this.connecting;
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  async get(key: string, { fresh = false }: { fresh?: boolean } = {}): Promise<Entry | undefined> {
    const link = await this.connection.require();
    const { path } = this.layout.placeOf(key);
    const [, { value }] = await Promise.all([fresh && link.barrier(), link.call(getData(path), key)]);
    return value && entryOf(link.era, key, value);
  }

  async list(prefix: string, page: Page = {}): Promise<{ entries: Entry[]; next?: string }> {
    return this.lists.page(await this.connection.require(), prefix, page);
  }

  commit(writes: readonly Write[]): Promise<WriteResult[]> {
    return this.committer.commit(writes);
  }

  async watch(prefix: string, listener: (change: Change) => void): Promise<Disposable> {
    return this.watches.add(await this.connection.require(), prefix, listener);
  }

  async openSession({ ttlMs }: { ttlMs: number }): Promise<RegistrySession> {
    await this.connection.require();
    const onOver = ({ id }: ZookeeperSession): void => void this.sessions.delete(id);
    const session = await ZookeeperSession.open(this.newDialer(), this.closed.signal, Math.ceil(ttlMs), onOver);
    this.sessions.set(session.id, session);
    return session;
  }

  /** The leader's clock, by the time it gives to a write. */
  async serverTime(): Promise<EpochMs> {
    const link = await this.connection.require();
    for (;;) {
      const { value } = await link.call(setData(this.layout.clock, '', -1), this.layout.clock);
      if (value) return value.mtime;
      await link.ensure(this.layout.clock);
    }
  }

  async describe(): Promise<RegistryInfo> {
    return describeZookeeper(await this.connection.require(), this.clock, this.callTimeoutMs, this.closed.signal);
  }

  private async shut(): Promise<void> {
    this.watches.stop();
    this.graves.close();
    this.closed.abort();
    await this.connection.close();
  }
}
