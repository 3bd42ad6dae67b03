import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogEntry } from '../../lib/testing/checker/log.js';
import { fromSource } from './from-source.js';

const SCRIPT = fileURLToPath(new URL('recorder-process.ts', import.meta.url));
const READ_EVERY_MS = 20;
const CHUNK = Buffer.alloc(256 * 1024);

/** An entry before it is stamped. */
export type Told<E extends LogEntry = LogEntry> = E extends LogEntry ? Omit<E, 'at'> : never;

/** The harness's end of the recorder: tells it what the harness does, and reads along in its log. */
export class Recorder {
  private readonly listeners = new Set<(entry: LogEntry) => void>();
  private readonly marks = new Map<number, () => void>();
  private readonly reading: NodeJS.Timeout;
  private readonly log: number;
  private readonly pen: number;
  private begun = '';
  private lastMark = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    this.log = openSync(join(folder, 'log.jsonl'), constants.O_RDONLY | constants.O_CREAT);
    this.pen = openSync(this.pipe, constants.O_WRONLY);
    this.reading = setInterval(() => this.readOn(), READ_EVERY_MS);
  }

  static async start(): Promise<Recorder> {
    const folder = mkdtempSync(join(tmpdir(), 'distributed-schedule-chaos-'));
    const [pipe, log] = [join(folder, 'told'), join(folder, 'log.jsonl')];
    execFileSync('mkfifo', [pipe]);
    const child = fork(SCRIPT, [pipe, log], fromSource());
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`the recorder ended with ${String(code)} before it was ready`);
      }),
    ]);
    return new Recorder(child, folder);
  }

  /** Where witnesses write, a line of at most 4096 bytes in one piece. */
  get pipe(): string {
    return join(this.folder, 'told');
  }

  /** Has been handed on when this returns; it stands in the log behind all that was told before. */
  tell(entry: Told): void {
    writeSync(this.pen, `${JSON.stringify(entry)}\n`);
  }

  /** Every entry from now on, in the order of the log. @returns what ends it */
  onEntry(listener: (entry: LogEntry) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Resolves when whatever has been told by now has been read here. */
  async caughtUp(): Promise<void> {
    const id = ++this.lastMark;
    const reached = new Promise<void>((resolve) => this.marks.set(id, resolve));
    writeSync(this.pen, `${JSON.stringify({ type: 'mark', id })}\n`);
    await reached;
  }

  /** The first entry from now on for which the fact holds. */
  next(what: string, fact: (entry: LogEntry) => boolean, withinMs: number): Promise<LogEntry> {
    return new Promise((resolve, reject) => {
      const done = this.onEntry((entry) => {
        if (!fact(entry)) return;
        clearTimeout(timer);
        done();
        resolve(entry);
      });
      const timer = setTimeout(() => {
        done();
        reject(new Error(`not within ${withinMs} ms: ${what}`));
      }, withinMs);
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.reading);
    for (const file of [this.log, this.pen]) closeSync(file);
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await ended;
    }
    this.keepLog();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Logs are kept in the folder that CHAOS_LOG names, to be looked at afterwards. */
  private keepLog(): void {
    const folder = process.env['CHAOS_LOG'];
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(this.folder, 'log.jsonl'), join(folder, `${basename(this.folder)}.jsonl`));
  }

  private readOn(): void {
    for (let length = readSync(this.log, CHUNK); length > 0; length = readSync(this.log, CHUNK)) {
      const lines = (this.begun + CHUNK.toString('utf8', 0, length)).split('\n');
      this.begun = lines.pop()!;
      for (const line of lines) this.handOn(JSON.parse(line) as LogEntry | { type: 'mark'; id: number });
    }
  }

  private handOn(entry: LogEntry | { type: 'mark'; id: number }): void {
    if (entry.type !== 'mark') {
      for (const listener of [...this.listeners]) listener(entry);
      return;
    }
    this.marks.get(entry.id)?.();
    this.marks.delete(entry.id);
  }
}
