import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DistributedScheduleOptions } from '../../lib/index.js';
import { EffectRecorder } from './recorder.js';

const NODE_SCRIPT = fileURLToPath(new URL('node.ts', import.meta.url));

/** A process of the cluster, and what can be done to it. */
export interface RealNode {
  readonly id: string;
  readonly child: ChildProcess;
  /** What it wrote to its standard error. */
  readonly log: string[];
}

/** Several real processes with one recorder. Ends what it started, by pid. */
export class RealCluster {
  readonly nodes = new Map<string, RealNode>();

  private constructor(
    readonly recorder: EffectRecorder,
    private readonly options: DistributedScheduleOptions,
  ) {}

  static async create(options: DistributedScheduleOptions): Promise<RealCluster> {
    return new RealCluster(await EffectRecorder.start(), options);
  }

  /** Starts nodes and waits until each has joined. */
  async start(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.startOne(id)));
  }

  kill(id: string, signal: NodeJS.Signals): void {
    const { child } = this.nodes.get(id)!;
    process.kill(child.pid!, signal);
    if (signal === 'SIGKILL') this.nodes.delete(id);
  }

  /** SIGTERM, and wait for the end. @returns what the process ended by: Nest, its hooks done, ends it by the signal itself */
  async leave(id: string): Promise<number | NodeJS.Signals> {
    const { child } = this.nodes.get(id)!;
    const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    child.kill('SIGTERM');
    const [code, signal] = await exit;
    this.nodes.delete(id);
    return signal ?? code!;
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.nodes.values()].map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }),
    );
    await this.recorder.stop();
  }

  private async startOne(id: string): Promise<void> {
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      SWC_NODE_PROJECT: 'tsconfig.json',
      NODE_ID: id,
      RECORDER_PORT: String(this.recorder.port),
      OPTIONS: JSON.stringify(this.options),
    };
    const child = spawn(process.execPath, ['--import', '@swc-node/register/esm-register', NODE_SCRIPT], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const log: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    this.nodes.set(id, { id, child, log });
    const died = once(child, 'exit').then(([code]) => {
      throw new Error(`node ${id} ended with ${String(code)} before it was ready: ${log.join('')}`);
    });
    await Promise.race([
      this.recorder.next((note) => note.type === 'ready' && note.node === id && note.pid === child.pid),
      died,
    ]);
    died.catch(() => undefined); // from here on an end is the test's own doing
  }
}
