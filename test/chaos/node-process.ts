import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pass } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DistributedScheduleOptions } from '../../lib/index.js';
import type { TcpProxy } from '../support/tcp-proxy.js';
import { fromSource } from './from-source.js';
import type { NodeStatus, Order, Report } from './node-messages.js';

const SCRIPT = fileURLToPath(new URL('node.ts', import.meta.url));
const KEPT_LINES = 500;
const LOOK_AGAIN_MS = 50;

/** One process of a node, from its start to its certain end, and its own way to the registry. */
export class NodeProcess {
  /** The last of what it wrote: its warnings and errors. */
  readonly log: string[] = [];
  /** What it ended by. Nest, its hooks done, ends a process by the signal that asked for it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly startedAt = Date.now();
  /** Resolves when it has joined the cluster; rejects where it ended before. */
  readonly working: Promise<void>;
  hasJoined = false;
  /** Somebody has ended it, or asked it to end. */
  isMeantToEnd = false;
  private readonly child: ChildProcess;
  private readonly asked = new Map<number, (status: NodeStatus) => void>();
  private lastQuestion = 0;

  /** @param name the incarnation: unique, also where a process is started under the id of one before */
  constructor(
    readonly id: string,
    readonly name: string,
    readonly proxy: TcpProxy,
    { recorder, options, flags = [] }: { recorder: string; options: DistributedScheduleOptions; flags?: string[] },
  ) {
    const env = { PROCESS: name, RECORDER: recorder, OPTIONS: JSON.stringify({ ...options, node: { id } }) };
    this.child = fork(SCRIPT, [], fromSource(env, flags));
    for (const output of [this.child.stdout!, this.child.stderr!]) output.on('data', (text: Buffer) => this.keep(text));
    this.child.on('message', (report: Report) => {
      if (report.type === 'status') this.asked.get(report.id)?.(report.status);
      else this.hasJoined = true;
    });
    this.child.on('error', () => undefined); // an order to a process that has just ended
    this.ended = once(this.child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
    this.working = this.untilWorking();
    this.working.catch(() => undefined); // whoever waits for it hears of it
    this.guard();
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    if (!this.isAlive) return;
    this.isMeantToEnd ||= signal === 'SIGKILL' || signal === 'SIGTERM';
    this.child.kill(signal);
  }

  order(order: Order): void {
    if (this.child.connected) this.child.send(order);
  }

  /** How it is; `undefined` where it does not say, because it is frozen or gone. */
  status(withinMs = 1_000): Promise<NodeStatus | undefined> {
    const id = ++this.lastQuestion;
    return new Promise((resolve) => {
      const answer = (status?: NodeStatus): void => {
        clearTimeout(timer);
        this.asked.delete(id);
        resolve(status);
      };
      const timer = setTimeout(answer, withinMs);
      this.asked.set(id, answer);
      this.order({ type: 'status', id });
    });
  }

  /** Resolves when it has written this to its log, now or before. */
  async says(text: string, withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    while (!this.log.join('').includes(text)) {
      if (performance.now() > until) throw new Error(`${this.name} does not say "${text}" but ${this.log.join('')}`);
      await pass(LOOK_AGAIN_MS);
    }
  }

  /** Ends it, whatever it is doing, with its way to the registry. */
  async end(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
    await this.proxy.stop();
  }

  private keep(text: Buffer): void {
    this.log.push(text.toString());
    this.log.splice(0, this.log.length - KEPT_LINES);
  }

  private async untilWorking(): Promise<void> {
    const ended = this.ended.then((how) => {
      throw new Error(`${this.name} ended with ${how} before it had joined: ${this.log.join('')}`);
    });
    const working = new Promise<void>((resolve) => {
      this.child.on('message', (report: Report) => report.type === 'working' && resolve());
    });
    await Promise.race([working, ended]);
  }

  /**
   * Ends the process when this one dies, however it dies: one that is frozen would stay for ever. The shell reads from a
   * pipe that only this process holds.
   */
  private guard(): void {
    const script = 'while read -r _; do :; done; kill -KILL "$0"';
    const guard = spawn('/bin/sh', ['-c', script, String(this.child.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // out of reach of the Ctrl-C that ends the run
    });
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
    this.child.once('exit', () => guard.kill('SIGKILL'));
  }
}
