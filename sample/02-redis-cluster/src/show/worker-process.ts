import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Report } from '../app/report.js';

const WORKER = fileURLToPath(new URL('../worker.ts', import.meta.url));

/** One process of the cluster. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(
    readonly name: string,
    env: Record<string, string>,
    onReport: (report: Report, from: string) => void,
  ) {
    this.child = spawn(process.execPath, [...process.execArgv, WORKER], {
      env: { ...process.env, ...env, SCHEDULE_NODE: name },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.ended = once(this.child, 'exit');
    createInterface({ input: this.child.stdout! }).on('line', (line) => onReport(JSON.parse(line) as Report, name));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.isRunning) this.child.kill(signal);
    await this.ended;
  }
}
