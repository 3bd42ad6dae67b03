import type { AbortEntry, EndEntry, LogEntry, StartEntry } from './log.js';

/** One call of a handler that has been told of. */
export interface Call {
  readonly start: StartEntry;
  aborted: boolean;
  /** Set when it has returned or thrown. */
  how?: 'returned' | 'threw';
  /** … and when. */
  endedAt?: number;
  /** Its run stands in no document any more: the registry has lost it. */
  disowned: boolean;
}

/** The calls of all handlers, and which of them are going on. */
export class Calls {
  private readonly byRun = new Map<string, Call[]>();
  private readonly going = new Map<string, Set<Call>>();

  /** All calls of a run, in order. */
  ofRun(runId: string): readonly Call[] {
    return this.byRun.get(runId) ?? [];
  }

  /** The calls of a unit that have not ended. */
  goingOn(unit: string): Iterable<Call> {
    return this.going.get(unit) ?? [];
  }

  /** The call that is told of. After a loss of data the same attempt may be made twice: then the latter. */
  meantBy({ runId, process, attempt }: EndEntry | AbortEntry): Call | undefined {
    const going = this.ofRun(runId).filter(
      ({ start, how }) => start.process === process && start.attempt === attempt && !how,
    );
    return going.find(({ disowned }) => !disowned) ?? going[0];
  }

  take(entry: LogEntry): void {
    if (entry.type === 'start') this.begin({ start: entry, aborted: false, disowned: false });
    if (entry.type !== 'end' && entry.type !== 'abort') return;
    const call = this.meantBy(entry);
    if (!call) return;
    if (entry.type === 'abort') call.aborted = true;
    else {
      call.how = entry.how;
      call.endedAt = entry.at;
      this.going.get(call.start.unit)?.delete(call);
    }
  }

  /** The registry has lost its data: nobody can know any more of what goes on. */
  disown(): void {
    for (const calls of this.going.values()) for (const call of calls) call.disowned = true;
  }

  private begin(call: Call): void {
    const { runId, unit } = call.start;
    const calls = this.byRun.get(runId);
    if (calls) calls.push(call);
    else this.byRun.set(runId, [call]);
    const going = this.going.get(unit) ?? new Set();
    this.going.set(unit, going.add(call));
  }
}
