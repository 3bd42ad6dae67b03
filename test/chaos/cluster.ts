import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { keys } from '../../lib/core/registry/keyspace.js';
import {
  DistributedScheduleModule,
  SchedulerService,
  type DistributedScheduleOptions,
  type TaskInput,
} from '../../lib/index.js';
import { Checker } from '../../lib/testing/checker/checker.js';
import type { RunningServer } from '../support/servers/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { readDocuments } from './documents.js';
import { Figures } from './figures.js';
import { NodeProcess } from './node-process.js';
import { Recorder } from './recorder.js';
import type { ChaosRegistry } from './registries.js';
import { GROUPS } from './tasks.js';

const NAMESPACE = 'chaos';
const JOIN_WITHIN_MS = 60_000;

export interface ChaosClusterOptions {
  nodes: number;
  options?: Omit<DistributedScheduleOptions, 'registry' | 'namespace' | 'node'>;
  /** For Node, in every node's process. */
  flags?: string[];
}

/**
 * Real processes on a real server: each node reaches it through a proxy of its own, a recorder writes down what all of
 * them do, and an observer in this process changes tasks. Ends what it started, by pid.
 */
export class ChaosCluster {
  /** The processes that are there, by node id. */
  readonly nodes = new Map<string, NodeProcess>();
  readonly checker = new Checker({ resyncMs: 5_000, settleMs: 10_000 });
  readonly figures = new Figures();
  /** Processes that ended though nobody had asked them to. */
  readonly crashes: string[] = [];
  private readonly processes = new Set<NodeProcess>();
  private readonly opened: (() => Promise<unknown>)[] = [];
  private observer!: INestApplicationContext;
  private stopping?: Promise<void>;
  private lastNode = 0;
  private lastProcess = 0;

  private constructor(
    readonly registry: ChaosRegistry,
    readonly server: RunningServer,
    readonly recorder: Recorder,
    private readonly options: ChaosClusterOptions,
  ) {
    recorder.onEntry((entry) => {
      this.figures.take(entry);
      this.checker.take(entry);
    });
  }

  static async start(registry: ChaosRegistry, options: ChaosClusterOptions): Promise<ChaosCluster> {
    const server = await registry.start();
    const recorder = await Recorder.start().catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    const cluster = new ChaosCluster(registry, server, recorder, options);
    try {
      await cluster.observe();
      await Promise.all(Array.from({ length: options.nodes }, () => cluster.startNode(cluster.newId())));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** What an operator's tools use. */
  get service(): SchedulerService {
    return this.observer.get(SchedulerService);
  }

  /** A node id that no process had before. */
  newId(): string {
    return `n${++this.lastNode}`;
  }

  node(id: string): NodeProcess {
    const node = this.nodes.get(id);
    if (!node) throw new Error(`there is no node ${id}`);
    return node;
  }

  /** Starts a process under this id, and waits until it has joined. */
  async startNode(id: string): Promise<NodeProcess> {
    if (this.stopping) throw new Error('the cluster is being stopped');
    const proxy = await TcpProxy.to(this.server);
    const node = new NodeProcess(id, `${id}/${++this.lastProcess}`, proxy, {
      recorder: this.recorder.pipe,
      options: { startup: 'background', concurrency: 1_000, ...this.options.options, ...this.place(proxy) },
      ...(this.options.flags && { flags: this.options.flags }),
    });
    this.processes.add(node);
    this.nodes.set(id, node);
    void node.ended.then((how) => {
      if (this.nodes.get(id) === node) this.nodes.delete(id);
      if (!node.isMeantToEnd) this.crashes.push(`${node.name} ended with ${how}: ${node.log.join('')}`);
    });
    await within(JOIN_WITHIN_MS, `${node.name} joins`, node.working);
    return node;
  }

  /** SIGTERM, and wait for the end. @returns what it ended by */
  async stopNode(node: NodeProcess): Promise<number | NodeJS.Signals> {
    node.signal('SIGTERM');
    const how = await within(60_000, `${node.name} ends after SIGTERM`, node.ended);
    await node.end();
    this.processes.delete(node);
    return how;
  }

  async killNode(node: NodeProcess): Promise<void> {
    const status = await node.status();
    this.figures.takeovers.expect(node.name, status?.owned ?? []);
    this.recorder.tell({ type: 'fault', what: 'kill', process: node.name });
    await node.end();
    this.processes.delete(node);
  }

  async addTasks(tasks: readonly TaskInput[]): Promise<void> {
    await Promise.all(tasks.map((task) => this.service.addTask({ handler: 'work', ...task })));
    await this.tellDocuments(keys.tasks);
  }

  documents(...prefixes: string[]) {
    return readDocuments(this.registry.options(this.server), NAMESPACE, ...prefixes);
  }

  /** Puts these documents, as they stand, into the log: who wrote them and when is not known. */
  async tellDocuments(...prefixes: string[]): Promise<void> {
    for (const { key, value, token } of await this.documents(...prefixes)) {
      this.recorder.tell({ type: 'write', key, value, token: String(token) });
    }
    await this.recorder.caughtUp();
  }

  /** Safe to call twice. */
  stop(): Promise<void> {
    return (this.stopping ??= this.stopAll());
  }

  private async stopAll(): Promise<void> {
    for (const node of this.processes) await node.end();
    for (const close of this.opened.reverse()) await close();
    await this.recorder.stop();
    await this.server.stop();
  }

  private place(address: { host: string; port: number }) {
    return { namespace: NAMESPACE, registry: this.registry.options(address), groups: GROUPS };
  }

  private async observe(): Promise<void> {
    const options = { ...this.place(this.server), node: { id: 'observer', role: 'observer' } as const };
    @Module({ imports: [DistributedScheduleModule.forRoot(options)] })
    class ObserverModule {}
    this.observer = await NestFactory.createApplicationContext(ObserverModule, { logger: false });
    this.opened.push(() => this.observer.close());
  }
}

/** The promise's value, or an error that names what did not happen in time. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
