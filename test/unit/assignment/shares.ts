import type { AssignmentStrategy, Candidate } from '../../../lib/core/assignment/assignment-strategy.js';
import { shareOf } from '../../../lib/core/assignment/share.js';

/** Each unit's owner and standby, asked for node by node: a unit with two of either fails. */
export function sharesOf(
  strategy: AssignmentStrategy,
  units: readonly string[],
  candidates: readonly Candidate[],
): { owners: Map<string, string>; standbys: Map<string, string> } {
  const owners = new Map<string, string>();
  const standbys = new Map<string, string>();
  const note = (named: Map<string, string>, unit: string, nodeId: string): void => {
    if (named.has(unit)) throw new Error(`${unit} is given to ${named.get(unit)} and to ${nodeId}`);
    named.set(unit, nodeId);
  };
  for (const { nodeId } of candidates) {
    const { owned, standby } = shareOf(nodeId, units, candidates, strategy);
    for (const unit of owned) note(owners, unit, nodeId);
    for (const unit of standby) note(standbys, unit, nodeId);
  }
  return { owners, standbys };
}
