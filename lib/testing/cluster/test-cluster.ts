import { MemoryRegistry } from '../../adapters/memory/memory-registry.js';
import { MemoryStore } from '../../adapters/memory/memory-store.js';
import { resolveStrategy } from '../../core/assignment/strategy-table.js';
import type { Duration } from '../../core/common/duration.js';
import { randomId } from '../../core/common/ids.js';
import { SILENT_LOGGER, type LoggerPort } from '../../core/common/logger.js';
import type { Registry } from '../../core/registry/registry.js';
import type { Handler } from '../../core/execution/task-run.js';
import { Scheduler } from '../../core/scheduler/scheduler.js';
import {
  DEFAULT_CLUSTER,
  DEFAULT_ORPHAN_PRUNE_AFTER_MS,
  type SchedulerOptions,
} from '../../core/scheduler/scheduler-options.js';
import { SchedulerService } from '../../core/service/scheduler-service.js';
import { Host } from './host.js';
import { LaggingReplica } from './lagging-replica.js';
import { seededRandom } from '../seeded-random.js';
import { VirtualClock } from './virtual-clock.js';

export interface TestClusterOptions {
  /** How many nodes start at once. @default 3 */
  nodes?: number;
  /** Handlers that every node has, by id. */
  handlers?: Record<string, Handler>;
  /** Virtual time at the start. @default 2030-01-01T00:00:00Z */
  start?: Date;
  /** @default 1 */
  seed?: number;
  logger?: LoggerPort;
  /** Whatever else differs from the defaults, for every node. */
  options?: Partial<Omit<SchedulerOptions, 'cluster'>> & { cluster?: Partial<SchedulerOptions['cluster']> };
}

/** One node of a `TestCluster`. */
export interface TestNode {
  readonly id: string;
  readonly service: SchedulerService;
  readonly scheduler: Scheduler;
  readonly host: Host;
}

/**
 * A cluster of real schedulers in one process, on virtual time and a shared memory registry.
 *
 * @example
 * ```ts
 * const cluster = await TestCluster.start({ nodes: 3, handlers: { report: (run) => ran.push(run.tick) } });
 * await cluster.during(cluster.node(0).service.addTask({ name: 'report', schedule: { cron: '0 * * * *' } }));
 * await cluster.advance('1d');
 * cluster.crash(cluster.node(1));
 * ```
 */
export class TestCluster {
  readonly clock: VirtualClock;
  readonly store: MemoryStore;
  readonly nodes: TestNode[] = [];
  /** How far the registry's clock is ahead of true time. */
  serverSkewMs = 0;
  private readonly random: () => number;
  private lagging?: LaggingReplica;

  private constructor(private readonly options: TestClusterOptions) {
    this.clock = new VirtualClock(options.start?.getTime());
    const { clock } = this;
    this.store = new MemoryStore({
      now: () => clock.now() + this.serverSkewMs,
      monotonic: () => clock.monotonic(),
      setTimer: (delayMs, fn) => clock.setTimer(delayMs, fn),
    });
    this.random = seededRandom(options.seed ?? 1);
  }

  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    for (let i = 0; i < (options.nodes ?? 3); i++) cluster.makeNode({});
    await cluster.settle(cluster.nodes);
    return cluster;
  }

  /** What stale reads are served from; it remembers from the first time it is asked for. */
  get replica(): LaggingReplica {
    return (this.lagging ??= new LaggingReplica(this.store));
  }

  node(index: number): TestNode {
    const node = this.nodes[index];
    if (!node) throw new Error(`There is no node ${index}; the cluster has ${this.nodes.length}`);
    return node;
  }

  /** One more node, working when the promise resolves. */
  async join(
    extra: { id?: string; handlers?: Record<string, Handler>; options?: TestClusterOptions['options'] } = {},
  ): Promise<TestNode> {
    const node = this.makeNode(extra);
    await this.settle([node]);
    return node;
  }

  /** A node made but not started: declare static tasks on it first. */
  makeNode(extra: {
    id?: string;
    handlers?: Record<string, Handler>;
    options?: Partial<Omit<SchedulerOptions, 'cluster' | 'node'>> & { node?: Partial<SchedulerOptions['node']> };
    /** Puts something between the store and the node's link. */
    wrap?: (registry: Registry) => Registry;
  }): TestNode {
    const host = new Host(this.clock);
    const id = extra.id ?? `node-${this.nodes.length + 1}`;
    const registry = new MemoryRegistry({ store: this.store });
    const given = { ...this.options.options, ...extra.options };
    const scheduler = new Scheduler({
      registry: host.link(extra.wrap?.(registry) ?? registry, (ageMs) => this.replica.asOf(ageMs)),
      ownsRegistry: false,
      namespace: 'test',
      strategy: resolveStrategy('consistent-hash'),
      timeZone: 'UTC',
      concurrency: 1_000,
      defaults: {},
      drainTimeoutMs: 30_000,
      startupTimeoutMs: undefined,
      keepRuns: 20,
      orphanPruneAfterMs: DEFAULT_ORPHAN_PRUNE_AFTER_MS,
      clock: host.clock,
      random: this.random,
      logger: this.options.logger ?? SILENT_LOGGER,
      ...given,
      node: {
        id,
        boot: randomId(this.random, 12),
        hostname: id,
        pid: 1,
        weight: 1,
        labels: {},
        role: 'worker',
        ...given.node,
      },
      cluster: { heartbeatMs: DEFAULT_CLUSTER.ttlMs / 3, ...DEFAULT_CLUSTER, ...given.cluster },
    });
    for (const [handlerId, handler] of Object.entries({ ...this.options.handlers, ...extra.handlers })) {
      scheduler.handlers.add(handlerId, handler, 'test');
    }
    const node: TestNode = { id, scheduler, service: new SchedulerService(scheduler), host };
    this.nodes.push(node);
    return node;
  }

  /** Starts nodes and waits until they are working. */
  async settle(nodes: readonly TestNode[]): Promise<void> {
    for (const { service } of nodes) void service.start();
    await this.clock.advanceUntil(() => nodes.every(({ service }) => service.state === 'working'));
    await this.clock.advance(10);
  }

  advance(by: Duration): Promise<void> {
    return this.clock.advance(by);
  }

  /** Does something that takes virtual time, moving it until it is done. */
  async during<T>(work: Promise<T>, limit: Duration = '5m'): Promise<T> {
    let done = false;
    const finish = (): void => void (done = true);
    work.then(finish, finish);
    await this.clock.advanceUntil(() => done, limit, 1);
    return work;
  }

  /** The process is gone, without a word. */
  crash(node: TestNode): void {
    node.host.crash();
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** Stops every node that is left, so that the next test starts with nothing going on. */
  async stop(): Promise<void> {
    for (const node of this.nodes) node.host.unfreeze();
    await this.during(Promise.all(this.nodes.map(({ service }) => service.stop())));
  }
}
