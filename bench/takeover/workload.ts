import type { BenchTask } from './contestant.js';

export interface Kinds {
  /** Every 30 s, so that ours have a standby; due within the seconds after the kill. */
  readonly sparse: number;
  /** Every second. */
  readonly secondly: number;
  /** Every 30 s, due right before the kill, which finds their runs under way. */
  readonly underWay: number;
}

export type Kind = keyof Kinds;

/** The sparse ones fall due in so many seconds after the kill, all before the session of the dead can be over. */
const DUE_WITHIN_SECONDS = 6;
const RUN_MS = 4_000;

/** @param second of the kill, since the epoch */
export function workload(kinds: Kinds, second: number): BenchTask[] {
  const everyHalfMinute = (at: number): string => `${at % 30},${(at % 30) + 30} * * * * *`;
  const tasks = (kind: Kind, make: (i: number) => Omit<BenchTask, 'name'>): BenchTask[] =>
    Array.from({ length: kinds[kind] }, (_, i) => ({ name: `${kind}-${i}`, ...make(i) }));
  return [
    ...tasks('sparse', (i) => ({ cron: everyHalfMinute(second + 1 + (i % DUE_WITHIN_SECONDS)), runMs: 0 })),
    ...tasks('secondly', () => ({ cron: '* * * * * *', runMs: 0 })),
    ...tasks('underWay', () => ({ cron: everyHalfMinute(second), runMs: RUN_MS, again: true })),
  ];
}

export const kindOf = (task: string): Kind => task.slice(0, task.lastIndexOf('-')) as Kind;

/** The ticks of a task in a stretch of time, its end included. */
export function ticksOf({ cron }: BenchTask, after: number, until: number): number[] {
  const seconds = cron.startsWith('*') ? undefined : cron.split(' ')[0]!.split(',').map(Number);
  const ticks: number[] = [];
  for (let tick = Math.floor(after / 1_000) * 1_000 + 1_000; tick <= until; tick += 1_000) {
    if (!seconds || seconds.includes((tick / 1_000) % 60)) ticks.push(tick);
  }
  return ticks;
}
