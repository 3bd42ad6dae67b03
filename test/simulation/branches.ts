import type { TaskDocument } from '../../lib/core/task/task-definition.js';
import type { LogEntry } from '../../lib/testing/checker/log.js';
import type { RunEntry, UnitState } from '../../lib/core/scheduler/unit-state.js';

/** What a log entry shows that the protocol did. */
export function branchesOf(entry: LogEntry): string[] {
  if (entry.type === 'start')
    return [`start ${entry.trigger}`, ...(entry.attempt > 1 ? ['start of a further attempt'] : [])];
  if (entry.type === 'abort') return ['abort'];
  if (entry.type === 'end') return [`handler ${entry.how}`];
  if (entry.type === 'ask') return [`asked ${entry.what.split(' ', 1)[0]}`];
  if (entry.type === 'answer') return [`answer ${entry.how}`];
  if (entry.type !== 'write' || entry.value === undefined) return [];
  if (entry.key === 'life') return ['life begun'];
  if (entry.key.startsWith('tasks/')) return branchesOfTask(JSON.parse(entry.value) as TaskDocument);
  return entry.key.startsWith('units/') ? branchesOfUnit(JSON.parse(entry.value) as UnitState) : [];
}

function branchesOfTask({ state, note, definition: { schedule, policies = {} }, backfill }: TaskDocument): string[] {
  const { jitterMs, startAt, endAt, maxRuns, overlap, retry, totalTimeoutMs } = policies;
  const named = { jitterMs, startAt, endAt, maxRuns, totalTimeoutMs, deadlineMs: retry?.deadlineMs };
  const found = Object.entries(named).filter(([, value]) => value !== undefined);
  return [
    ...found.map(([name]) => `task ${state} with ${name}`),
    ...Object.keys(schedule).map((kind) => `schedule with ${kind}`),
    ...(overlap ? [`overlap ${overlap}`] : []),
    ...(note?.startsWith('paused after') ? ['paused after failures'] : []),
    ...(backfill ? [`backfill of ${backfill.only} ticks`] : []),
  ];
}

function branchesOfUnit({ runs, last, tail, started = [], backfill, ledger, queued, failures }: UnitState): string[] {
  const found: string[] = [];
  if (runs.some(({ session }) => session === 'released')) found.push('run released');
  if (runs.length > 1) found.push('runs in parallel');
  if (runs.some(({ again }) => again !== undefined)) found.push('run retried by hand');
  for (const { retry, session } of runs) {
    if (retry) found.push(retry.at === undefined ? 'further attempt begun' : 'waiting for another attempt');
    if (retry?.at !== undefined && session === 'released') found.push('waiting run released');
  }
  if (queued) found.push(`queued ${queued.trigger}`);
  if (failures) found.push(failures.openedAt === undefined ? 'failures in a row' : 'circuit opened');
  if (last) found.push(`outcome ${last.outcome}`);
  if (tail) found.push(`skip ${tail.reason}`);
  for (const start of started) found.push(`started for a ${start.split(' ', 1)[0]}`);
  if (backfill) found.push(backfill.endedAt === undefined ? 'backfill under way' : 'backfill done');
  if (ledger && ledger.gaps.length > 1) found.push('several gaps without a success');
  if (runs.some(isOfBackfill) && runs.some(({ trigger }) => trigger === 'schedule'))
    found.push('backfill beside a tick');
  return found;
}

const isOfBackfill = ({ trigger }: RunEntry): boolean => trigger === 'backfill';
