import { encodeJson } from '../common/json.js';
import type { RunRecord } from '../common/run.js';
import { MAX_RESULT_BYTES } from '../execution/executor.js';
import type { Unit } from '../task/unit.js';
import { attemptsOf, type RunEntry } from './unit-state.js';

/** A run that has ended, as history keeps it. */
export function runRecordOf(
  unit: Unit,
  entry: RunEntry,
  end: Pick<RunRecord, 'endedAt' | 'outcome'> & Partial<RunRecord>,
): RunRecord {
  const { id, tick, trigger, node, claimedAt, again, payload } = entry;
  const record: RunRecord = {
    ...end,
    kind: 'run',
    id,
    task: unit.task,
    unit: unit.name,
    trigger,
    nodeId: node,
    attempt: end.attempt ?? attemptsOf(entry),
    claimedAt,
  };
  if (tick !== undefined) record.tick = tick;
  if (again !== undefined) record.again = again;
  if (payload !== undefined) {
    if ('text' in encodeJson(payload, MAX_RESULT_BYTES)) record.payload = payload;
    else record.isPayloadLost = true;
  }
  return record;
}
