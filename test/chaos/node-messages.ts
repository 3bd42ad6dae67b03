/** What the harness tells a node's process to do to itself, over the channel between them. */
export type Order =
  | { type: 'status'; id: number }
  /** Set the wall clock so far off the machine's. */
  | { type: 'step-clock'; offMs: number }
  /** Keep the event loop busy, as a handler that computes does. */
  | { type: 'block'; forMs: number };

export interface NodeStatus {
  state: string;
  /** Names of the tasks it owns. */
  owned: string[];
  rssMiB: number;
  /** Timers, sockets and the like that are open. */
  handles: number;
}

export type Report = { type: 'working' } | { type: 'status'; id: number; status: NodeStatus };

/** What the tasks of the suite hand to their handler: how long it takes, and how many attempts of a run fail. */
export type Work = { ms?: number; fails?: number } | undefined;
