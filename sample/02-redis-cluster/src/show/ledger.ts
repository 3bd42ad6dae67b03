import type { HistoryRecord } from 'nestjs-distributed-schedule';

/** One start of a handler, as the worker itself told. */
export interface Start {
  task: string;
  tick: number;
  at: number;
  node: string;
}

/** What became of the ticks of one task. */
export interface Account {
  ticks: number;
  ranOnce: number;
  ranTwice: number;
  /** Ticks that did not run, by the reason that the registry holds. */
  skipped: Map<string, number>;
  /** Ticks that nobody ran, and for which nobody gave a reason. There must be none. */
  missing: number;
}

/** Holds what the workers told against the ticks that the schedule has, and against the history in the registry. */
export class Ledger {
  private readonly starts: Start[] = [];

  add(start: Start): void {
    this.starts.push(start);
  }

  of(task: string): Start[] {
    return this.starts.filter((start) => start.task === task);
  }

  account(task: string, ticks: readonly number[], history: readonly HistoryRecord[]): Account {
    const runs = new Map<number, number>();
    for (const { tick } of this.of(task)) runs.set(tick, (runs.get(tick) ?? 0) + 1);
    const account: Account = { ticks: ticks.length, ranOnce: 0, ranTwice: 0, skipped: new Map(), missing: 0 };
    for (const tick of ticks) {
      const times = runs.get(tick) ?? 0;
      if (times === 1) account.ranOnce++;
      else if (times > 1) account.ranTwice++;
      else {
        const reason = history.map((record) => reasonFor(tick, record)).find(Boolean);
        if (reason) account.skipped.set(reason, (account.skipped.get(reason) ?? 0) + 1);
        else account.missing++;
      }
    }
    return account;
  }
}

/** Why this record says that the tick did not run, if it does. */
function reasonFor(tick: number, record: HistoryRecord): string | undefined {
  if (record.kind === 'skip') return record.from <= tick && tick <= record.to ? record.reason : undefined;
  return record.tick === tick && record.outcome !== 'succeeded' ? record.outcome : undefined;
}
