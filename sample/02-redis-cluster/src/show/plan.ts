import type { ScheduleSpec } from 'nestjs-distributed-schedule';

/** A task of the show, and when it ticks. */
export interface Planned {
  name: string;
  every: string;
  periodMs: number;
  offsetMs: number;
  schedule: ScheduleSpec;
}

export const CLEAN_UP: Planned = { ...everySeconds(5, 0), name: 'clean-up' };

/** A third of the tasks tick every second, the others every 30 s: for the first time at the given instant. */
export function plan(count: number, firstSlowTick: number): Planned[] {
  const quick = Math.max(1, Math.round(count / 3));
  const second = Math.floor(firstSlowTick / 1_000) % 30;
  return Array.from({ length: count }, (_, at) =>
    at < quick
      ? { ...everySeconds(1, 0), name: `quick-${at + 1}` }
      : { ...everySeconds(30, second), name: `slow-${at + 1 - quick}` },
  );
}

/** The ticks of a task from one instant to another, by arithmetic alone: nothing of the library has a say in it. */
export function ticksBetween({ periodMs, offsetMs }: Planned, from: number, to: number): number[] {
  const ticks: number[] = [];
  for (let tick = Math.ceil((from - offsetMs) / periodMs) * periodMs + offsetMs; tick <= to; tick += periodMs)
    ticks.push(tick);
  return ticks;
}

function everySeconds(seconds: number, offset: number): Omit<Planned, 'name'> {
  const at = Array.from({ length: 60 / seconds }, (_, turn) => turn * seconds + offset);
  return {
    every: `${seconds} s`,
    periodMs: seconds * 1_000,
    offsetMs: offset * 1_000,
    schedule: { cron: `${seconds === 1 ? '*' : at.join(',')} * * * * *` },
  };
}
