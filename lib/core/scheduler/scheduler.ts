import { ClusterClock } from '../cluster/cluster-clock.js';
import { ClusterView, type NodeChange } from '../cluster/cluster-view.js';
import { Membership } from '../cluster/membership.js';
import { RegistryEpoch } from '../cluster/registry-epoch.js';
import { sameForPlacement } from '../cluster/node-record.js';
import type { SessionLoss } from '../cluster/session-keeper.js';
import { errorMessage } from '../common/errors.js';
import { RunIds } from '../common/ids.js';
import { EventHub } from '../events/event-hub.js';
import { Executor } from '../execution/executor.js';
import { HandlerTable } from '../execution/handler-table.js';
import { RunAbort } from '../execution/run-abort.js';
import { Slots } from '../execution/slots.js';
import { StuckHandlers } from '../execution/stuck-handlers.js';
import { ProgressBoard } from '../history/progress-board.js';
import { Recorder } from '../history/recorder.js';
import { CommitBatcher } from '../registry/commit-batcher.js';
import { withNamespace } from '../registry/keyspace.js';
import { Commands } from '../remote/commands.js';
import type { Registry, Write } from '../registry/registry.js';
import { Catalog, type TaskChange } from '../task/catalog.js';
import { unitsOf } from '../task/unit.js';
import { Amnesia } from './amnesia.js';
import { ClusterLife } from './cluster-life.js';
import { describeNode } from './describe-node.js';
import { Groups } from './groups.js';
import { joinInTime } from './join-in-time.js';
import { Leaving } from './leaving.js';
import { drainedError, leavingError, stoppedError } from './not-running.js';
import { samePlacement } from './placement.js';
import { PlacementKeeper } from './placement-keeper.js';
import { Recovery } from './recovery.js';
import { RunAborts } from './run-aborts.js';
import { RunLauncher } from './run-launcher.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { SchedulerOptions } from './scheduler-options.js';
import type { SchedulerState } from './scheduler-state.js';
import { tellOfTask } from './task-events.js';
import { TaskReplica } from './task-replica.js';
import { TaskWriter } from './task-writer.js';
import { TickLoop } from './tick-loop.js';
import { Timeline } from './timeline.js';
import { UnitStore } from './unit-store.js';
import { zoneDataNote } from './zone-data.js';

/** One node: the parts put together, and their life from start to stop. */
export class Scheduler {
  readonly context: SchedulerContext;
  readonly handlers = new HandlerTable();
  readonly launcher: RunLauncher;
  readonly stuck: StuckHandlers;
  readonly writer: TaskWriter;
  readonly view: ClusterView;
  readonly membership: Membership;
  private readonly loop: TickLoop;
  private readonly amnesia: Amnesia;
  private readonly life: ClusterLife;
  private readonly registry: Registry;
  private readonly replica: TaskReplica;
  private readonly placement: PlacementKeeper;
  private readonly leaving: Leaving;
  readonly commands: Commands;
  readonly aborts: RunAborts;
  private stopping?: Promise<void>;
  private stopped = false;
  private reached?: Promise<void>;
  private current: SchedulerState = 'stopped';
  private readonly startedAt: number;
  /** Called at every join, before this node takes units: registers the static tasks. */
  onJoining: () => Promise<void> = async () => undefined;
  /** Called at every resync, after nodes and tasks have been read anew. */
  onResynced: () => Promise<void> = async () => undefined;

  constructor(readonly options: SchedulerOptions) {
    const { logger, node } = options;
    this.registry = withNamespace(options.registry, options.namespace);
    const clock = new ClusterClock(options.clock);
    this.startedAt = clock.now();
    const events = new EventHub(clock, logger);
    const batcher = new CommitBatcher(this.registry, clock);
    this.view = new ClusterView((change) => this.onNodeChange(change));
    this.membership = new Membership(
      this.registry,
      options.clock,
      this.view,
      () => describeNode(options, this.handlers, this.launcher.running, this.startedAt, this.life.current),
      options.cluster,
      this.hooks(),
      logger,
    );
    const port = {
      commit: (w: Write) => batcher.commit(w),
      read: (key: string) => this.registry.get(key, { fresh: true }),
    };
    this.context = {
      node,
      registry: this.registry,
      clock,
      timeline: new Timeline(clock),
      keeper: this.membership.keeper,
      catalog: new Catalog((change) => this.onTaskChange(change), logger),
      units: new UnitStore(this.registry, batcher, options.clock),
      closing: new RunAbort(),
      slots: new Slots(options.concurrency, clock),
      groups: new Groups(
        this.registry,
        port,
        clock,
        this.membership.keeper,
        this.view,
        node,
        options.groups ?? {},
        logger,
      ),
      recorder: new Recorder(this.registry, batcher, node.id, options.keepRuns, logger),
      progress: new ProgressBoard(this.registry, clock, node.id, () => this.membership.keeper.session?.id, logger),
      events,
      runIds: new RunIds(node.boot),
      logger,
    };
    this.stuck = new StuckHandlers(clock, events, logger);
    const executor = new Executor(this.handlers, clock, options.random, events, this.stuck, logger);
    this.launcher = new RunLauncher(this.context, executor, (unit) => this.loop.runEnded(unit));
    const { random, cluster } = options;
    const epoch = new RegistryEpoch(this.registry, clock, random, cluster.claimAheadMs);
    this.amnesia = new Amnesia(this.context, epoch);
    this.amnesia.onClear = () => this.loop.lookAtStalled();
    this.writer = new TaskWriter(this.context, port, this.amnesia);
    this.replica = new TaskReplica(this.context, this.writer, this.amnesia);
    const recovery = new Recovery(this.context, this.launcher, this.handlers);
    const { version } = options;
    const self = { boot: node.boot, version, startedAt: this.startedAt };
    this.life = new ClusterLife(this.registry, clock, random, self, () => this.membership.publish());
    this.commands = new Commands(this.registry, clock, this.membership.keeper, this.view, node.id, random, logger);
    this.aborts = new RunAborts(this.context, this.launcher, this.commands);
    const starts = () => this.life.starts();
    this.loop = new TickLoop(this.context, this.launcher, recovery, this.writer, this.aborts, options.cluster, starts);
    this.leaving = new Leaving(options, this.context, this.membership, this.loop, this.launcher);
    this.placement = new PlacementKeeper(
      this.context,
      this.view,
      options.strategy,
      this.loop,
      () => this.current === 'working',
    );
  }

  get state(): SchedulerState {
    return this.current;
  }

  get owned() {
    return this.loop.owned;
  }

  /**
   * Joins the cluster. With `startup: 'wait'` it rejects when the registry cannot be reached in time; with
   * `'background'` it resolves at once and joins when it can.
   * @throws `NOT_RUNNING` once it has been drained or stopped
   */
  async start(): Promise<void> {
    this.refuseStopped();
    if (this.current === 'leaving') throw drainedError(this.options.node.id);
    if (this.current !== 'stopped') return;
    this.current = 'starting';
    if (this.options.startupTimeoutMs === undefined) return this.membership.rejoin();
    try {
      await joinInTime(this.membership, this.options);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Makes sure that the registry can be asked, also before the start: modules add their tasks while they come up. And
   * that the time is right, as far as anybody can tell: what is written by it stays.
   */
  async reach(): Promise<void> {
    this.refuseStopped();
    if (this.current === 'stopped') await this.connect();
    if (this.registry.serverTime && this.context.clock.isInDoubt) await this.measureClock().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    this.reached ??= this.registry.connect();
    await this.reached.catch((error: unknown) => {
      this.reached = undefined;
      throw error;
    });
  }

  private refuseStopped(): void {
    if (this.stopped) throw stoppedError(this.options.node.id);
  }

  /**
   * Leaves the cluster: no claim from now on, units to others at once, runs end within the drain timeout or are
   * aborted, and what they did is recorded before the session ends. Safe to call early and twice.
   */
  stop(): Promise<void> {
    if (this.stopped || (this.current === 'stopped' && !this.reached)) return Promise.resolve();
    return (this.stopping ??= this.leaveForGood().finally(() => (this.stopping = undefined)));
  }

  /** The first step of `stop`: no claim from now on, and units to others at once. Runs go on. */
  async leave(): Promise<void> {
    if (this.current === 'stopped') return;
    this.current = 'leaving';
    this.context.closing.abort(leavingError(this.options.node.id));
    await this.leaving.giveUpUnits();
  }

  /** The second step: after `leave`, runs end within the drain timeout or are aborted, and what they did is recorded. */
  endRuns(): Promise<void> {
    return this.current === 'stopped' ? Promise.resolve() : this.leaving.endRuns();
  }

  private async leaveForGood(): Promise<void> {
    if (this.current !== 'leaving') await this.leave();
    await this.endRuns();
    await this.leaving.depart();
    this.replica.dispose();
    this.commands.dispose();
    this.context.groups.dispose();
    this.context.progress.dispose();
    this.placement.dispose();
    this.context.timeline.stop();
    await this.leaving.closeRegistry();
    this.context.events.complete();
    this.current = 'stopped';
    this.stopped = true;
  }

  /** Stops claiming and lets runs end, but stays in the cluster as a node that takes nothing. */
  async drain(): Promise<void> {
    await this.leave();
    await this.launcher.recorded();
  }

  /** Tells the others what has changed about this node: its handlers or its weight. */
  async republish(): Promise<void> {
    if (this.current === 'working') await this.membership.publish();
  }

  private hooks() {
    return {
      onJoining: () => this.load(),
      onWorking: () => this.onWorking(),
      onLost: (reason: SessionLoss) => this.onLost(reason),
      onRenewed: () => this.onRenewed(),
      measureClock: () =>
        this.measureClock().then(
          () => true,
          () => false,
        ),
      onGap: () => (this.context.units.inDoubt = true),
      beforeBelieving: async () => void (await this.amnesia.check()),
      onResync: async () => {
        await this.replica.load();
        this.loop.readoptWith((run) => !this.launcher.isLive(run));
        this.loop.lookAtIdle();
        await this.onResynced();
      },
    };
  }

  /** What a node must know before it is given units. */
  private async load(): Promise<void> {
    await this.measureClock();
    await this.replica.load();
    if (this.options.node.role === 'worker') await this.life.join();
    await this.launcher.rebind(this.membership.keeper.session!.id);
    await this.commands.listen();
    await this.onJoining();
  }

  private onWorking(): void {
    this.current = 'working';
    const { events, recorder, logger, clock } = this.context;
    events.emit('session.working', { nodeId: this.options.node.id });
    this.placement.changed();
    this.onJoining().catch((error: unknown) => {
      logger.warn('Tasks that were declared while this node joined are registered at the next join', {
        reason: errorMessage(error),
      });
    });
    recorder
      .sweepFeeds((nodeId) => this.view.get(nodeId) !== undefined, clock.now())
      .catch((error: unknown) => {
        logger.debug('Feeds of former nodes could not be swept; the next node that joins does it', {
          reason: errorMessage(error),
        });
      });
  }

  private onLost(reason: SessionLoss): void {
    if (this.current !== 'leaving') this.current = 'rejoining';
    this.loop.dropAll();
    this.launcher.abortExclusive('the session of its node was lost');
    this.context.logger.warn('The session of this node is lost; it claims nothing until it is back in the cluster', {
      reason: reason === 'expired' ? 'the registry says that it is over' : 'it could not be renewed in time',
    });
    this.context.events.emit('session.lost', { reason });
  }

  private onRenewed(): void {
    if (this.context.units.inDoubt) this.amnesia.check().catch(() => undefined); // the next renewal tries again
    if (this.current === 'working') this.loop.lookAtStalled();
  }

  private async measureClock(): Promise<void> {
    const { clock, timeline } = this.context;
    const { capabilities } = this.registry;
    if (this.registry.serverTime) {
      await clock.measure(() => this.registry.serverTime!(), capabilities.serverTimeResolutionMs ?? 1);
    }
    timeline.rearm(); // always: a clock that was stepped forth and back in between shows nothing and has led timers astray
  }

  private onTaskChange(change: TaskChange): void {
    tellOfTask(change, this.context.events);
    const task = change.type === 'put' ? change.task : change.before;
    if (change.before && (change.type === 'removed' || change.before.doc.generation !== task.doc.generation)) {
      for (const unit of unitsOf(task.name, change.before.doc)) this.context.units.forget(unit);
    }
    if (change.type === 'put' && !change.before) this.placement.added(change.task);
    else if (change.type === 'removed' || !samePlacement(change.task, change.before!)) {
      for (const unit of change.before!.units) this.loop.drop(unit); // until it is placed anew: it may not be ours any more
      this.placement.changed();
    }
    for (const unit of task.units) this.loop.look(unit);
  }

  private onNodeChange(change: NodeChange): void {
    const { events } = this.context;
    const { id, status } = change.node;
    if (change.type === 'changed' && sameForPlacement(change.node, change.before)) return;
    events.emit(`node.${change.type}`, { nodeId: id, status });
    if (change.type === 'left') this.loop.readoptAll();
    const zones = change.type === 'joined' && zoneDataNote(this.options.node.tzData, [change.node]);
    if (zones) this.context.logger.warn(`Nodes differ: ${zones}`);
    this.placement.changed();
  }
}
