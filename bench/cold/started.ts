/** What a scheduler in a fresh process tells as it starts. Instants are in epoch milliseconds, to fractions. */
export interface Started {
  /** It works, and knows every task that it has to know. */
  readonly readyAt: number;
  readonly leave: () => Promise<unknown>;
}

/** One start of a tick's handler. */
export interface Tick {
  readonly plannedAt: number;
  readonly startedAt: number;
}

export interface ColdJob {
  readonly contestant: string;
  readonly host: string;
  readonly port: number;
  /** In the store, beside the one that ticks every second. */
  readonly tasks: number;
}

/** How a contestant starts with what is in the store. */
export type Start = (job: ColdJob, ticked: (tick: Tick) => void) => Promise<Started>;

export const epochNow = (): number => performance.timeOrigin + performance.now();

/** Of a scheduler that does not tell which tick it runs: the second that has begun. No timer is more than 5 ms early. */
export const secondBegun = (startedAt: number): number => Math.floor((startedAt + 5) / 1_000) * 1_000;

/** Ticks every second in the store of whoever keeps one. */
export const TICKING = 'every-second';
