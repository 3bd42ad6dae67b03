import type { LogEntry } from '../../lib/testing/checker/log.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';

/** What a log entry shows that the protocol did. */
export function branchesOf(entry: LogEntry): string[] {
  if (entry.type === 'start')
    return [`start ${entry.trigger}`, ...(entry.attempt > 1 ? ['start of a further attempt'] : [])];
  if (entry.type === 'abort') return ['abort'];
  if (entry.type === 'end') return [`handler ${entry.how}`];
  if (entry.type === 'ask') return [`asked ${entry.what.split(' ', 1)[0]}`];
  if (entry.type === 'answer') return [`answer ${entry.how}`];
  if (entry.type !== 'write' || !entry.key.startsWith('units/') || entry.value === undefined) return [];
  const { runs, last, tail } = JSON.parse(entry.value) as UnitState;
  const found: string[] = [];
  if (runs.some(({ session }) => session === 'released')) found.push('run released');
  if (runs.length > 1) found.push('runs in parallel');
  if (last) found.push(`outcome ${last.outcome}`);
  if (tail) found.push(`skip ${tail.reason}`);
  return found;
}
