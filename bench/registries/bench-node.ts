import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { NodeJob, NodeReport } from '../dynamic-tasks-worker.js';

const GONE_WITHIN_MS = 10_000;

/** A node of the cluster in a process of its own. */
export class BenchNode {
  private readonly process: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(job: NodeJob) {
    const worker = new URL('../dynamic-tasks-worker.ts', import.meta.url);
    this.process = fork(worker, { execArgv: [...process.execArgv, '--expose-gc'] });
    this.ended = once(this.process, 'exit');
    this.process.send(job);
  }

  /** What it measured; from then on it waits. */
  async report(): Promise<NodeReport> {
    const died = this.ended.then(() => {
      throw new Error(`A node of the bench ended with code ${this.process.exitCode} before it had measured anything.`);
    });
    const [report] = (await Promise.race([once(this.process, 'message'), died])) as [NodeReport];
    return report;
  }

  /** Lets it leave the cluster, and makes sure that nothing keeps it from ending by itself. */
  async leave(): Promise<void> {
    this.process.send('leave');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), GONE_WITHIN_MS);
    await this.ended;
    clearTimeout(timer);
    const { exitCode, signalCode } = this.process;
    if (exitCode !== 0) throw new Error(`A node of the bench did not end by itself: ${signalCode ?? exitCode}`);
  }

  /** For when something has failed. Safe to call when it is gone. */
  kill(): void {
    this.process.kill('SIGKILL');
  }
}
