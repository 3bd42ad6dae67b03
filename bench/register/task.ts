/** A tenant's report at a time of its own, half a year away: nothing is due while the bench runs. */
export interface BenchTask {
  readonly name: string;
  readonly cron: string;
  /** What the schedule is changed to. */
  readonly changedCron: string;
  readonly timeZone: string;
  readonly payload: { readonly tenant: string };
}

const MONTH = ((new Date().getUTCMonth() + 6) % 12) + 1;

export function taskOf(index: number): BenchTask {
  const cronAt = (minute: number): string => `${minute % 60} ${Math.floor(minute / 60) % 24} 15 ${MONTH} *`;
  return {
    name: `report:tenant-${index}`,
    cron: cronAt(index),
    changedCron: cronAt(index + 61),
    timeZone: 'Europe/Paris',
    payload: { tenant: `tenant-${index}` },
  };
}
