import type { NodeRecord } from '../../lib/core/cluster/node-record.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import type { TaskDocument } from '../../lib/core/task/task-definition.js';
import type { Violation } from '../../lib/testing/checker/checker.js';
import type { LogEntry } from '../../lib/testing/checker/log.js';

/** As many lines as fit a screen or two: the last ones before the violation tell the most. */
const MOST_LINES = 60;

/** The last gaps of a unit's ledger. */
const SHOWN_GAPS = 3;

/** What led to a violation: everything about its task, the nodes and the faults, as lines for people. */
export function timelineOf(violation: Violation, log: readonly LogEntry[], mostLines = MOST_LINES): string[] {
  const { entry, message } = violation;
  const until = entry ? log.indexOf(entry) + 1 : log.length;
  const task = entry && 'task' in entry ? entry.task : (/(?:"|units\/)([\w:.-]+)/.exec(message)?.[1] ?? '');
  const start = log[0]?.at ?? 0;
  const lines: string[] = [];
  for (const item of log.slice(0, until)) {
    const text = concerns(item, task) ? describe(item) : undefined;
    if (text) lines.push(`${((item.at - start) / 1_000).toFixed(3).padStart(9)} s  ${text}`);
  }
  return lines.slice(-mostLines);
}

function concerns(entry: LogEntry, task: string): boolean {
  if (entry.type === 'write')
    return (
      ['units/', 'tasks/'].some((folder) => entry.key.startsWith(folder + task)) || /^(nodes\/|life$)/.test(entry.key)
    );
  return 'task' in entry ? entry.task === task : true;
}

function describe(entry: LogEntry): string | undefined {
  const who = ('process' in entry && entry.process) || 'registry';
  switch (entry.type) {
    case 'start':
      return `${who} starts ${entry.runId} attempt ${entry.attempt} (${entry.trigger}), tick ${entry.tick}, token ${entry.token}`;
    case 'end':
      return `${who} ${entry.runId} ${entry.how}`;
    case 'abort':
      return `${who} ${entry.runId} is told to end`;
    case 'write':
      return `${who} writes ${entry.key} #${entry.token} ${entry.restored ? '(restored) ' : ''}${summary(entry.key, entry.value)}`;
    case 'ask':
      return `${who} is asked: ${entry.what} "${entry.task}" (${entry.id})`;
    case 'answer':
      return `answer to (${entry.id}): ${entry.how}`;
    case 'data-loss':
      return 'THE REGISTRY LOSES ITS DATA';
    case 'fault':
      return `FAULT ${entry.what} on ${who}`;
    case 'heal':
      return `healed: ${entry.what} on ${who}`;
  }
}

function summary(key: string, value: string | undefined): string {
  if (value === undefined) return 'removed';
  if (key === 'life') return value;
  if (key.startsWith('nodes/')) {
    const { status, session, handlers, version } = JSON.parse(value) as NodeRecord;
    return `${status} in session ${session}, ${handlers.length} handlers, version ${version}`;
  }
  if (key.startsWith('tasks/')) {
    const { state, generation, since, createdAt, definition, backfill } = JSON.parse(value) as TaskDocument;
    const { jitterMs, maxRuns, runOnStart, overlap, maxParallel, retry, circuitBreaker, pauseAfter } =
      definition.policies ?? {};
    const shown = { jitterMs, maxRuns, runOnStart, overlap, maxParallel, retry, circuitBreaker, pauseAfter };
    const policies = JSON.stringify(shown);
    const past = backfill ? ` backfill ${backfill.id} ${backfill.only} ${backfill.from} to ${backfill.to}` : '';
    return `${state} ${JSON.stringify(definition.schedule)} ${policies} since ${since} created ${createdAt} generation ${generation}${past}`;
  }
  const { cursor, task, runs, last, tail, started, backfill, ledger, queued, failures } = JSON.parse(
    value,
  ) as UnitState;
  const held = runs.map(
    ({ id, node, attempt, session, trigger, tick, retry }) =>
      `${id}/${attempt} (${trigger}${tick === undefined ? '' : ` ${tick}`}) of ${node} in ${session}${retry ? ` made ${retry.made} next ${retry.at ?? 'now'}` : ''}`,
  );
  const extra = [
    ...(queued ? [`queued ${queued.tick}`] : []),
    ...(failures ? [`failures ${failures.count} since ${failures.since} opened ${failures.openedAt ?? '-'}`] : []),
    ...(started ? [`started ${started.join(', ')}`] : []),
    ...(backfill ? [`backfill ${backfill.id}@${backfill.cursor}${backfill.endedAt ? ' done' : ''}`] : []),
    ...(ledger
      ? [
          `since ${ledger.since} ${ledger.gaps.length} gaps${ledger.gaps
            .slice(-SHOWN_GAPS)
            .map((gap) => ` ${gap.join('-')}`)
            .join('')}`,
        ]
      : []),
  ];
  return `cursor ${cursor} task ${task} runs [${held.join(', ')}] last ${last ? `${last.id} ${last.outcome}` : '-'} tail ${tail ? `${tail.reason}@${tail.to}` : '-'} ${extra.join(' ')}`;
}
