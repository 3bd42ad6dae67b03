import type { Address } from '../registries/stores.js';

export interface BenchTask {
  readonly name: string;
  /** Six fields, UTC. */
  readonly cron: string;
  /** How long a run takes. */
  readonly runMs: number;
  /** Whether a run whose process dies is to be run again. */
  readonly again?: boolean;
}

/** How one process of a contestant takes part. */
export interface Place {
  readonly address: Address;
  /** Keeps this round apart from those before. */
  readonly namespace: string;
  /** What every handler does. */
  readonly run: (task: string, tick: number) => Promise<void>;
}

/** One process of a contestant, taking part. */
export interface Member {
  /** Called in each process; in one of them with `shared`: there it declares what all of them share. */
  declare(tasks: readonly BenchTask[], shared: boolean): Promise<void>;
  /** The tasks that fall to this process, by name; `undefined` where no task belongs to a process. */
  owned(): string[] | undefined;
  /** Leaves as a deploy has it leave, and lets its runs end. */
  leave(): Promise<void>;
}

export interface Contestant {
  readonly label: string;
  /** Of `STORES`: where its processes meet. */
  readonly store: string;
  readonly isOurs?: boolean;
  /** So long after a `kill -9` whatever it brings back is back, by its documentation. */
  readonly backWithinMs: number;
  join(place: Place): Promise<Member>;
}
