import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchProcess } from '../common/bench-process.js';
import type { Address } from '../registries/stores.js';
import type { MemberJob, MemberOrder, MemberReport } from '../takeover-worker.js';
import type { BenchTask } from './contestant.js';
import { readDiary, type DiaryEntry } from './diary.js';

/** One process of a crew. */
export interface Mate {
  readonly name: string;
  readonly process: BenchProcess<MemberReport>;
}

let rounds = 0;

/** The processes of one contestant in one round, and all that they wrote down. */
export class Crew {
  readonly mates: Mate[] = [];
  private readonly names: string[] = [];
  private tasks: readonly BenchTask[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'distributed-schedule-bench-'));
  private readonly namespace = `round-${++rounds}`;

  private constructor(
    private readonly contestant: string,
    private readonly address: Address,
  ) {}

  /** Runs with so many processes taking part, which are gone afterwards whatever happens. */
  static async with<T>(
    size: number,
    contestant: string,
    address: Address,
    work: (crew: Crew) => Promise<T>,
  ): Promise<T> {
    const crew = new Crew(contestant, address);
    try {
      await Promise.all(Array.from({ length: size }, () => crew.enlist()));
      const result = await work(crew);
      await Promise.all(crew.mates.map(({ process }) => process.leave()));
      return result;
    } finally {
      for (const { process } of crew.mates) process.kill();
      rmSync(crew.folder, { recursive: true });
    }
  }

  /** One more process, which takes part when this resolves. */
  async enlist(): Promise<Mate> {
    const name = `process-${this.names.length + 1}`;
    this.names.push(name);
    const { contestant, namespace, tasks } = this;
    const address = { host: this.address.host, port: this.address.port };
    const job: MemberJob = { contestant, address, namespace, tasks, diary: this.diaryOf(name) };
    const mate = {
      name,
      process: new BenchProcess<MemberReport>(new URL('../takeover-worker.ts', import.meta.url), job),
    };
    this.mates.push(mate);
    await mate.process.report();
    return mate;
  }

  /** In all processes; the last one declares what they share, so that every other one knows what it may be called for. */
  async declare(tasks: readonly BenchTask[]): Promise<void> {
    this.tasks = tasks;
    for (const [i, mate] of this.mates.entries()) await this.declareIn(mate, i === this.mates.length - 1);
  }

  async declareIn(mate: Mate, shared = false): Promise<void> {
    await ask(mate, { declare: this.tasks, shared });
  }

  /** The names of the tasks that fall to a process; `undefined` where no task belongs to anybody. */
  async ownedBy(mate: Mate): Promise<readonly string[] | undefined> {
    const report = await ask(mate, { owned: true });
    return typeof report === 'object' ? report.owned : undefined;
  }

  /** `kill -9`. @returns when */
  kill(mate: Mate): number {
    mate.process.kill();
    this.strikeOff(mate);
    return Date.now();
  }

  /** SIGTERM, and the time it takes to leave. */
  async dismiss(mate: Mate): Promise<void> {
    await mate.process.terminate();
    this.strikeOff(mate);
  }

  /** Everything that was written so far, of those that are gone as well, in the order of time. */
  diaries(): DiaryEntry[] {
    return this.names.flatMap((name) => readDiary(this.diaryOf(name), name)).sort((a, b) => a.at - b.at);
  }

  private strikeOff(mate: Mate): void {
    this.mates.splice(this.mates.indexOf(mate), 1);
  }

  private diaryOf(name: string): string {
    return join(this.folder, name);
  }
}

function ask({ process }: Mate, order: MemberOrder): Promise<MemberReport> {
  process.tell(order);
  return process.report();
}
