import type { DiaryEntry } from '../takeover/diary.js';

export interface Window {
  /** The first tick that is looked at, and the last one. */
  readonly from: number;
  readonly until: number;
}

export interface Outcome {
  readonly lateMs: number[];
  readonly missed: number;
  readonly doubled: number;
  /** Runs that began and never came to their end. */
  readonly cutOff: number;
}

/** Of tasks that tick every second: what became of each tick of this stretch of time. */
export function judge(tasks: readonly { name: string }[], diaries: readonly DiaryEntry[], window: Window): Outcome {
  const { from, until } = window;
  const within = diaries.filter(({ tick }) => tick >= from && tick <= until);
  const starts = within.filter(({ kind }) => kind === 'start');
  const ended = within.length - starts.length;
  const started = new Set(starts.map(({ task, tick }) => `${task} ${tick}`));
  const planned = tasks.length * ((until - from) / 1_000 + 1);
  return {
    lateMs: starts.map(({ at, tick }) => at - tick),
    missed: planned - started.size,
    doubled: starts.length - started.size,
    cutOff: starts.length - ended,
  };
}
