import { createHash } from 'node:crypto';
import type { Change, Entry, Registry } from '../../lib/core/registry/registry.js';
import type { TaskInput } from '../../lib/core/task/task-definition.js';
import { Checker, type Violation } from '../../lib/testing/checker/checker.js';
import type { AnswerEntry, LogEntry } from '../../lib/testing/checker/log.js';
import { witnessed } from '../../lib/testing/checker/witness.js';
import { TestCluster } from '../../lib/testing/cluster/test-cluster.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import { branchesOf } from './branches.js';
import { fateOf, quietNetwork, watchFateOf } from './network.js';
import { handlerOn, type SimNode } from './node.js';
import { drawScene, type Scene } from './scene.js';
import { BEGINNINGS, calendarsOf, DISK, drawTask, NEW_HANDLER, staticTasks } from './workload.js';

const NAMESPACE = 'test/';
const MOST_NODES = 7;
/** What a node knows by having noticed one loss of data it needs to notice the next. */
const LOSSES_APART_MS = 30_000;
/** A node that leaves in good order delays nothing by more. */
const GRACEFUL_MS = 1_000;

/** So long after all is healed a clock that was put right is followed. */
const CLOCK_HEALS_MS = 5_000;

/** Who is writing to the store right now: calls of the memory registry are over when they return. */
interface Author {
  process?: string;
}

/**
 * A cluster of real schedulers on virtual time, what can happen to it, and the log of what did. When it happens is said
 * in `simulate`, drawn from the seed.
 */
export class Simulation {
  readonly log: LogEntry[] = [];
  /** How often what has happened: faults, and the branches that the protocol took. */
  readonly counts = new Map<string, number>();
  /** Every node that ever ran. */
  readonly nodes: SimNode[] = [];
  readonly violations: Violation[];
  /** From now on handlers are quick and do not fail. */
  calm = false;
  /** One node is replaced in peace: what it leaves behind is taken over within a second. */
  readonly deploysInPeace: boolean;
  /** How many runs each node does at once. */
  concurrency: number;
  private readonly checker: Checker;
  private readonly hash = createHash('sha1');
  private readonly definitions = new Map<string, TaskInput>();
  private version = 0;
  private questions = 0;
  private backup: Entry[] = [];
  private backupAt = 0;
  private lostAt = -Infinity;
  private lastToken = '0';

  private constructor(
    readonly random: () => number,
    readonly scene: Scene,
    readonly cluster: TestCluster,
    private readonly author: Author,
  ) {
    const { cluster: times, network } = scene;
    this.concurrency = scene.concurrency;
    this.deploysInPeace = random() < 0.3;
    this.checker = new Checker({
      clockErrorMs: 500 + network.longestMs,
      writeDelayMs: network.longestMs + 1_000,
      claimAheadMs: times.claimAheadMs,
      sessionTtlMs: times.ttlMs,
      resyncMs: times.resyncMs,
      settleMs: 15_000,
      promptMs: this.deploysInPeace ? GRACEFUL_MS : 100 + network.latencyMs * 20,
    });
    this.violations = this.checker.violations;
    cluster.store.watch('', (change) => this.hearStore(change));
    void cluster.replica; // remembers from now on
    this.count(`scene ${scene.beginning}`);
  }

  static async create(seed: number): Promise<Simulation> {
    const random = seededRandom(seed);
    const scene = drawScene(random);
    const author: Author = {};
    const cluster = await TestCluster.start({
      nodes: 0,
      start: new Date(BEGINNINGS[scene.beginning]),
      seed: Math.floor(random() * 2 ** 32),
      options: { cluster: scene.cluster, concurrency: scene.concurrency, drainTimeoutMs: 4_000, keepRuns: 10 },
    });
    return new Simulation(random, scene, cluster, author);
  }

  /** The registry's time: what the log goes by. */
  now(): number {
    return this.cluster.store.clock.now();
  }

  tell(entry: LogEntry): void {
    this.log.push(entry);
    this.hash.update(JSON.stringify(entry));
    for (const branch of branchesOf(entry)) this.count(branch);
    this.checker.take(entry);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  complain(rule: string, message: string): void {
    this.violations.push({ rule, message });
  }

  /** Nodes that have not been killed or told to stop. */
  alive(): SimNode[] {
    return this.nodes.filter(({ killed, stopping }) => !killed && !stopping);
  }

  /** Nodes that could be asked for something now. */
  able(): SimNode[] {
    return this.alive().filter(({ host, service }) => !host.isFrozen && service.state === 'working');
  }

  after(delayMs: number, fn: () => void): void {
    this.cluster.clock.setTimer(delayMs, fn);
  }

  /** One more node, of the latest deploy unless said otherwise; it joins by itself. */
  join({ id, version = this.version }: { id?: string; version?: number } = {}): SimNode | undefined {
    if (id === undefined && this.alive().length >= MOST_NODES) return undefined;
    const nodeId = id ?? `n${this.nodes.length + 1}`;
    const process = id === undefined ? nodeId : `${nodeId}~${this.nodes.length + 1}`;
    const network = quietNetwork(this.scene.network);
    const count = (what: string): void => this.count(what);
    const handler = witnessed(
      handlerOn(
        () => node.host,
        this.random,
        () => this.calm,
      ),
      { process, tell: (entry) => this.tell(entry), now: () => this.now() },
    );
    const made = this.cluster.makeNode({
      id: nodeId,
      wrap: (registry) => this.signed(registry, process),
      handlers: { '*': handler, ...(version > 0 && { [NEW_HANDLER]: handler }) },
      options: {
        concurrency: this.concurrency,
        version: `1.${version}`,
        calendars: calendarsOf(version),
        node: {
          labels: this.random() < 0.5 || this.nodes.length === 0 ? DISK : {},
          weight: 1 + Math.floor(this.random() * 2),
        },
      },
    });
    const node: SimNode = Object.assign(made, { process, version, network, killed: false, stopping: false });
    this.nodes.push(node);
    node.host.fate = fateOf(network, this.random, count);
    node.host.watchFate = watchFateOf(network, this.random, count);
    node.host.shuffle = (items) => shuffled(items, this.random);
    node.service.events$.subscribe(({ type }) => this.count(`event ${type}`));
    const questions = staticTasks(version).map((task) => {
      void node.service.defineTask({ ...task, run: handler });
      return this.asked(node, 'deploy', task.name);
    });
    node.service.start().catch((error: unknown) => this.complain('start', `${process}: ${String(error)}`));
    const declared = (): void => {
      if (node.killed || node.stopping) return;
      if (node.service.state !== 'working') this.after(100, declared);
      else for (const question of questions) this.answered(question, 'done');
    };
    this.after(100, declared);
    return node;
  }

  /** The process is gone, without a word. The last one is left alone. */
  kill(node: SimNode): boolean {
    if (this.alive().length < 2) return false;
    node.killed = true;
    this.tell({ type: 'fault', at: this.now(), what: 'kill', process: node.process });
    this.cluster.crash(node);
    return true;
  }

  /** Frozen here and now, for so long. */
  freeze({ host, process }: SimNode, lastsMs: number): void {
    this.tell({ type: 'fault', at: this.now(), what: 'freeze', process });
    host.freeze();
    this.after(lastsMs, () => {
      host.unfreeze();
      this.tell({ type: 'heal', at: this.now(), what: 'freeze', process });
    });
  }

  /** SIGTERM. */
  leave(node: SimNode): boolean {
    if (this.alive().length < 2) return false;
    node.stopping = true;
    node.service.stop().catch((error: unknown) => this.complain('stop', `${node.process}: ${String(error)}`));
    return true;
  }

  /** Every node is replaced by one of the next version, one after the other. */
  deploy(): void {
    this.version++;
    this.alive().forEach((node, index) => {
      this.after(3_000 * index, () => this.join());
      this.after(3_000 * index + 2_000, () => !node.killed && !node.stopping && this.leave(node));
    });
  }

  /** A node is replaced by another of the same version, as a deploy does it. */
  async replaceOne(): Promise<void> {
    const [node] = this.alive();
    const fresh = node && this.join({ version: node.version });
    if (!node || !fresh) return;
    await this.cluster.clock.advanceUntil(() => fresh.service.state === 'working');
    await this.cluster.advance(100);
    this.leave(node);
  }

  expireSession({ scheduler }: SimNode): void {
    const session = scheduler.membership.keeper.session;
    if (session) this.cluster.store.endSession(session.id);
  }

  /** What a backup made now would bring back later. */
  makeBackup(): void {
    this.backupAt = this.now();
    this.backup = this.cluster.store.backup();
  }

  restoreBackup(): boolean {
    if (this.backup.length === 0) return false;
    return this.loseData(this.backup, this.backupAt);
  }

  loseData(kept: readonly Entry[], keptUpTo?: number): boolean {
    if (this.now() - this.lostAt < LOSSES_APART_MS) return false;
    this.lostAt = this.now();
    this.tell({ type: 'data-loss', at: this.now(), ...(keptUpTo !== undefined && { keptUpTo }) });
    for (const entry of kept) this.tellWrite(entry.key, String(entry.token), { value: entry.value, restored: true });
    this.cluster.store.restore(kept);
    return true;
  }

  /** A name of some task: one that is there, was there, or could be. */
  names(): string[] {
    return [
      ...Array.from({ length: this.scene.tasks }, (_, index) => `t${index}`),
      ...staticTasks(1).map(({ name }) => name),
    ];
  }

  /** A new definition of a task; what the rules judge a whole life by stays. */
  redraw(name: string): TaskInput {
    const fresh = drawTask(this.random, name, this.now());
    const first = this.definitions.get(name) ?? fresh;
    this.definitions.set(name, first);
    const { maxParallel: _unlimited, ...rest } = fresh;
    return {
      ...rest,
      recovery: first.recovery!,
      overlap: first.overlap!,
      ...(first.maxParallel !== undefined && { maxParallel: first.maxParallel }),
    };
  }

  asked(node: SimNode, what: string, task: string): number {
    const id = ++this.questions;
    this.tell({ type: 'ask', at: this.now(), id, process: node.process, what, task });
    return id;
  }

  answered(id: number, how: AnswerEntry['how']): void {
    this.tell({ type: 'answer', at: this.now(), id, how });
  }

  /** Everything that befalls anybody is over. */
  heal(): void {
    this.concurrency = 1_000;
    this.after(CLOCK_HEALS_MS + 1, () => this.tell({ type: 'heal', at: this.now(), what: 'everything' }));
    for (const { host, network, service, process } of this.nodes.filter(({ killed }) => !killed)) {
      this.tell({ type: 'fault', at: this.now(), what: 'clock', process }); // it is put right by one more step
      this.after(CLOCK_HEALS_MS, () => this.tell({ type: 'heal', at: this.now(), what: 'clock', process }));
      delete host.onStep;
      host.cutLink('none');
      host.unfreeze();
      host.staleMs = 0;
      host.skewMs = 0;
      host.drift(0);
      Object.assign(network, quietNetwork(this.scene.network));
      service.setConcurrency(this.concurrency);
    }
  }

  finish(calmSince: number): void {
    this.checker.finish({ now: this.now(), calmSince });
  }

  /** The same for the same seed, or nothing that was found could be looked at again. */
  digest(): string {
    return this.hash.digest('hex');
  }

  /** The registry as one process uses it: what is written while it is called was written by that process. */
  private signed(registry: Registry, process: string): Registry {
    const { author } = this;
    return Object.assign(Object.create(registry) as Registry, {
      commit(writes: Parameters<Registry['commit']>[0]) {
        author.process = process;
        try {
          return registry.commit(writes);
        } finally {
          delete author.process;
        }
      },
    });
  }

  private hearStore(change: Change): void {
    if (change.type === 'put')
      this.tellWrite(change.entry.key, (this.lastToken = String(change.entry.token)), change.entry);
    else if (change.type === 'deleted') this.tellWrite(change.key, this.lastToken, {});
  }

  private tellWrite(key: string, token: string, { value, restored }: { value?: string; restored?: true }): void {
    const { process } = this.author;
    this.tell({
      type: 'write',
      at: this.now(),
      key: key.slice(NAMESPACE.length),
      token,
      ...(value !== undefined && { value }),
      ...(restored ? { restored } : process !== undefined && { process }),
    });
  }
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
