import { sleep, systemClock, TIMED_OUT, withTimeout, type Clock, type EpochMs } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { SILENT_LOGGER, type LoggerPort } from '../../core/common/logger.js';
import { closedError, RegistryUnavailableError } from '../../core/registry/registry-errors.js';
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
import { EtcdCommitter } from './etcd-commit.js';
import { EtcdConnection } from './etcd-connection.js';
import { describeEtcd, requireSupportedVersion } from './etcd-info.js';
import { EtcdLayout } from './etcd-keys.js';
import type { EtcdClients } from './etcd-library.js';
import { listPage } from './etcd-list.js';
import type { ResolvedEtcdOptions } from './etcd-options.js';
import { EtcdReader } from './etcd-reader.js';
import { EtcdSession } from './etcd-session.js';
import { EtcdStore } from './etcd-store.js';
import { TIME_RESOLUTION_MS, timeOf } from './etcd-time.js';
import { EtcdWatches } from './etcd-watch.js';

export interface EtcdRegistryParts {
  clients: EtcdClients;
  options: ResolvedEtcdOptions;
  /** @default the machine's clock */
  clock?: Clock;
  /** @default none */
  logger?: LoggerPort;
}

const CONNECT_PAUSE_MS = 100;
const NO_TIME =
  'The members do not tell their time on the port for gRPC, so every node goes by its own clock: a wrong one starts ticks ' +
  'early. Keep the clocks of all machines right, or leave out --listen-client-http-urls.';

/**
 * The registry on etcd 3.4 or later. Reads and writes are linearizable, on every member; what was acknowledged survives
 * the loss of any minority of the members. Fencing tokens grow over the whole store, also when all its data is lost or
 * set back (see `etcd-era.ts`). The end of a session removes its documents in one step.
 *
 * Use `createEtcdRegistry`, which loads the client library.
 */
export class EtcdRegistry implements Registry {
  readonly kind = 'etcd';
  readonly capabilities: RegistryCapabilities = {
    minSessionTtlMs: 2_000,
    ttlResolutionMs: 1_000,
    maxValueBytes: 1024 * 1024,
    serverTime: true,
    serverTimeResolutionMs: TIME_RESOLUTION_MS,
    durability: 'on the disks of a majority of the members',
  };
  private readonly layout: EtcdLayout;
  private readonly connection: EtcdConnection;
  private readonly store: EtcdStore;
  private readonly reader: EtcdReader;
  private readonly committer: EtcdCommitter;
  private readonly watches: EtcdWatches;
  private readonly clock: Clock;
  private readonly options: ResolvedEtcdOptions;
  private connecting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private hasToldTime = false;
  private readonly ending = new AbortController();

  constructor({ clients, options, clock = systemClock, logger = SILENT_LOGGER }: EtcdRegistryParts) {
    this.clock = clock;
    this.options = options;
    this.layout = new EtcdLayout(options.prefix);
    this.connection = new EtcdConnection(clients, options, clock);
    this.store = new EtcdStore(this.connection, this.layout, clock, () => this.watches.reset());
    this.reader = new EtcdReader(this.store);
    this.committer = new EtcdCommitter(this.store);
    this.watches = new EtcdWatches(this.connection, this.store, { clock, logger, timeoutMs: options.callTimeoutMs });
  }

  async connect(): Promise<void> {
    if (this.closing) throw closedError();
    this.connecting ??= this.open().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    await this.connecting;
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  get(key: string): Promise<Entry | undefined> {
    return this.reader.get(key);
  }

  list(prefix: string, page: Page = {}): Promise<{ entries: Entry[]; next?: string }> {
    return listPage(this.store, prefix, page);
  }

  commit(writes: readonly Write[]): Promise<WriteResult[]> {
    return this.committer.commit(writes);
  }

  watch(prefix: string, listener: (change: Change) => void): Promise<Disposable> {
    return this.watches.add(prefix, listener);
  }

  openSession({ ttlMs }: { ttlMs: number }): Promise<RegistrySession> {
    return EtcdSession.open(Math.max(ttlMs, this.capabilities.minSessionTtlMs), this.connection, this.store);
  }

  /** A member's clock; this machine's own where the members answer, and have never told theirs. */
  async serverTime(): Promise<EpochMs> {
    const { clock, options, connection, ending } = this;
    const how = { clock, timeoutMs: options.callTimeoutMs, signal: ending.signal };
    const told = await timeOf(connection.address, options.tls, how);
    if (told === undefined && this.hasToldTime) {
      const message = `etcd is not available (${connection.address} does not tell its time as before).`;
      throw new RegistryUnavailableError(message, { outcomeUnknown: false });
    }
    this.hasToldTime ||= told !== undefined;
    return told ?? clock.now();
  }

  async describe(): Promise<RegistryInfo> {
    const { warnings, ...info } = await describeEtcd(this.connection, this.options.addresses.length);
    const { problem } = this.watches;
    if (!this.hasToldTime) await this.serverTime();
    const more = [
      ...(problem === undefined ? [] : [`Changes are not told at the moment (${problem}).`]),
      ...(this.hasToldTime ? [] : [NO_TIME]),
    ];
    return { ...info, warnings: [...warnings, ...more] };
  }

  private async open(): Promise<void> {
    this.connection.open();
    const { connectTimeoutMs } = this.options;
    try {
      const greeting = this.greet(connectTimeoutMs);
      if ((await withTimeout(this.clock, greeting, connectTimeoutMs)) !== TIMED_OUT) return;
    } catch (error) {
      this.connection.drop();
      throw error;
    }
    this.connection.drop();
    throw this.connection.notConnected(connectTimeoutMs);
  }

  /** Proves that the servers are new enough and that this user has the rights. An outage is tried again until the end. */
  private async greet(withinMs: number): Promise<void> {
    const started = this.clock.monotonic();
    for (;;) {
      try {
        await requireSupportedVersion(this.connection);
        await this.store.head();
        return;
      } catch (error) {
        const isOver = this.clock.monotonic() - started >= withinMs;
        if (isOver || !(error instanceof RegistryUnavailableError)) throw error;
        await sleep(this.clock, CONNECT_PAUSE_MS);
      }
    }
  }

  private async shut(): Promise<void> {
    this.ending.abort();
    this.connection.close();
    await this.watches.stop();
  }
}
