import type { AskEntry, LogEntry } from './log.js';
import type { UnitChange } from './unit-change.js';

const CANCEL = 'cancelRun ';
/** What asks for a run of a task. Where the policy is to replace, it ends the one in its way. */
const FOR_A_RUN = new Set(['runTask', 'retryRun']);

/** What ends runs before they end by themselves: somebody asks for it, or something else is to run in their place. */
export class Told {
  private readonly cancels = new Set<string>();
  /** By task: the last question that asked for a run of it, and those without an answer. */
  private readonly runs = new Map<string, { lastAt: number; open: Map<number, AskEntry> }>();
  private readonly waitedFor = new Set<string>();

  take(entry: LogEntry, change: UnitChange | undefined): void {
    if (change?.after?.queued) for (const { id } of change.after.runs) this.waitedFor.add(id);
    if (entry.type === 'answer') for (const { open } of this.runs.values()) open.delete(entry.id);
    if (entry.type !== 'ask') return;
    const runId = cancelledRun(entry.what);
    if (runId !== undefined) this.cancels.add(runId);
    if (!FOR_A_RUN.has(entry.what)) return;
    const open = this.runs.get(entry.task)?.open ?? new Map<number, AskEntry>();
    this.runs.set(entry.task, { lastAt: entry.at, open: open.set(entry.id, entry) });
  }

  /** Whether somebody has asked to end this run. */
  isCancelled(runId: string): boolean {
    return this.cancels.has(runId);
  }

  /** Whether a tick has waited while this run went on. */
  isWaitedFor(runId: string): boolean {
    return this.waitedFor.has(runId);
  }

  /** Whether another run of the task is asked for, or was since `since`. */
  isRunAskedFor(task: string, since: number, isGone: (process: string) => boolean): boolean {
    const asked = this.runs.get(task);
    if (!asked) return false;
    return asked.lastAt >= since || [...asked.open.values()].some(({ process }) => !isGone(process));
  }
}

/** The run that is asked to be ended. */
export function cancelledRun(what: string): string | undefined {
  return what.startsWith(CANCEL) ? what.slice(CANCEL.length) : undefined;
}
