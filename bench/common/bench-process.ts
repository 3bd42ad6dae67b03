import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const GONE_WITHIN_MS = 10_000;

/** A process of a bench that is told its job and answers by messages. */
export class BenchProcess<Report> {
  private readonly process: ChildProcess;
  private readonly ended: Promise<unknown>;
  private readonly arrived: Report[] = [];

  /**
   * @param worker the file it runs, by its address: `new URL('fire-worker.ts', import.meta.url)`
   * @param execArgv of Node itself: by default this process', which compiles TypeScript on its way
   */
  constructor(
    private readonly worker: URL,
    job: object,
    execArgv: readonly string[] = process.execArgv,
  ) {
    this.process = fork(worker, { execArgv: [...execArgv, '--expose-gc'] });
    this.ended = once(this.process, 'exit');
    this.process.on('message', (report) => this.arrived.push(report as Report));
    this.process.send(job);
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** The next of its reports. @throws Error where it ends before */
  async report(): Promise<Report> {
    while (this.arrived.length === 0) {
      const message = once(this.process, 'message').then(() => true);
      if (!(await Promise.race([message, this.ended.then(() => false)])) && this.arrived.length === 0) {
        const how = this.process.signalCode ?? `code ${this.process.exitCode}`;
        throw new Error(`${this.worker.pathname} ended by ${how} before it had reported`);
      }
    }
    return this.arrived.shift()!;
  }

  tell(message: string | object): void {
    this.process.send(message);
  }

  /** Tells it `'leave'`, and sees to it that nothing keeps it from ending by itself. */
  leave(): Promise<void> {
    this.tell('leave');
    return this.endsByItself();
  }

  /** SIGTERM, as a deploy sends it; it is to obey that as it obeys `'leave'`. */
  terminate(): Promise<void> {
    this.process.kill('SIGTERM');
    return this.endsByItself();
  }

  /** At once, as a crash would. Safe to call when it is gone. */
  kill(): void {
    this.process.kill('SIGKILL');
  }

  private async endsByItself(): Promise<void> {
    const timer = setTimeout(() => this.kill(), GONE_WITHIN_MS);
    await this.ended;
    clearTimeout(timer);
    const { exitCode, signalCode } = this.process;
    if (exitCode !== 0) throw new Error(`${this.worker.pathname} did not end by itself: ${signalCode ?? exitCode}`);
  }
}
