import type { HistoryRecord } from '../../lib/core/common/run.js';
import type { RunEntry, UnitState } from '../../lib/core/scheduler/unit-state.js';
import type { LogEntry, WriteEntry } from '../../lib/testing/checker/log.js';

// What became of the ticks of one task, as the log tells it: stricter than the checker, which does not know that there
// was time enough for each of them.

/** From one instant to another, both included. */
export interface Stretch {
  from: number;
  to: number;
}

interface Told {
  log: readonly LogEntry[];
  /** The records that history holds in the end. */
  history: readonly string[];
  /** Ticks of which everything should have come about. */
  due: readonly number[];
  /** In these the task was to have no ticks. */
  halts: readonly Stretch[];
  /** Runs of these give way to others. */
  replaced: readonly number[];
  /** Runs may end in another way than by success. */
  mayLose: boolean;
}

/** What becomes of a run. */
interface Fortune {
  tick: number;
  attempts: number;
  /** Who held it last. */
  node: string;
  /** Absent as long as it has not ended. */
  outcome?: string;
}

export function problemsOf(told: Told): string[] {
  const runs = fortunesIn(told.log);
  return [...unaccounted(runs, told), ...misfortunes(runs, told), ...misrecorded(runs, told)];
}

export function isUnitWrite(entry: LogEntry): entry is WriteEntry & { value: string } {
  return entry.type === 'write' && entry.key.startsWith('units/') && entry.value !== undefined;
}

/** The versions of the task's unit, in order, with when they were written and by whom. */
export function versionsIn(log: readonly LogEntry[]): { at: number; process: string | undefined; state: UnitState }[] {
  return log
    .filter(isUnitWrite)
    .map(({ at, process, value }) => ({ at, process, state: JSON.parse(value) as UnitState }));
}

/** Every run that was ever claimed, by id. */
function fortunesIn(log: readonly LogEntry[]): Map<string, Fortune> {
  const runs = new Map<string, Fortune>();
  let before: readonly RunEntry[] = [];
  for (const { state } of versionsIn(log)) {
    for (const { id, tick, attempt, node, retry } of state.runs) {
      const made = retry && (retry.at === undefined ? Math.max(attempt, retry.made + 1) : retry.made);
      runs.set(id, { tick: tick!, attempts: made ?? attempt, node });
    }
    for (const { id } of before) {
      const gone = !state.runs.some((run) => run.id === id);
      if (gone && state.last?.id === id) runs.get(id)!.outcome = state.last.outcome;
    }
    before = state.runs;
  }
  return runs;
}

/** Each tick that was due while the task was active has one run: none was late enough to be skipped. */
function unaccounted(runs: ReadonlyMap<string, Fortune>, { due, halts }: Told): string[] {
  const claims = (tick: number): number => [...runs.values()].filter((run) => run.tick === tick).length;
  return due
    .filter((tick) => !within(halts, tick) && claims(tick) !== 1)
    .map((tick) => `tick ${tick} was claimed ${claims(tick)} times`);
}

/** Every run succeeds in the end, unless its node may have died over it. */
function misfortunes(runs: ReadonlyMap<string, Fortune>, { due, halts, replaced, mayLose }: Told): string[] {
  return [...runs].flatMap(([id, { tick, outcome }]) => {
    if (!due.includes(tick) || outcome === 'succeeded') return [];
    if (outcome === 'cancelled' && within(halts, tick)) return []; // claimed before the halt, it was not to start after it
    if (outcome === 'cancelled' && replaced.includes(tick)) return [];
    if (outcome !== undefined && mayLose) return [];
    return [`run ${id} of tick ${tick} ended as ${outcome ?? 'nobody knows'}`];
  });
}

/** History tells of each run what became of it in the end, on the node where it did. */
function misrecorded(runs: ReadonlyMap<string, Fortune>, { history }: Told): string[] {
  return history.flatMap((value) => {
    const record = JSON.parse(value) as HistoryRecord;
    const run = record.kind === 'run' ? runs.get(record.id) : undefined;
    if (record.kind !== 'run' || !run?.outcome) return [];
    const told = `${record.outcome} on ${record.nodeId} at attempt ${record.attempt}`;
    const was = `${run.outcome} on ${run.node} at attempt ${run.attempts}`;
    return told === was ? [] : [`history tells of run ${record.id} as ${told}, it was ${was}`];
  });
}

function within(stretches: readonly Stretch[], instant: number): boolean {
  return stretches.some(({ from, to }) => instant >= from && instant <= to);
}
