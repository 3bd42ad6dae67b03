import { encodeJson } from '../common/json.js';
import type { RunRecord } from '../common/run.js';
import { MAX_RESULT_BYTES } from '../execution/executor.js';
import type { Unit } from '../task/unit.js';
import { latestAttempt, type RunEntry } from './unit-state.js';

/** A run that has ended, as history keeps it. */
export function runRecordOf(
  unit: Unit,
  entry: RunEntry,
  end: Pick<RunRecord, 'endedAt' | 'outcome'> & Partial<RunRecord>,
): RunRecord {
  const { id, tick, trigger, node, claimedAt, again, payload } = entry;
  const base = {
    kind: 'run',
    id,
    task: unit.task,
    unit: unit.name,
    trigger,
    nodeId: node,
    attempt: latestAttempt(entry),
    claimedAt,
  } as const;
  const given = payload === undefined ? undefined : encodeJson(payload, MAX_RESULT_BYTES);
  return {
    ...base,
    ...(tick !== undefined && { tick }),
    ...(again !== undefined && { again }),
    ...(given && ('text' in given ? { payload: payload! } : { isPayloadLost: true as const })),
    ...end,
  };
}
