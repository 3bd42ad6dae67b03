import type { Candidate } from '../../../lib/core/assignment/assignment-strategy.js';
import type { Placement } from '../../../lib/core/assignment/standby.js';

/** Each unit's standby, asked for node by node: a unit with two of them fails. */
export function standbysIn(placement: Placement, candidates: readonly Candidate[]): Map<string, string> {
  const standbys = new Map<string, string>();
  for (const { nodeId } of candidates) {
    for (const unit of placement.standby(nodeId)) {
      if (standbys.has(unit)) throw new Error(`${nodeId} and ${standbys.get(unit)} both stand by for ${unit}`);
      standbys.set(unit, nodeId);
    }
  }
  return standbys;
}
