import type { BenchTask } from './contestant.js';
import type { DiaryEntry } from './diary.js';
import { kindOf, ticksOf, type Kind } from './workload.js';

/** Ticks are accounted for that fall due within this time after the kill: by then everybody has noticed it. */
export const ACCOUNTED_MS = 15_000;

export interface Kill {
  readonly process: string;
  readonly at: number;
  /** The tasks that fell to the process; `undefined`: none belongs to anybody, so all are looked at. */
  readonly owned: readonly string[] | undefined;
}

export interface Verdict {
  /** How long the tasks, or the runs under way, had to wait, each until it runs again. */
  readonly lateMs: number[];
  /** The same, from the kill on. */
  readonly sinceKillMs: number[];
  /** What of them was never run again. */
  readonly never: number;
  /** Ticks that were never started. */
  readonly missed: number;
  /** Ticks that were started once more, though no run of theirs had been cut off. */
  readonly doubled: number;
}

/** What became of the tasks of the one that was killed, and of the runs it had under way. */
export function judge(tasks: readonly BenchTask[], diaries: readonly DiaryEntry[], kill: Kill): Record<Kind, Verdict> {
  const lost = kill.owned && new Set(kill.owned);
  const touched = tasks.filter(({ name }) => lost?.has(name) ?? true);
  const starts = startsByTask(diaries);
  const of = (kind: Kind): Verdict =>
    takenOver(
      touched.filter(({ name }) => kindOf(name) === kind),
      starts,
      kill,
    );
  return { sparse: of('sparse'), secondly: of('secondly'), underWay: runAgain(diaries, starts, kill) };
}

type Starts = ReadonlyMap<string, readonly DiaryEntry[]>;

function startsByTask(diaries: readonly DiaryEntry[]): Starts {
  const starts = new Map<string, DiaryEntry[]>();
  for (const entry of diaries) {
    if (entry.kind !== 'start') continue;
    const ofTask = starts.get(entry.task);
    if (ofTask) ofTask.push(entry);
    else starts.set(entry.task, [entry]);
  }
  return starts;
}

function takenOver(tasks: readonly BenchTask[], starts: Starts, { at: killedAt }: Kill): Verdict {
  const lateMs: number[] = [];
  const sinceKillMs: number[] = [];
  let [never, missed, doubled] = [0, 0, 0];
  for (const task of tasks) {
    const due = ticksOf(task, killedAt, killedAt + ACCOUNTED_MS);
    const [next] = due;
    if (next === undefined) continue; // its tick came in the moment before the kill
    const started = starts.get(task.name)?.filter(({ tick }) => tick >= next) ?? [];
    const [first] = started;
    if (first) {
      lateMs.push(first.at - next);
      sinceKillMs.push(first.at - killedAt);
    } else never++;
    const times = due.map((tick) => started.filter((start) => start.tick === tick).length);
    missed += times.filter((n) => n === 0).length;
    doubled += times.reduce((sum, n) => sum + Math.max(0, n - 1), 0);
  }
  return { lateMs, sinceKillMs, never, missed, doubled };
}

/** The runs that the kill has cut off, whatever their task. */
function runAgain(diaries: readonly DiaryEntry[], starts: Starts, kill: Kill): Verdict {
  const nameOf = ({ task, tick }: DiaryEntry): string => `${task} ${tick}`;
  const own = diaries.filter(({ process }) => process === kill.process);
  const ended = new Set(own.filter(({ kind }) => kind === 'end').map(nameOf));
  const cutOff = own.filter((entry) => entry.kind === 'start' && !ended.has(nameOf(entry)));
  const again = cutOff.map(({ task, tick }) =>
    starts.get(task)!.filter((start) => start.process !== kill.process && start.tick === tick),
  );
  const lateMs = again.flatMap(([first]) => (first ? [first.at - kill.at] : []));
  const never = cutOff.length - lateMs.length;
  const doubled = again.reduce((sum, { length }) => sum + Math.max(0, length - 1), 0);
  return { lateMs, sinceKillMs: lateMs, never, missed: 0, doubled };
}
