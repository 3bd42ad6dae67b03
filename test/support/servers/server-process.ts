import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Program } from './server.js';

/** One run of a server's program, from its start to its certain end. */
export class ServerProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(
    program: Program,
    args: string[],
    private readonly options: { log: string; scratch: string; detached: boolean },
  ) {
    const log = openSync(options.log, 'a');
    this.child = spawn(program.command, args, {
      env: { ...process.env, ...program.env },
      stdio: ['ignore', log, log],
      detached: options.detached,
    });
    closeSync(log);
    this.ended = once(this.child, 'exit').catch(() => {});
    if (options.detached) this.child.unref();
    else if (this.child.pid !== undefined) this.guard(this.child.pid);
  }

  get pid(): number | undefined {
    return this.isRunning ? this.child.pid : undefined;
  }

  get isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.child.kill(signal);
  }

  /** Ends it with this signal and, should it not obey in time, with SIGKILL. */
  async end(signal: NodeJS.Signals, patienceMs = 5_000): Promise<void> {
    if (!this.isRunning) return;
    this.signal(signal);
    this.signal('SIGCONT'); // A paused process keeps every signal but SIGKILL waiting.
    const timer = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }

  lastWords(): string {
    return readFileSync(this.options.log, 'utf8').trim().split('\n').slice(-8).join('\n');
  }

  /**
   * Ends the server when this process dies, however it dies: a small shell reads from a pipe that only this process
   * holds, so it wakes up when the process is gone, SIGKILL included.
   */
  private guard(pid: number): void {
    const script = 'while read -r _; do :; done; kill -KILL "$0"; rm -rf "$1"';
    const guard = spawn('/bin/sh', ['-c', script, String(pid), this.options.scratch], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Out of reach of the Ctrl-C that ends the tests.
    });
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
    this.child.once('exit', () => guard.kill('SIGKILL'));
  }
}
