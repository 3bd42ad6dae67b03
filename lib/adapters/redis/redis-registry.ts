import { closedError } from '../../core/registry/registry-errors.js';
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
import type { RedisClients } from './redis-client.js';
import { RedisCommitter } from './redis-commit.js';
import { RedisConnection } from './redis-connection.js';
import { entryOf } from './redis-document.js';
import { describeRedis } from './redis-info.js';
import { RedisLayout } from './redis-keys.js';
import { listPage } from './redis-list.js';
import type { ResolvedTuning } from './redis-options.js';
import { MIN_SESSION_TTL_MS, pulseOf, RedisPulse } from './redis-pulse.js';
import { RedisSession } from './redis-session.js';
import { RedisSubscriber } from './redis-subscriber.js';
import { RedisWatches } from './redis-watch.js';

export interface RedisRegistryParts {
  clients: RedisClients;
  tuning: ResolvedTuning;
  /** @default the machine's clock */
  clock?: Clock;
  /** @default none */
  logger?: LoggerPort;
}

/**
 * The registry on Redis 6.2 or later. Each method is one script call (`scripts/*.lua`), so each is atomic on the server:
 * conditional writes are linearizable, fencing tokens grow over the whole store (on a Redis Cluster per document) even
 * after all data was lost, and a session's documents are gone for every reader at the instant it expires.
 *
 * What Redis cannot promise: writes acknowledged shortly before a failover may be lost, because replication is
 * asynchronous. `describe()` says so where replicas are found; `waitReplicas` narrows it.
 *
 * Use `createRedisRegistry`, which loads the client library.
 */
export class RedisRegistry implements Registry {
  readonly kind = 'redis';
  readonly capabilities: RegistryCapabilities = {
    minSessionTtlMs: MIN_SESSION_TTL_MS,
    ttlResolutionMs: 200,
    maxValueBytes: 1024 * 1024,
    serverTime: true,
    durability: 'as the server persists; best effort across failover',
  };
  private readonly layout: RedisLayout;
  private readonly connection: RedisConnection;
  private readonly committer: RedisCommitter;
  private readonly pulse: RedisPulse;
  private readonly watches: RedisWatches;
  private readonly subscriber: RedisSubscriber;
  private readonly waitReplicas: number;
  private connecting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(parts: RedisRegistryParts) {
    const { clients, clock = systemClock, logger = SILENT_LOGGER } = parts;
    const { prefix, unwatched, callTimeoutMs, connectTimeoutMs, waitReplicas } = parts.tuning;
    const timing = { clock, callTimeoutMs, connectTimeoutMs };
    this.waitReplicas = waitReplicas;
    this.layout = new RedisLayout({ prefix, unwatched, cluster: clients.topology === 'cluster' });
    this.connection = new RedisConnection(clients, timing, () => this.pulse.hurry());
    const replicas = { wanted: waitReplicas, withinMs: Math.ceil(callTimeoutMs / 2) };
    this.committer = new RedisCommitter(this.connection, this.layout, replicas);
    this.watches = new RedisWatches(this.connection, this.layout, logger);
    this.pulse = new RedisPulse({
      clock,
      logger,
      ask: () => this.poll(),
      onPulse: ({ head }) => {
        this.watches.onHead(head);
        this.checkSubscriber();
      },
    });
    this.subscriber = new RedisSubscriber({
      clock,
      logger,
      channel: this.layout.channel,
      timeoutMs: callTimeoutMs,
      mask: this.connection.mask,
      open: () => clients.subscriber(this.connection.requireClient()),
      onMessage: (message) => this.watches.onMessage(message),
      onSubscribed: () => this.watches.readOn(),
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

  async get(key: string): Promise<Entry | undefined> {
    const document = (await this.connection.run('get', this.layout.groupOf(key), [key])) as string | null;
    return document === null ? undefined : entryOf(key, document);
  }

  list(prefix: string, page: Page = {}): Promise<{ entries: Entry[]; next?: string }> {
    return listPage(this.connection, this.layout.groupsUnder(prefix), prefix, page);
  }

  commit(writes: readonly Write[]): Promise<WriteResult[]> {
    return this.committer.commit(writes);
  }

  async watch(prefix: string, listener: (change: Change) => void): Promise<Disposable> {
    const watch = await this.watches.add(prefix, listener);
    this.subscriber.start();
    return watch;
  }

  openSession({ ttlMs }: { ttlMs: number }): Promise<RegistrySession> {
    const granted = Math.max(MIN_SESSION_TTL_MS, Math.ceil(ttlMs));
    return RedisSession.open(granted, this.connection, this.layout.home, (pulse) => this.pulse.beat(pulse));
  }

  async serverTime(): Promise<EpochMs> {
    const pulse = pulseOf(await this.poll());
    this.pulse.beat(pulse);
    return pulse.serverTime;
  }

  async describe(): Promise<RegistryInfo> {
    const info = await describeRedis(this.connection, this.waitReplicas);
    const { problem } = this.subscriber;
    if (problem === undefined) return info;
    return {
      ...info,
      warnings: [...info.warnings, `Watches run on polling (${problem}); changes are seen up to two seconds late.`],
    };
  }

  /** The first poll proves that the scripts may run, so that a user without the rights is told at once. */
  private async open(): Promise<void> {
    await this.connection.connect();
    try {
      this.pulse.start(pulseOf(await this.poll()));
    } catch (error) {
      await this.connection.drop();
      throw error;
    }
  }

  private async shut(): Promise<void> {
    this.pulse.stop();
    this.watches.stop();
    await Promise.all([this.subscriber.stop(), this.connection.close()]);
  }

  /** Also when there is no pulse: the subscription may be silent for the same reason. */
  private checkSubscriber(): void {
    if (this.watches.isActive) void this.subscriber.check();
  }

  private poll(): Promise<unknown> {
    this.checkSubscriber();
    return this.connection.run('poll', this.layout.home, []);
  }
}
