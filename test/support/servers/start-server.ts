import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execute } from './private-apt.js';
import { findProgram } from './programs.js';
import type { Place, RunningServer, ServerKind, StartOptions } from './server.js';
import { ServerProcess } from './server-process.js';

const HOST = '127.0.0.1';
const READY_WITHIN_MS = 30_000;
/** Who runs what root may not: the user of this name has this number everywhere. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Starts a server of this kind and waits until it answers; or takes the one that the environment names. */
export async function startServer<O extends StartOptions>(kind: ServerKind<O>, options: O): Promise<RunningServer> {
  const address = process.env[kind.variable];
  const anyWillDo = !options.killable && !options.port && !options.dir && !options.args && !options.detached;
  if (address && anyWillDo) return somebodyElses(kind, address);
  const [server] = await startServers(kind, 1, options);
  return server!;
}

/** Starts servers that form one cluster, and waits until all of them answer. */
export async function startServers<O extends StartOptions>(
  kind: ServerKind<O>,
  count: number,
  options: O,
): Promise<RunningServer[]> {
  const servers = Array.from({ length: count }, () => new OwnServer(kind, options));
  // Between finding a free port and listening on it another process may take it: then others.
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(kind.ports * count, options.port);
    const members = servers.map((_, i) => ({ host: HOST, ports: ports.slice(i * kind.ports, (i + 1) * kind.ports) }));
    const starts = await Promise.allSettled(servers.map((server, index) => server.start(members, index)));
    const failure = starts.find((start) => start.status === 'rejected');
    if (!failure) return servers;
    await Promise.all(servers.map((server) => server.kill()));
    if (!options.port && attempt < 3 && /in use/i.test(String(failure.reason))) continue;
    await Promise.all(servers.map((server) => server.stop()));
    throw failure.reason;
  }
}

/** The given port or any, and further ones, all different. */
async function freePorts(count: number, first?: number): Promise<number[]> {
  const ports = new Set(first === undefined ? [] : [first]);
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
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
  private copies = 0;

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

  async start(members: Place['members'], index: number): Promise<void> {
    const { ports } = members[index]!;
    this.port = ports[0]!;
    const own = await this.kind.commandLine({ ports, dir: this.dir, index, members }, this.options);
    this.args = [...own, ...(this.options.args ?? [])];
    await this.run();
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

  saveData(): string {
    if (this.pid !== undefined) throw new Error('Data can be saved only while the server is down.');
    const copy = join(this.scratch, `data-${++this.copies}`);
    cpSync(this.dir, copy, { recursive: true });
    return copy;
  }

  async restart(from: { keepData: boolean } | { data: string }): Promise<void> {
    await this.kill();
    const isKept = 'keepData' in from && from.keepData;
    if (!isKept) rmSync(this.dir, { recursive: true, force: true });
    if ('data' in from) cpSync(from.data, this.dir, { recursive: true });
    await this.run();
  }

  async stop(): Promise<void> {
    await this.process?.end('SIGTERM');
    rmSync(this.scratch, { recursive: true, force: true });
  }

  private async run(): Promise<void> {
    const program = await findProgram(this.kind);
    mkdirSync(this.dir, { recursive: true });
    const user = this.kind.program.refusesRoot && process.getuid?.() === 0 ? NOBODY : undefined;
    if (user) await execute('chown', ['-R', `${user.uid}:${user.gid}`, this.scratch, this.dir]);
    const folder = dirname(realpathSync(program.command));
    await this.kind.prepare?.(this.dir, (executable, args) =>
      execute(join(folder, executable), args, { env: { ...process.env, ...program.env }, cwd: this.dir, ...user }),
    );
    const log = join(this.scratch, 'server.log');
    this.process = new ServerProcess(program, this.args, {
      log,
      scratch: this.scratch,
      detached: this.options.detached === true,
      user,
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
  const [, host, port] = /^(?:\w+:\/\/)?(?:[^@/]*@)?(\[[^\]]+\]|[^:/,]+):(\d+)/.exec(address) ?? [];
  if (!host) throw new Error(`${kind.variable} must name a host and a port, as ${kind.url(1234)}.`);
  const place = { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
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
    saveData: refuse,
    stop: async () => {},
  };
}
