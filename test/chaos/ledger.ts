import { createRedisRegistry } from '../../lib/adapters/redis/create-redis-registry.js';
import { keys, listAll, withNamespace } from '../../lib/core/registry/keyspace.js';
import { compileSchedule } from '../../lib/core/schedule/schedule-spec.js';
import type { UnitState } from '../../lib/core/scheduler/unit-state.js';
import { decodeTask } from '../../lib/core/task/task-definition.js';
import { unitsOf } from '../../lib/core/task/unit.js';

export interface UnitAccount {
  task: string;
  /** Ticks from the task's creation to the cursor, by its schedule alone. */
  planned: number;
  claimed: number;
  /** Settled without a run, by reason. */
  skipped: Record<string, number>;
  /** Runs that have ended, by outcome. */
  ended: Record<string, number>;
  running: number;
  cursor: number;
  /** How far the cursor is behind the latest tick that is due. */
  behindMs: number;
}

const OUTCOMES = ['succeeded', 'failed', 'timed-out', 'cancelled', 'lost'];

/** What the registry itself says of every unit: the books the starts are held against. */
export async function readLedger(redisUrl: string, namespace: string, now: number): Promise<UnitAccount[]> {
  const raw = await createRedisRegistry({ url: redisUrl });
  await raw.connect();
  try {
    const registry = withNamespace(raw, namespace);
    const accounts: UnitAccount[] = [];
    for (const entry of await listAll(registry, keys.tasks)) {
      const task = entry.key.slice(keys.tasks.length);
      const doc = decodeTask(entry.value)!;
      for (const unit of unitsOf(task, doc)) {
        const state = JSON.parse((await registry.get(unit.key, { fresh: true }))!.value) as UnitState;
        accounts.push(accountOf(task, state, doc.since, compileSchedule(doc.definition.schedule), now));
      }
    }
    return accounts;
  } finally {
    await raw.close();
  }
}

function accountOf(
  task: string,
  state: UnitState,
  since: number,
  schedule: { next(after: number): number | undefined },
  now: number,
): UnitAccount {
  let planned = 0;
  for (let tick = schedule.next(since); tick !== undefined && tick <= state.cursor; tick = schedule.next(tick))
    planned++;
  const { claimed = 0, ...rest } = state.counters;
  const entries = Object.entries(rest);
  const due = schedule.next(state.cursor);
  return {
    task,
    planned,
    claimed,
    skipped: Object.fromEntries(entries.filter(([name]) => !OUTCOMES.includes(name))),
    ended: Object.fromEntries(entries.filter(([name]) => OUTCOMES.includes(name))),
    running: state.runs.length,
    cursor: state.cursor,
    behindMs: due === undefined ? 0 : Math.max(0, now - due),
  };
}

export const sum = (numbers: Record<string, number>): number => Object.values(numbers).reduce((a, b) => a + b, 0);
