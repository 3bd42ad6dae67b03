import { sleep, type Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { DistributedScheduleError, errorMessage } from '../common/errors.js';
import { RegistryUnavailableError } from '../registry/registry-errors.js';
import type { LoggerPort } from '../common/logger.js';
import { keys, listAll } from '../registry/keyspace.js';
import type { Change, Registry, RegistrySession, Revision, Write, WriteResult } from '../registry/registry.js';
import type { ClusterView } from './cluster-view.js';
import { decodeNode, type NodeRecord, type NodeStatus } from './node-record.js';
import { SessionKeeper, type SessionLoss } from './session-keeper.js';

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 5_000;

export interface MembershipOptions {
  ttlMs: number;
  heartbeatMs: number;
  resyncMs: number;
}

export interface MembershipHooks {
  /** In the cluster, not yet `working`: load what is to be known. A rejection is a failed join and is tried again. */
  onJoining(): Promise<void>;
  /** `working`: units are given to this node from now on. */
  onWorking(): void;
  /** Not in the cluster any more; a new join is under way. */
  onLost(reason: SessionLoss): void;
  onRenewed(): void;
  /** Events were lost. */
  onGap(): void;
  /** Before a list is believed: what is missing in it may be lost, not gone. */
  beforeBelieving(): Promise<void>;
  /** Whether the registry's time is known; must not reject. */
  measureClock(): Promise<boolean>;
  /** Time for anti-entropy: read again what is watched. */
  onResync(): Promise<void>;
}

/** This node's place in the cluster: its session, its record, and its way back after a loss. Never gives up until `leave`. */
export class Membership {
  readonly keeper: SessionKeeper;
  private status: NodeStatus = 'starting';
  private joining?: Promise<void>;
  private stopped = false;
  private readonly stopping = new AbortController();
  private watching?: Promise<Disposable>;
  private resyncTimer?: Disposable;
  /** Of this node's record, as last written. */
  private revision?: Revision;
  /** How often a node was heard to be gone. */
  private removals = 0;
  lastFailure?: string;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly view: ClusterView,
    /** What the record says besides status and session. */
    private readonly describe: () => Omit<NodeRecord, 'session' | 'status' | 'lastAliveAt'>,
    private readonly options: MembershipOptions,
    private readonly hooks: MembershipHooks,
    private readonly logger: LoggerPort,
  ) {
    this.keeper = new SessionKeeper(registry, clock, options, {
      onRenewed: () => hooks.onRenewed(),
      measureClock: () => hooks.measureClock(),
      onLost: (reason) => {
        this.status = 'starting';
        hooks.onLost(reason);
        this.rejoin();
      },
    });
  }

  /** One attempt to get into the cluster; rejects with what stood in the way. */
  join(): Promise<void> {
    return (this.joining = this.attempt().finally(() => (this.joining = undefined)));
  }

  private async attempt(): Promise<void> {
    if (this.stopped) throw new Error('this node has been stopped');
    await this.registry.connect();
    const session = await this.keeper.open();
    try {
      this.status = 'starting';
      this.revision = undefined;
      await this.publish();
      await this.watchNodes();
      await this.loadNodes();
      await this.hooks.onJoining();
      this.goOn(session);
      this.status = 'working';
      await this.publish();
      this.goOn(session);
    } catch (error) {
      await this.keeper.end();
      throw error;
    }
    this.lastFailure = undefined;
    this.armResync();
    this.hooks.onWorking();
  }

  private async watchNodes(): Promise<void> {
    this.watching ??= this.registry.watch(keys.nodes, (change) => this.see(change));
    await this.watching.catch((error: unknown) => {
      this.watching = undefined;
      throw error;
    });
  }

  /** Joins in the background, for as long as it takes. */
  rejoin(): void {
    if (this.joining || this.stopped) return;
    this.joining = this.joinUntilDone().finally(() => (this.joining = undefined));
  }

  /** Nobody gives this node units any more; its session and record stay, since its runs go on. */
  async announceLeaving(): Promise<void> {
    this.stopped = true;
    this.stopping.abort();
    await this.joining?.catch(() => undefined);
    this.status = 'leaving';
    if (this.keeper.session) await this.publish();
  }

  async leave(): Promise<void> {
    this.stopped = true;
    this.stopping.abort();
    this.resyncTimer?.dispose();
    await this.joining?.catch(() => undefined);
    this.watching?.then(
      (watch) => watch.dispose(),
      () => undefined, // it never came about
    );
    await this.keeper.end();
  }

  /**
   * Writes the node record as it is now, over none but its own: two processes under one node id would take each other's
   * runs for their own, so the second one stays out.
   * @throws DistributedScheduleError `NODE_ID_IN_USE`
   */
  async publish(): Promise<void> {
    const session = this.keeper.session;
    if (!session) return;
    const own = this.describe();
    const record: NodeRecord = { ...own, session: session.id, status: this.status, lastAliveAt: this.clock.now() };
    const write: Write = { key: keys.node(own.id), value: JSON.stringify(record), session: session.id };
    let result = await this.commit({ ...write, if: this.revision ?? 'absent' });
    if (!result.ok && result.current) {
      const other = decodeNode(result.current.value);
      if (other && other.boot !== own.boot) throw this.inUse(other);
      if (this.keeper.session !== session) return; // late: bound to a session that is over, the record would go with it
      result = await this.commit({ ...write, if: result.current.revision }); // ours, by a session or a write before
    }
    if (!result.ok) return; // the session is over: the next renewal tells
    this.revision = result.revision;
    this.view.apply({ key: write.key, value: write.value!, revision: result.revision, token: result.token });
  }

  private async commit(write: Write): Promise<WriteResult> {
    return (await this.registry.commit([write]))[0]!;
  }

  private async joinUntilDone(): Promise<void> {
    for (let wait = FIRST_RETRY_MS; !this.stopped; wait = Math.min(wait * 2, MAX_RETRY_MS)) {
      try {
        await this.attempt();
        this.logger.log('In the cluster');
        return;
      } catch (error) {
        const message = errorMessage(error);
        if (message !== this.lastFailure && !this.stopped)
          this.logger.warn('Not in the cluster; trying again until it works', { reason: message });
        this.lastFailure = message;
        await sleep(this.clock, wait, this.stopping.signal);
      }
    }
  }

  /** Joining takes a while: the session may be lost meanwhile, or this node be told to leave. */
  private goOn(session: RegistrySession): void {
    if (this.stopped) throw new Error('this node was stopped while joining');
    if (this.keeper.session === session) return;
    throw new RegistryUnavailableError('the session was lost while joining', { outcomeUnknown: false });
  }

  private inUse(other: NodeRecord): DistributedScheduleError {
    const message =
      `Node id "${other.id}" is in use by process ${other.pid} on ${other.hostname}. Give each process an id of its own, or leave ` +
      `the option node.id out. If that process is gone, its session ends within ${this.options.ttlMs} ms`;
    return new DistributedScheduleError('NODE_ID_IN_USE', message, { nodeId: other.id, retryable: true });
  }

  private see(change: Change): void {
    if (change.type === 'put') this.view.apply(change.entry);
    else if (change.type === 'deleted') {
      this.removals++;
      this.view.forget(change.key.slice(keys.nodes.length));
    } else {
      this.hooks.onGap();
      this.loadNodes().catch(() => undefined); // the next resync repairs it
    }
  }

  private async loadNodes(): Promise<void> {
    const [before, removals] = [this.view.tokens(), this.removals];
    const entries = await listAll(this.registry, keys.nodes);
    await this.hooks.beforeBelieving();
    if (this.removals !== removals) return this.loadNodes(); // the list may still hold who has gone meanwhile
    this.view.replaceAll(entries, before);
  }

  private armResync(): void {
    this.resyncTimer?.dispose();
    this.resyncTimer = this.clock.setTimer(this.options.resyncMs, () => {
      this.resync()
        .catch((error: unknown) =>
          this.logger.debug('Resync failed; the next one repairs it', { reason: errorMessage(error) }),
        )
        .finally(() => !this.stopped && this.armResync());
    });
  }

  private async resync(): Promise<void> {
    if (!this.keeper.session) return;
    await this.publish();
    await this.loadNodes();
    await this.hooks.onResync();
  }
}
