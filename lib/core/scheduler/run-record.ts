import type { RunRecord } from '../common/run.js';
import type { Unit } from '../task/unit.js';
import type { RunEntry } from './unit-state.js';

/** A run that has ended, as history keeps it. */
export function runRecordOf(
  unit: Unit,
  entry: RunEntry,
  end: Pick<RunRecord, 'endedAt' | 'outcome'> & Partial<RunRecord>,
): RunRecord {
  const { id, tick, trigger, node, attempt, claimedAt } = entry;
  const base = {
    kind: 'run',
    id,
    task: unit.task,
    unit: unit.name,
    trigger,
    nodeId: node,
    attempt,
    claimedAt,
  } as const;
  return { ...base, ...(tick !== undefined && { tick }), ...end };
}
