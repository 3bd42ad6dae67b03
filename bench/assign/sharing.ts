import type { Contestant } from './contestants.js';

/** How one contestant shares out units, and what happens when a node joins and when one leaves. */
export interface Sharing {
  /** Of the first of all and of the changes: everything is computed anew. */
  readonly assignMs: number;
  /** The busiest node's units, relative to the mean. */
  readonly balance: number;
  /** Units with another node afterwards, relative to what must move: the share of the node that joins. */
  readonly movedOnJoin: number;
  /** The same relative to the share of the node that leaves. */
  readonly movedOnLeave: number;
}

/** @param round makes for other nodes that join and leave, so that no ring is remembered */
export function share({ assign }: Contestant, units: readonly string[], nodes: number, round: number): Sharing {
  const ids = Array.from({ length: nodes }, (_, i) => `worker-${round}-${i}`);
  const joined = [...ids, `worker-${round}-joining`];
  const leaver = (round * 7 + 1) % nodes;
  const left = ids.filter((_, i) => i !== leaver);
  const started = performance.now();
  const before = assign(units, ids);
  const assignMs = performance.now() - started;
  return {
    assignMs,
    balance: busiest(before) / (units.length / nodes),
    movedOnJoin: moved(before, assign(units, joined)) / (units.length / (nodes + 1)),
    movedOnLeave: moved(before, assign(units, left)) / (units.length / nodes),
  };
}

function busiest(owners: ReadonlyMap<string, string>): number {
  const loads = new Map<string, number>();
  for (const owner of owners.values()) loads.set(owner, (loads.get(owner) ?? 0) + 1);
  return Math.max(...loads.values());
}

function moved(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): number {
  let count = 0;
  for (const [unit, owner] of before) if (after.get(unit) !== owner) count++;
  return count;
}
