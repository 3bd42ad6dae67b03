import type { EpochMs } from '../../lib/core/common/clock.js';
import { keys } from '../../lib/core/registry/keyspace.js';
import type { Entry } from '../../lib/core/registry/registry.js';
import { compileSchedule } from '../../lib/core/schedule/schedule-spec.js';
import { decodeUnit, type UnitState } from '../../lib/core/scheduler/unit-state.js';
import { decodeTask, type TaskDocument } from '../../lib/core/task/task-definition.js';
import { unitsOf } from '../../lib/core/task/unit.js';
import { counts } from './figures.js';

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
  /** A tick that waits for the run in its way. */
  waiting: number;
  cursor: EpochMs;
}

const OUTCOMES = ['succeeded', 'failed', 'timed-out', 'cancelled', 'lost'];

/** What the registry itself says of every unit: the books that the starts are held against. */
export function accountsOf(documents: readonly Entry[]): UnitAccount[] {
  const byKey = new Map(documents.map((entry) => [entry.key, entry.value]));
  return documents.flatMap(({ key, value }) => {
    const doc = key.startsWith(keys.tasks) ? decodeTask(value) : undefined;
    if (!doc) return [];
    const task = key.slice(keys.tasks.length);
    return unitsOf(task, doc).flatMap((unit) => {
      const state = decodeUnit(byKey.get(unit.key) ?? '');
      return state ? [accountOf(task, doc, state)] : [];
    });
  });
}

function accountOf(task: string, doc: TaskDocument, state: UnitState): UnitAccount {
  const { claimed = 0, ...rest } = state.counters;
  const entries = Object.entries(rest);
  return {
    task,
    planned: ticksUpTo(state.cursor, doc),
    claimed,
    skipped: Object.fromEntries(entries.filter(([name]) => !OUTCOMES.includes(name))),
    ended: Object.fromEntries(entries.filter(([name]) => OUTCOMES.includes(name))),
    running: state.runs.length,
    waiting: state.queued ? 1 : 0,
    cursor: state.cursor,
  };
}

/** One by one, as slowly and surely as can be. */
function ticksUpTo(cursor: EpochMs, { definition, since }: TaskDocument): number {
  const schedule = compileSchedule(definition.schedule);
  let count = 0;
  for (let tick = schedule.next(since); tick !== undefined && tick <= cursor; tick = schedule.next(tick)) count++;
  return count;
}

/** What does not add up: every planned tick has a run or a reason, and every run an end. */
export function discrepancies(accounts: readonly UnitAccount[]): string[] {
  return accounts
    .filter(({ planned, claimed, skipped, ended, running, waiting }) => {
      return planned !== claimed + sum(skipped) + waiting || claimed !== sum(ended) + running;
    })
    .map((account) => JSON.stringify(account));
}

export const sum = (numbers: Record<string, number>): number => Object.values(numbers).reduce((a, b) => a + b, 0);

/** For people. */
export function describeAccounts(accounts: readonly UnitAccount[]): string[] {
  const total = (of: (account: UnitAccount) => number): number => accounts.reduce((all, one) => all + of(one), 0);
  return [
    `the registry's books: ${accounts.length} units, ${total(({ planned }) => planned)} ticks planned, ${total(({ claimed }) => claimed)} claimed`,
    `settled without a run: ${counts(merged(accounts.map(({ skipped }) => skipped)))}`,
    `runs ended: ${counts(merged(accounts.map(({ ended }) => ended)))}`,
  ];
}

function merged(all: readonly Record<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const one of all) for (const [name, count] of Object.entries(one)) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}
