/** The port of the load scenarios: whoever can start so many tasks at their times, in one process or in several. */
import type { Calls } from '../registries/counted.js';
import type { Address } from '../registries/stores.js';
import type { Pace } from './pace.js';

export type StoreName = 'memory' | 'redis' | 'etcd' | 'zookeeper' | 'consul' | 'postgres';

export interface Load {
  readonly tasks: number;
  readonly pace: Pace;
  /** Of the store, for who needs one. */
  readonly address: Address;
}

/**
 * What a handler does, and nothing else.
 * @param plannedMs where the contestant tells it; otherwise it is the latest instant at which the task was due
 */
export type OnStart = (task: number, plannedMs?: number) => void;

export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** Absent: it knows of no other process, and each starts everything. */
  readonly store?: StoreName;
  /** Whether processes share the work, so that one of them adds the tasks for all. */
  readonly shares: boolean;
  /** How it is set up, in a few words. */
  readonly settings?: string;
  join(load: Load, onStart: OnStart): Promise<Member>;
}

/** One process of a contestant, ready to work. It is killed when it has reported, and its store thrown away. */
export interface Member {
  addTasks(): Promise<void>;
  /** What it has asked of its registry until now, where it has one of ours. */
  readonly calls?: Calls;
}

/** Tasks are added so many at a time. */
export async function addInParallel(tasks: number, add: (task: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < tasks) await add(next++);
  };
  await Promise.all(Array.from({ length: 500 }, line));
}
