import type { Address } from '../registries/stores.js';
import type { BenchTask } from './task.js';

/** A scheduler that tasks are registered with at run time; every answer means that the task is kept. */
export interface Contestant {
  readonly name: string;
  readonly ours: boolean;
  /** Where it keeps them, as in `servers.ts`. */
  readonly server: string;
  open(address: Address): Promise<Registrations>;
}

export interface Registrations {
  add(task: BenchTask): Promise<unknown>;
  /** All tasks, each with its schedule. @returns how many there are */
  list(): Promise<number>;
  /** Gives it its changed schedule. */
  change(task: BenchTask): Promise<unknown>;
  /** Leaves nothing of it. */
  remove(task: BenchTask): Promise<unknown>;
  close(): Promise<unknown>;
}
