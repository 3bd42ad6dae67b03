import { decodeNode, isCandidate, type NodeRecord } from '../../core/cluster/node-record.js';
import type { Trigger } from '../../core/common/run.js';
import { bounded } from '../../core/schedule/bounds.js';
import { jittered } from '../../core/schedule/jitter.js';
import { compileSchedule, isOnce } from '../../core/schedule/schedule-spec.js';
import type { Schedule } from '../../core/schedule/schedule.js';
import { decodeUnit, type RunEntry, type UnitState } from '../../core/scheduler/unit-state.js';
import { DEFAULT_POLICIES, type ResolvedPolicies } from '../../core/task/policies.js';
import { decodeTask, type TaskDocument } from '../../core/task/task-definition.js';
import { keys } from '../../core/registry/keyspace.js';
import { Calls } from './calls.js';
import type { LogEntry, WriteEntry } from './log.js';
import { Successes } from './successes.js';
import { Told } from './told.js';
import { newRuns, type UnitChange } from './unit-change.js';

export interface CheckerOptions {
  /** How far the clocks of nodes and witnesses may be apart, in milliseconds. @default 500 */
  clockErrorMs: number;
  /** How long a write may be under way, from the decision to the registry, in milliseconds. @default 5000 */
  writeDelayMs: number;
  /** The cluster's `claimAhead`. @default 100 */
  claimAheadMs: number;
  /** The cluster's session TTL. @default 10000 */
  sessionTtlMs: number;
  /** The cluster's `resync`. @default 30000 */
  resyncMs: number;
  /** How long after the last fault a tick that is due may be unsettled, in milliseconds. @default 25000 */
  settleMs: number;
  /** In quiet a tick starts this long after its instant at most, in milliseconds. @default 1000 */
  promptMs: number;
}

/** So long a node may take to follow a step of the registry's clock where its messages are late. */
export const CORRECTED_MS = 20_000;

/** Reading and writing the sign take a moment each. */
const SIGN_SLACK_MS = 5_000;

const DEFAULTS: CheckerOptions = {
  clockErrorMs: 500,
  writeDelayMs: 5_000,
  claimAheadMs: 100,
  sessionTtlMs: 10_000,
  resyncMs: 30_000,
  settleMs: 25_000,
  promptMs: 1_000,
};

/** One version of a task, as written. */
export interface TaskVersion {
  readonly name: string;
  readonly token: bigint;
  readonly doc: TaskDocument;
  readonly policies: ResolvedPolicies;
  /** Its ticks and when they start: within its bounds, and with its jitter. */
  readonly schedule: Schedule;
}

/** To whom a run was granted, and by which version of its unit. */
export interface Grant {
  unitKey: string;
  process: string | undefined;
  attempt: number;
  at: number;
  /** Token of the version of the task that the unit was touched for. */
  task: string;
}

/** What a run was claimed for in the first place, whoever has taken it over since. */
export interface Origin {
  trigger: Trigger;
  claimedAt: number;
  /** Token of the version of the task it was claimed under. */
  task: string;
  /** The run it was asked for in place of. */
  again?: string;
  /** For a tick of the past: it gives way to none. */
  makesUp?: true;
  /** The backfill it is part of. */
  backfill?: string;
}

/** A life of the cluster, as stored at `life`. */
export interface Life {
  id: string;
  boot: string;
  at: number;
}

/** What a log has told so far, put together: documents, calls of handlers, faults. */
export class World {
  readonly options: CheckerOptions;
  /** By name, the latest version of each task. */
  readonly tasks = new Map<string, TaskVersion>();
  /** By key. */
  readonly units = new Map<string, UnitState>();
  readonly nodes = new Map<string, { record: NodeRecord; since: number }>();
  /** `history/…` and `feed/…` as they stand. */
  readonly records = new Map<string, string>();
  /** By id of the run, as long as the registry keeps its data. */
  readonly grants = new Map<string, Grant>();
  /** How the runs ended that the registry has seen the end of. */
  readonly ended = new Map<string, string>();
  /** What every run was claimed for, by id: it is remembered, whatever the registry loses. */
  readonly origins = new Map<string, Origin>();
  readonly successes = new Successes();
  /** The life of the cluster that the registry knows of. */
  life?: Life;
  readonly calls = new Calls();
  readonly told = new Told();
  /** Every write of the registry is in the log, with who wrote it. */
  watched = false;
  /** Since when nothing has befallen anybody. */
  quietSince = Infinity;
  /** When the registry last lost data. */
  lossAt = -Infinity;
  /** Up to where the nodes have agreed that nothing is made up for, since the registry has lost what it held of it. */
  lostUpTo = -Infinity;
  private lossDepthMs = 0;
  /** Of the entry that is being judged. */
  now = -Infinity;
  private readonly versions = new Map<string, TaskVersion[]>();
  private readonly holders = new Map<string, Set<string>>();
  private readonly faults = new Map<string, Map<string, { since: number; until: number }>>();
  private readonly veterans = new Set<string>();
  private readonly unitWrites = new Map<string, number>();

  constructor(options: Partial<CheckerOptions>) {
    this.options = { ...DEFAULTS, ...options };
  }

  /** The version of the task that has this token. */
  versionOf(task: string, token: string): TaskVersion | undefined {
    return this.versions.get(task)?.find((version) => String(version.token) === token);
  }

  /** The token of the first version of the task, back to which no other had another schedule. */
  sameTicksSince({ name, token, doc }: TaskVersion): bigint {
    const ticks = ticksText(doc);
    let first = token;
    for (const version of (this.versions.get(name) ?? []).toReversed()) {
      if (version.token > token) continue;
      if (version.doc.generation !== doc.generation || ticksText(version.doc) !== ticks) break;
      first = version.token;
    }
    return first;
  }

  /** The versions that somebody who writes under `token` may have known: this one and all since. */
  versionsFrom(task: string, token: string): TaskVersion[] {
    return (this.versions.get(task) ?? []).filter((version) => version.token >= BigInt(token));
  }

  /** Whether the run stood in the version of the unit that has this token. */
  stoodIn(unitKey: string, token: string, runId: string): boolean {
    return this.holders.get(`${unitKey} ${token}`)?.has(runId) ?? false;
  }

  /** When the unit was last written. */
  writtenAt(unitKey: string): number {
    return this.unitWrites.get(unitKey) ?? -Infinity;
  }

  /** Whether this fault befalls the process now, or did within the last milliseconds. */
  suffers(process: string | undefined, what: string, withinMs = 0): boolean {
    const fault = this.faults.get(process ?? '')?.get(what);
    return fault !== undefined && fault.until + withinMs >= this.now;
  }

  /** Whether nothing has befallen anybody for so long. */
  isQuiet(forMs = 0): boolean {
    return this.quietSince <= this.now - forMs;
  }

  /** Whether the run may have been told to end for another one of its task. */
  isReplaceable(task: string, runId: string, since: number): boolean {
    if (!this.versionsFrom(task, '0').some(({ policies }) => policies.overlap === 'replace')) return false;
    if (!this.origins.get(runId)?.makesUp && this.told.isWaitedFor(runId)) return true;
    return this.told.isRunAskedFor(task, since, (who) => this.suffers(who, 'kill'));
  }

  /** Whether the process may take a session for alive that the registry ended before its time, or has lost. */
  trustsInVain(process: string): boolean {
    return this.suffers(process, 'expire') || this.now - this.lossAt < this.options.sessionTtlMs;
  }

  /** Since when a node that could run the task is known to work; `undefined` where there is none. */
  candidateSince(task: string): number | undefined {
    const able = this.candidatesOf(task);
    return able.length > 0 ? Math.min(...able.map(({ since }) => since)) : undefined;
  }

  /** The nodes that could run the task, each with since when it works. */
  candidatesOf(task: string): { record: NodeRecord; since: number }[] {
    const version = this.tasks.get(task);
    if (!version) return [];
    const { doc, policies } = version;
    return [...this.nodes.values()].filter(({ record }) => isCandidate(record, doc.definition, policies));
  }

  /**
   * Whether the process can have known that the registry has lost data: it had claimed something before, and what was
   * lost goes back further than the sign that nodes leave for each other at each resync.
   */
  couldKnowOfLoss(process: string): boolean {
    if (this.suffers(undefined, 'server-clock', 2 * this.options.resyncMs)) return false; // what was lost may lie ahead
    return this.veterans.has(process) && this.lossDepthMs > 2 * this.options.resyncMs + SIGN_SLACK_MS;
  }

  /** What a write does to a unit; `undefined` where it is no unit's. */
  unitChange(entry: WriteEntry): UnitChange | undefined {
    const { key, value } = entry;
    if (!key.startsWith(keys.units)) return undefined;
    const unit = key.slice(keys.units.length, key.lastIndexOf('@'));
    const task = unit.split('#', 1)[0]!;
    const before = this.units.get(key);
    const after = value === undefined ? undefined : decodeUnit(value);
    return { entry, key, unit, task, ...(before && { before }), ...(after && { after }) };
  }

  take(entry: LogEntry, change: UnitChange | undefined): void {
    this.calls.take(entry);
    this.told.take(entry, change);
    if (entry.type === 'write') this.write(entry, change);
    else if (entry.type === 'data-loss') this.forgetAll(entry.at - (entry.keptUpTo ?? -Infinity));
    else if (entry.type === 'fault' || entry.type === 'heal') {
      const ofProcess = this.faults.get(entry.process ?? '') ?? new Map<string, { since: number; until: number }>();
      const since = ofProcess.get(entry.what)?.since ?? entry.at;
      this.quietSince = entry.type === 'heal' && entry.what === 'everything' ? entry.at : this.quietSince;
      if (entry.type === 'fault') this.quietSince = Infinity;
      ofProcess.set(entry.what, { since, until: entry.type === 'fault' ? Infinity : entry.at });
      this.faults.set(entry.process ?? '', ofProcess);
    }
  }

  private write(entry: WriteEntry, change: UnitChange | undefined): void {
    const { key, value, token, process } = entry;
    this.watched ||= process !== undefined;
    if (change) this.writeUnit(change);
    else if (key === keys.life) this.writeLife(value);
    else if (key === keys.cluster) this.noteLoss(value);
    else if (key.startsWith(keys.tasks)) this.writeTask(key.slice(keys.tasks.length), value, token);
    else if (key.startsWith(keys.nodes)) this.writeNode(key.slice(keys.nodes.length), value);
    else if (value === undefined) this.records.delete(key);
    else this.records.set(key, value);
  }

  private writeTask(name: string, value: string | undefined, token: string): void {
    const doc = value === undefined ? undefined : decodeTask(value);
    if (!doc) {
      this.tasks.delete(name);
      return;
    }
    const policies = { ...DEFAULT_POLICIES, ...doc.definition.policies };
    const ticks = bounded(compileSchedule(doc.definition.schedule), policies);
    const { jitterMs } = policies;
    const isSpread = jitterMs !== undefined && !isOnce(doc.definition.schedule);
    const schedule = isSpread ? jittered(ticks, jitterMs, name) : ticks;
    const version: TaskVersion = { name, token: BigInt(token), doc, policies, schedule };
    this.tasks.set(name, version);
    const known = this.versions.get(name);
    if (known) known.push(version);
    else this.versions.set(name, [version]);
  }

  private writeLife(value: string | undefined): void {
    if (value === undefined) delete this.life;
    else this.life = JSON.parse(value) as Life;
  }

  private noteLoss(value: string | undefined): void {
    const { lostUpTo } = JSON.parse(value ?? '{}') as { lostUpTo?: number };
    if (lostUpTo !== undefined) this.lostUpTo = Math.max(this.lostUpTo, lostUpTo);
  }

  private writeNode(id: string, value: string | undefined): void {
    const record = value === undefined ? undefined : decodeNode(value);
    const before = this.nodes.get(id);
    if (!record) this.nodes.delete(id);
    else {
      const same = before?.record.session === record.session && before.record.status === record.status;
      this.nodes.set(id, { record, since: same ? before.since : this.now });
    }
  }

  private writeUnit(change: UnitChange): void {
    const { key, before, after, entry } = change;
    this.unitWrites.set(key, entry.at);
    this.successes.take(change);
    if (!after) {
      this.units.delete(key);
      return;
    }
    this.units.set(key, after);
    if (after.runs.length > 0) this.holders.set(`${key} ${entry.token}`, new Set(after.runs.map(({ id }) => id)));
    for (const run of newRuns(before, after)) {
      const { id, attempt } = run;
      this.grants.set(id, { unitKey: key, process: entry.process, attempt, at: entry.at, task: after.task });
      if (!this.origins.has(id)) this.origins.set(id, originOf(run, after));
    }
    for (const { id } of before?.runs ?? []) {
      if (!after.runs.some((run) => run.id === id))
        this.ended.set(id, after.last?.id === id ? after.last.outcome : '?');
    }
  }

  private forgetAll(depthMs: number): void {
    this.lossDepthMs = depthMs;
    this.lossAt = this.now;
    for (const { process } of this.grants.values()) if (process !== undefined) this.veterans.add(process);
    for (const map of [this.tasks, this.units, this.nodes, this.records, this.versions, this.grants]) map.clear();
    delete this.life;
    this.successes.lose();
    this.calls.disown();
  }
}

/** How many runs of a unit may go on at once. */
export function limitOf({ overlap, maxParallel }: Pick<ResolvedPolicies, 'overlap' | 'maxParallel'>): number {
  return maxParallel ?? (overlap === 'allow' ? Infinity : 1);
}

/** Equal for equal ticks: schedule and bounds, as they are stored. */
export function ticksText({ definition: { schedule, policies } }: TaskDocument): string {
  return JSON.stringify([schedule, policies?.startAt, policies?.endAt]);
}

function originOf({ trigger, claimedAt, again, backfill: makesUp }: RunEntry, { backfill, task }: UnitState): Origin {
  const made = trigger === 'backfill' && backfill && { backfill: backfill.id };
  return { trigger, claimedAt, task, ...(again !== undefined && { again }), ...(makesUp && { makesUp }), ...made };
}

/** Whether the unit has had all the runs that its policies allow; the unit says so itself, which other rules check. */
export function isSpent({ claimed, counters }: UnitState, { doc, policies }: TaskVersion): boolean {
  if (policies.oneShot && claimed !== undefined && claimed > doc.since) return true;
  return policies.maxRuns !== undefined && (counters.claimed ?? 0) >= policies.maxRuns;
}
