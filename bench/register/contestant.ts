import type { Address } from '../registries/stores.js';
import type { BenchTask } from './task.js';

/** A scheduler that tasks are registered with at run time; every answer means that the task is kept. */
export interface Contestant {
  readonly name: string;
  readonly ours: boolean;
  /** Where it keeps them, as in `servers.ts`. */
  readonly server: string;
  readonly open: (address: Address) => Promise<Registrations>;
}

export interface Registrations {
  readonly add: (task: BenchTask) => Promise<unknown>;
  /** All tasks, each with its schedule. @returns how many there are */
  readonly list: () => Promise<number>;
  /** Gives it its changed schedule. */
  readonly change: (task: BenchTask) => Promise<unknown>;
  /** Leaves nothing of it. */
  readonly remove: (task: BenchTask) => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}
