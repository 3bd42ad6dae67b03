import { expect } from '@jest/globals';
import type { NodeStatus } from '../../../lib/core/cluster/node-record.js';
import type { RunOutcome, Trigger } from '../../../lib/core/common/run.js';
import {
  attemptsOf,
  count,
  newUnitState,
  type RetryState,
  type RunEntry,
  type SkipTail,
  type UnitState,
} from '../../../lib/core/scheduler/unit-state.js';
import type { ResolvedPolicies } from '../../../lib/core/task/policies.js';
import type { TaskDocument } from '../../../lib/core/task/task-definition.js';
import { Checker } from '../../../lib/testing/checker/checker.js';
import type { AnswerEntry, LogEntry } from '../../../lib/testing/checker/log.js';
import type { End } from '../../../lib/testing/checker/rule.js';

export const TASK = 'report';
export const UNIT_KEY = `units/${TASK}@g1`;
/** Ticks of the task: at every full minute from 1 on. */
export const EVERY_MS = 60_000;
export const SCHEDULE = { every: EVERY_MS, anchor: 0 } as const;
export const minute = (n: number): number => n * EVERY_MS;

interface Details {
  by: string;
  run: string;
  tick?: number | undefined;
  attempt?: number;
  token?: string;
  trigger?: Trigger;
}

/** A log told step by step: each says one thing that happened, at the time of the story. */
export class Story {
  readonly log: LogEntry[] = [];
  now = 0;
  private tokens = 0n;
  private state: UnitState = newUnitState(0, 0n);
  private questions = 0;

  /** Moves the time of the story. */
  at(ms: number): this {
    this.now = ms;
    return this;
  }

  /** A task, its unit and two nodes, `p1` and `p2`. What a witness of the registry saw says who wrote it. */
  cluster(policies: Partial<ResolvedPolicies> = {}, { watched = true } = {}): this {
    this.task({ policies });
    this.state = newUnitState(0, this.tokens);
    this.writes(watched ? 'p1' : undefined, {});
    return this.node('p1').node('p2');
  }

  task({
    policies = {},
    state = 'active',
    since = 0,
    by,
    ...rest
  }: { policies?: Partial<ResolvedPolicies>; since?: number; by?: string } & Partial<TaskDocument> = {}): this {
    const definition = { handler: TASK, schedule: SCHEDULE, source: 'dynamic', policies };
    const doc = { definition, generation: 'g1', state, since, createdAt: 0, updatedAt: this.now, ...rest };
    return this.document(`tasks/${TASK}`, doc, by);
  }

  node(process: string, { session = `s-${process}`, status = 'working' as NodeStatus, version = '1.0' } = {}): this {
    const startedAt = this.now;
    const own = { id: process, boot: process, session, status, version, startedAt };
    const record = { ...own, handlers: ['*'], labels: {}, weight: 1 };
    return this.document(`nodes/${process}`, record);
  }

  nodeGone(process: string): this {
    return this.document(`nodes/${process}`, undefined);
  }

  document(key: string, value: unknown, process?: string): this {
    const token = String(++this.tokens);
    const text = value === undefined ? {} : { value: JSON.stringify(value) };
    return this.tell({ type: 'write', at: this.now, key, token, ...text, ...(process !== undefined && { process }) });
  }

  get token(): string {
    return String(this.tokens);
  }

  /** The unit, with these changes. */
  writes(by: string | undefined, change: Partial<UnitState>): this {
    this.state = { ...this.state, ...change };
    return this.document(UNIT_KEY, this.state, by);
  }

  claims(by: string, run: string, tick: number | undefined, change: Partial<RunEntry> = {}): this {
    const { state } = this;
    const seq = state.seq + 1;
    const trigger = tick === undefined ? 'manual' : 'schedule';
    const at = { node: by, boot: by, session: `s-${by}`, attempt: 1, claimedAt: this.now, seq };
    const entry: RunEntry = { id: run, trigger, ...(tick !== undefined && { tick }), ...at, ...change };
    const claimed =
      tick === undefined ? {} : { cursor: tick, claimed: tick, counters: count(state.counters, 'claimed') };
    return this.writes(by, { ...claimed, seq, runs: [...state.runs, entry] });
  }

  /** A run that moves no cursor: of a backfill, or for a start. */
  claimsExtra(by: string, run: string, entry: Partial<RunEntry>, change: Partial<UnitState> = {}): this {
    const seq = this.state.seq + 1;
    const at = { node: by, boot: by, session: `s-${by}`, attempt: 1, claimedAt: this.now, seq };
    const claimed: RunEntry = { id: run, trigger: 'backfill', ...at, ...entry };
    return this.writes(by, { seq, runs: [...this.state.runs, claimed], ...change });
  }

  takesOver(by: string, run: string): this {
    const change = { node: by, boot: by, session: `s-${by}`, trigger: 'recovery' as const };
    const taken = (old: RunEntry): RunEntry => {
      const retry = { begunAt: old.claimedAt, ...old.retry, made: attemptsOf(old) };
      return { ...old, ...change, attempt: old.attempt + 1, retry };
    };
    return this.writes(by, { runs: this.state.runs.map((old) => (old.id === run ? taken(old) : old)) });
  }

  finishes(by: string, run: string, outcome: RunOutcome, change: Partial<UnitState> = {}): this {
    const { runs, counters } = this.state;
    const last = { id: run, outcome, at: this.now, node: by };
    return this.writes(by, {
      runs: runs.filter(({ id }) => id !== run),
      counters: count(counters, outcome),
      last,
      ...change,
    });
  }

  /** What waits runs: its turn has been before. */
  runsQueued(by: string, run: string, as?: Trigger): this {
    const { queued, counters, seq } = this.state;
    const { tick, trigger } = { ...queued!, ...(as && { trigger: as }) };
    const change = { queued: undefined, claimed: tick, counters: count(counters, 'claimed') } as Partial<UnitState>;
    return this.claimsExtra(by, run, { tick, trigger, seq: seq + 1 }, change);
  }

  /** The run waits for another attempt (`at`), or begins it. */
  retries(by: string, run: string, retry: RetryState): this {
    return this.writes(by, { runs: this.state.runs.map((old) => (old.id === run ? { ...old, retry } : old)) });
  }

  skips(by: string, tail: Omit<SkipTail, 'seq'>): this {
    const { state } = this;
    const seq = state.seq + 1;
    const counters = count(state.counters, tail.reason, tail.count);
    return this.writes(by, { cursor: tail.to, seq, counters, tail: { ...tail, seq } });
  }

  starts(by: string, run: string, tick: number | undefined, rest: Partial<Details> = {}): this {
    const { attempt = 1, token = this.token, trigger = 'schedule' } = rest;
    const call = { at: this.now, process: by, task: TASK, unit: TASK, runId: run, attempt, trigger, token };
    return this.tell({ type: 'start', ...call, ...(tick !== undefined && { tick }) });
  }

  ends(by: string, run: string, how: 'returned' | 'threw' = 'returned', attempt = 1): this {
    return this.tell({ type: 'end', at: this.now, process: by, task: TASK, runId: run, attempt, how });
  }

  aborted(by: string, run: string, attempt = 1): this {
    return this.tell({ type: 'abort', at: this.now, process: by, task: TASK, runId: run, attempt });
  }

  fault(what: string, process?: string): this {
    return this.tell({ type: 'fault', at: this.now, what, ...(process !== undefined && { process }) });
  }

  heal(what: string, process?: string): this {
    return this.tell({ type: 'heal', at: this.now, what, ...(process !== undefined && { process }) });
  }

  dataLoss(keptUpTo?: number): this {
    return this.tell({ type: 'data-loss', at: this.now, ...(keptUpTo !== undefined && { keptUpTo }) });
  }

  asks(by: string, what: string): this {
    return this.tell({ type: 'ask', at: this.now, id: ++this.questions, process: by, what, task: TASK });
  }

  answered(how: AnswerEntry['how'] = 'done'): this {
    return this.tell({ type: 'answer', at: this.now, id: this.questions, how });
  }

  private tell(entry: LogEntry): this {
    this.log.push(entry);
    return this;
  }
}

export type Telling = (story: Story) => Story;

/** What a checker says of a story: `rule: message`, in order. `end`: it is asked in the end what has not come about. */
export function verdictOn(
  telling: Telling,
  end?: End,
  change: (log: LogEntry[]) => LogEntry[] = (log) => log,
): string[] {
  const checker = new Checker();
  for (const entry of change(telling(new Story()).log)) checker.take(entry);
  if (end) checker.finish(end);
  return checker.violations.map(({ rule, message }) => `${rule}: ${message}`);
}

/** The rules that it breaks, in order. */
export function rulesBroken(telling: Telling, end?: End): string[] {
  return verdictOn(telling, end).map((text) => text.split(':', 1)[0]!);
}

/** A story that breaks a rule, and one that differs in as little as possible and does not. */
export interface Pair {
  what: string;
  sound: Telling;
  broken: Telling;
  /** Words of what is said of the broken one. */
  says: string;
  end?: End;
}

/** The sound story is not complained of; the broken one is, by this rule alone, and it says of what. */
export function judgePair(rule: string, { sound, broken, says, end }: Pair): void {
  expect(verdictOn(sound, end)).toEqual([]);
  const verdict = verdictOn(broken, end);
  expect(new Set(rulesBroken(broken, end))).toEqual(new Set([rule]));
  expect(verdict.filter((text) => text.includes(says))).toHaveLength(1);
  expect(verdict.filter((text) => !text.includes(TASK))).toEqual([]);
}
