import { FROM, UPTO } from './expressions.js';
import type { Peer } from './peers.js';

/** Calls between two looks at the clock. */
const BATCH = 50;

/** Calls per second. Each starts from the answer of the one before, so that none can be answered from memory. */
export function walksPerSecond(peer: Peer, parsed: unknown, ms: number): number {
  let at = FROM;
  return callsPerSecond(ms, () => {
    const tick = peer.next(parsed, at);
    at = tick === undefined || tick >= UPTO ? FROM : tick;
  });
}

/** The same where all ask for the tick after one instant, as tasks do that share a schedule. */
export const sameAskedPerSecond = (peer: Peer, parsed: unknown, ms: number): number =>
  callsPerSecond(ms, () => peer.next(parsed, FROM));

function callsPerSecond(ms: number, call: () => void): number {
  const started = performance.now();
  let calls = 0;
  let took = 0;
  for (; took < ms; took = performance.now() - started) {
    for (let i = 0; i < BATCH; i++) call();
    calls += BATCH;
  }
  return calls / (took / 1_000);
}

/** The first ticks of the walk: who computes something else cannot be compared. */
export function firstTicks(peer: Peer, parsed: unknown, count: number): number[] {
  const ticks: number[] = [];
  for (
    let at = peer.next(parsed, FROM);
    at !== undefined && at < UPTO && ticks.length < count;
    at = peer.next(parsed, at)
  ) {
    ticks.push(at);
  }
  return ticks;
}
