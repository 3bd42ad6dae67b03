import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './server.js';

/** One run of a server's program, from its start to its certain end. */
export class ServerProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  /** The processes it works with, as they were when it was last stopped or killed. */
  private helpers: number[] = [];

  constructor(
    program: Program,
    args: string[],
    private readonly options: {
      log: string;
      scratch: string;
      detached: boolean;
      user?: { uid: number; gid: number } | undefined;
    },
  ) {
    const log = openSync(options.log, 'a');
    this.child = spawn(program.command, args, {
      env: { ...process.env, ...program.env },
      stdio: ['ignore', log, log],
      detached: options.detached,
      ...options.user,
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

  /** A signal that a server cannot act upon reaches the processes it works with as well. */
  signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) return;
    if (signal === 'SIGKILL' || signal === 'SIGSTOP') {
      this.child.kill('SIGSTOP'); // It starts no more of them.
      this.helpers = childrenOf(this.child.pid!);
    }
    this.child.kill(signal);
    if (isUnseen(signal)) for (const pid of this.helpers) tryToKill(pid, signal);
    if (signal === 'SIGSTOP') for (const pid of [this.child.pid!, ...this.helpers]) waitUntilStill(pid);
  }

  /** Ends it with this signal and, should it not obey in time, with SIGKILL. */
  async end(signal: NodeJS.Signals, patienceMs = 5_000): Promise<void> {
    if (!this.isRunning) return;
    this.signal(signal);
    this.signal('SIGCONT'); // A paused process keeps every signal but SIGKILL waiting.
    const timer = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    await this.ended;
    clearTimeout(timer);
    while (this.helpers.some(isRunning)) await sleep(5); // They may still hold what the next run needs.
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

const isUnseen = (signal: NodeJS.Signals): boolean => ['SIGKILL', 'SIGSTOP', 'SIGCONT'].includes(signal);

/** Its child processes. Only Linux tells them without another program; elsewhere servers of several processes are not run. */
function childrenOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  return existsSync(list) ? readFileSync(list, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}

/** Its threads on other cores run on for a moment, and on a busy machine they answer in it. Only Linux tells. */
function waitUntilStill(pid: number): void {
  const threads = `/proc/${pid}/task`;
  const state = (thread: string): string =>
    readFileSync(`${threads}/${thread}/stat`, 'utf8').replace(/^.*\) /s, '')[0]!;
  const isMoving = (thread: string): boolean => existsSync(`${threads}/${thread}`) && !'TtZX'.includes(state(thread));
  for (let look = 0; look < 1_000 && existsSync(threads); look++) {
    if (!readdirSync(threads).some(isMoving)) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

function tryToKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** One that has ended and that nobody has asked about is listed still, as a Z. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
