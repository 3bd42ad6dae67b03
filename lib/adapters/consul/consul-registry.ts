import { sleep, systemClock, TIMED_OUT, withTimeout, type Clock, type EpochMs } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { errorMessage } from '../../core/common/errors.js';
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
import { ConsulCommitter } from './consul-commit.js';
import { ConsulConnection, type Undici } from './consul-connection.js';
import { ConsulEra } from './consul-era.js';
import { describeConsul, requireVersion } from './consul-info.js';
import { ConsulLayout } from './consul-keys.js';
import { ConsulReader } from './consul-list.js';
import type { ResolvedConsulOptions } from './consul-options.js';
import { ConsulPulse } from './consul-pulse.js';
import { ConsulReaper } from './consul-reaper.js';
import { ConsulSession, MIN_SESSION_TTL_MS, type SessionStore } from './consul-session.js';
import { ConsulStrays } from './consul-strays.js';
import { tree } from './consul-txn.js';
import { ConsulWatches } from './consul-watch.js';

const RETRY_PAUSE_MS = 100;

export interface ConsulRegistryParts {
  client: Undici;
  options: ResolvedConsulOptions;
  /** @default the machine's clock */
  clock?: Clock;
  /** @default none */
  logger?: LoggerPort;
}

/**
 * The registry on Consul 1.8 or later. Writes are transactions that go through Consul's log, so conditional writes are
 * linearizable and survive the loss of any minority of servers; fencing tokens grow over the whole store, also after
 * its data was lost or old data restored.
 *
 * Sessions end when their holder has not renewed them for their time, as seen by another connected client: where nobody
 * else is connected they last until somebody is. To Consul they belong to the node of the agent that they were opened
 * through (to a server, in another `datacenter` than the agent's), and end at once when that node leaves the cluster: a
 * client agent does when it is stopped, unless its `leave_on_terminate` is false.
 *
 * Use `createConsulRegistry`, which loads the client library.
 */
export class ConsulRegistry implements Registry {
  readonly kind = 'consul';
  readonly capabilities: RegistryCapabilities = {
    minSessionTtlMs: MIN_SESSION_TTL_MS,
    ttlResolutionMs: 500,
    // As base64, with key and guard, it just fits into a transaction at Consul's own limits.
    maxValueBytes: 380_000,
    serverTime: true,
    serverTimeResolutionMs: 1_000,
    durability: 'replicated to a majority of the servers and on their disks',
  };
  private readonly connection: ConsulConnection;
  private readonly era: ConsulEra;
  private readonly reader: ConsulReader;
  private readonly committer: ConsulCommitter;
  private readonly sessions: SessionStore;
  private readonly watches: ConsulWatches;
  private readonly pulse: ConsulPulse;
  private readonly clock: Clock;
  private readonly connectTimeoutMs: number;
  private connecting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor({ client, options, clock = systemClock, logger = SILENT_LOGGER }: ConsulRegistryParts) {
    this.clock = clock;
    this.connectTimeoutMs = options.connectTimeoutMs;
    const connection = new ConsulConnection(client, options, clock);
    const layout = new ConsulLayout(options.prefix);
    const era = new ConsulEra(connection, layout, clock, () => this.watches.hurry());
    const store = { connection, era, layout };
    const reaper = new ConsulReaper(store, clock);
    const strays = new ConsulStrays(store, clock);
    this.connection = connection;
    this.era = era;
    this.sessions = store;
    this.reader = new ConsulReader(connection, era, layout);
    this.committer = new ConsulCommitter(era, this.reader, layout);
    this.watches = new ConsulWatches(store, clock, logger);
    this.pulse = new ConsulPulse({
      clock,
      logger,
      look: async () => {
        const sentAt = clock.monotonic();
        const found = await era.read([tree(layout.sessions)], false);
        if ('pairs' in found) await reaper.observe(found.pairs, sentAt);
        await strays.look();
        return reaper.nextLookMs;
      },
      onBack: () => this.watches.hurry(),
    });
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

  get(key: string, { fresh = false }: { fresh?: boolean } = {}): Promise<Entry | undefined> {
    return this.reader.get(key, fresh);
  }

  list(prefix: string, page: Page = {}): Promise<{ entries: Entry[]; next?: string }> {
    return this.reader.list(prefix, page);
  }

  commit(writes: readonly Write[]): Promise<WriteResult[]> {
    return this.committer.commit(writes);
  }

  watch(prefix: string, listener: (change: Change) => void): Promise<Disposable> {
    return this.watches.add(prefix, listener);
  }

  openSession({ ttlMs }: { ttlMs: number }): Promise<RegistrySession> {
    return ConsulSession.open(Math.max(MIN_SESSION_TTL_MS, Math.ceil(ttlMs)), this.sessions);
  }

  /** The clock of the agent that was named; this machine's own where something between hides it. */
  async serverTime(): Promise<EpochMs> {
    const { date } = await this.connection.request({ method: 'GET', path: '/v1/status/leader' });
    return Number.isNaN(date) ? this.clock.now() : date;
  }

  async describe(): Promise<RegistryInfo> {
    const info = await describeConsul(this.connection);
    const { problem } = this.watches;
    if (problem === undefined) return info;
    return { ...info, warnings: [...info.warnings, `Changes are not told at the moment (${problem}).`] };
  }

  /** Proves that the store may be read and written, so that a token without the rights is told at once. */
  private async open(): Promise<void> {
    this.connection.open();
    try {
      await this.reach();
    } catch (error) {
      await this.connection.drop();
      throw error;
    }
    if (!this.closing) this.pulse.start();
  }

  /** Refusals end the wait at once; whatever else fails is tried again until the time is up. */
  private async reach(): Promise<void> {
    const { clock, connectTimeoutMs } = this;
    const startedAt = clock.monotonic();
    let why = '';
    for (let left = connectTimeoutMs; left > 0; left = connectTimeoutMs - (clock.monotonic() - startedAt)) {
      const attempt = requireVersion(this.connection).then(() => this.era.load());
      try {
        if ((await withTimeout(clock, attempt, left)) !== TIMED_OUT) return;
      } catch (error) {
        if (!(error instanceof RegistryUnavailableError)) throw error;
        why = ` (${errorMessage(error.cause ?? error).replace(/\.$/, '')})`;
      }
      await sleep(clock, RETRY_PAUSE_MS);
    }
    const message = `No connection to Consul within ${connectTimeoutMs} ms${why}.`;
    throw new RegistryUnavailableError(message, { outcomeUnknown: false });
  }

  private async shut(): Promise<void> {
    const closed = this.connection.close();
    await Promise.all([this.pulse.stop(), this.watches.stop(), closed]);
  }
}
