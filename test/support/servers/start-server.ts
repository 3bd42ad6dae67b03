import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './programs.js';
import type { RunningServer, ServerKind, StartOptions } from './server.js';
import { ServerProcess } from './server-process.js';

const HOST = '127.0.0.1';
const READY_WITHIN_MS = 30_000;

/** Starts a server of this kind and waits until it answers; or takes the one that the environment names. */
export async function startServer<O extends StartOptions>(kind: ServerKind<O>, options: O): Promise<RunningServer> {
  const address = process.env[kind.variable];
  const anyWillDo = !options.killable && !options.port && !options.dir && !options.args && !options.detached;
  if (address && anyWillDo) return somebodyElses(kind, address);
  const server = new OwnServer(kind, options);
  await server.start();
  return server;
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, HOST, resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

class OwnServer<O extends StartOptions> implements RunningServer {
  readonly host = HOST;
  port = 0;
  readonly scratch = mkdtempSync(join(tmpdir(), 'distributed-schedule-server-'));
  private readonly dir: string;
  private args: string[] = [];
  private process: ServerProcess | undefined;

  constructor(
    private readonly kind: ServerKind<O>,
    private readonly options: O,
  ) {
    this.dir = options.dir ?? join(this.scratch, 'data');
  }

  get url(): string {
    return this.kind.url(this.port);
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  async start(): Promise<void> {
    try {
      await this.startOnSomePort();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.process?.end(signal);
  }

  pause(): void {
    this.process?.signal('SIGSTOP');
  }

  resume(): void {
    this.process?.signal('SIGCONT');
  }

  async restart({ keepData }: { keepData: boolean }): Promise<void> {
    await this.kill();
    if (!keepData) rmSync(this.dir, { recursive: true, force: true });
    await this.run();
  }

  async stop(): Promise<void> {
    await this.process?.end('SIGTERM');
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** Between finding a free port and listening on it another process may take it: then another one. */
  private async startOnSomePort(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.port = this.options.port ?? (await freePort());
      const own = await this.kind.commandLine({ port: this.port, dir: this.dir }, this.options);
      this.args = [...own, ...(this.options.args ?? [])];
      try {
        return await this.run();
      } catch (error) {
        if (this.options.port || attempt === 3 || !/in use/i.test(String(error))) throw error;
      }
    }
  }

  private async run(): Promise<void> {
    const program = await findProgram(this.kind);
    mkdirSync(this.dir, { recursive: true });
    const log = join(this.scratch, 'server.log');
    this.process = new ServerProcess(program, this.args, {
      log,
      scratch: this.scratch,
      detached: this.options.detached === true,
    });
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!(await this.kind.answers(this).catch(() => false))) {
      const { isRunning } = this.process;
      if (!isRunning || performance.now() > deadline) {
        await this.process.end('SIGKILL');
        const what = isRunning ? `did not answer within ${READY_WITHIN_MS} ms` : 'ended at once';
        throw new Error(
          `${program.command} ${this.args.join(' ')} ${what}. Its last words:\n${this.process.lastWords()}`,
        );
      }
      await sleep(10);
    }
  }
}

async function somebodyElses(kind: ServerKind, address: string): Promise<RunningServer> {
  const { hostname, port } = new URL(address);
  const place = { host: hostname, port: Number(port) };
  if (!(await kind.answers(place).catch(() => false)))
    throw new Error(`${kind.variable} is ${address}, but no ${kind.name} answers there.`);
  const refuse = (): never => {
    throw new Error(
      `${kind.variable} names a server that was not started here; start it with { killable: true } instead.`,
    );
  };
  return {
    url: address,
    ...place,
    pid: undefined,
    scratch: undefined,
    kill: refuse,
    pause: refuse,
    resume: refuse,
    restart: refuse,
    stop: async () => {},
  };
}
