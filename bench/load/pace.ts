/** When tasks are due: each every second, each once a minute at a second of its own, or none for months. */
export type Pace = 'second' | 'minute' | 'never';

/** The schedule of a task as cron with seconds, as everybody but the bare timer takes it. */
export function cronOf(task: number, pace: Pace): string {
  if (pace === 'second') return '* * * * * *';
  if (pace === 'minute') return `${task % 60} * * * * *`;
  return `0 0 0 15 ${((new Date().getUTCMonth() + 6) % 12) + 1} *`;
}

export const periodMsOf = (pace: Pace): number => (pace === 'second' ? 1_000 : pace === 'minute' ? 60_000 : Infinity);

/** After each multiple of the period: whole seconds and minutes of UTC. */
export const phaseMsOf = (task: number, pace: Pace): number => (pace === 'minute' ? (task % 60) * 1_000 : 0);

/** A handler that starts so little before its instant belongs to it: timers are that imprecise. */
const EARLY_MS = 20;

/** For who does not tell which tick it runs: the latest instant at which the task was due. */
export function latestDue(task: number, pace: Pace, now: number): number {
  const sinceDue = modulo(now + EARLY_MS - phaseMsOf(task, pace), periodMsOf(pace));
  return Math.round(now + EARLY_MS - sinceDue);
}

export const modulo = (n: number, of: number): number => ((n % of) + of) % of;
