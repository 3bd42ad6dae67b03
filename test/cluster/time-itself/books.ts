import type { EpochMs } from '../../../lib/core/common/clock.js';
import type { HistoryRecord, SkipRecord } from '../../../lib/core/common/run.js';
import type { Change } from '../../../lib/core/registry/registry.js';
import type { UnitState } from '../../../lib/core/scheduler/unit-state.js';
import type { TaskDocument } from '../../../lib/core/task/task-definition.js';
import { counted, verdicts, type Verdict } from './expected.js';
import type { Specimen } from './kinds.js';

export const SKIPS = ['coalesced', 'misfire-skipped', 'too-late', 'over-limit', 'overlap', 'data-lost'] as const;

/** What the registry holds of one task. */
export interface Account {
  specimen: Specimen;
  /** When it was added. */
  anchor: EpochMs;
  unit: UnitState;
  history: HistoryRecord[];
}

/** Reads along in the registry: judges every write that settles ticks when it is made, and the history at the end. */
export class Books {
  readonly problems: string[] = [];
  /** Ticks that were settled, with a run or without. */
  ticks = 0;
  /** Writes of units. */
  writes = 0;
  private readonly specimens = new Map<string, Specimen>();
  private readonly docs = new Map<string, TaskDocument>();
  private readonly units = new Map<string, UnitState>();
  /** By task and slot, as written. */
  private readonly records = new Map<string, Map<string, string>>();

  /**
   * @param timeOfWriter the cluster's time as whoever is writing has it
   * @param apartMs so far ahead of it he may be: machines and registry by a millisecond before anybody corrects it
   */
  constructor(
    private readonly timeOfWriter: () => EpochMs,
    private readonly apartMs: readonly number[] = [0, -1, 1],
  ) {}

  expect(specimens: readonly Specimen[]): void {
    for (const specimen of specimens) this.specimens.set(specimen.name, specimen);
  }

  hear(change: Change): void {
    if (change.type !== 'put') return;
    const [, folder, name, slot] = change.entry.key.split('/') as [string, string, string, string?];
    const { value } = change.entry;
    if (folder === 'tasks') this.docs.set(name, JSON.parse(value) as TaskDocument);
    else if (folder === 'units') this.hearUnit(name.split('@')[0]!, JSON.parse(value) as UnitState);
    else if (folder === 'history') {
      const ofUnit = this.records.get(name) ?? new Map<string, string>();
      this.records.set(name, ofUnit.set(slot!, value));
    }
  }

  /** Some run has not come to its end. */
  get isBusy(): boolean {
    return [...this.units.values()].some(({ runs }) => runs.length > 0);
  }

  accounts(): Account[] {
    return [...this.specimens].map(([name, specimen]) => ({
      specimen,
      anchor: this.docs.get(name)!.since,
      unit: this.units.get(name)!,
      history: [...(this.records.get(name)?.values() ?? [])].map((value) => JSON.parse(value) as HistoryRecord),
    }));
  }

  private hearUnit(name: string, after: UnitState): void {
    const before = this.units.get(name);
    const specimen = this.specimens.get(name);
    this.units.set(name, after);
    this.writes++;
    if (!before || !specimen) return;
    const now = this.timeOfWriter();
    const told = toldBy(before, after);
    this.ticks += (told.claimed ? 1 : 0) + Object.values(told.skipped).reduce((sum, count) => sum + count, 0);
    if (after.cursor < before.cursor) this.problems.push(`${name}: the cursor goes back at ${iso(now)}`);
    if (after.cursor === before.cursor && !told.claimed && Object.keys(told.skipped).length === 0) return;
    const { since } = this.docs.get(name)!;
    const found = { settledUpTo: Math.max(before.cursor, since), anchor: since, isBusy: before.runs.length > 0 };
    const right = (at: EpochMs): Verdict[] => verdicts(specimen, { ...found, at });
    if (this.apartMs.some((ms) => right(now + ms).some((verdict) => isSame(verdict, told)))) return;
    const [seen, wanted] = [told, right(now)[0]].map((verdict) => JSON.stringify(verdict));
    this.problems.push(`${name}: at ${iso(now)}, settled up to ${iso(before.cursor)}: ${seen} instead of ${wanted}`);
  }
}

function toldBy(before: UnitState, after: UnitState): Verdict {
  const skipped: Verdict['skipped'] = {};
  for (const reason of SKIPS) {
    const count = (after.counters[reason] ?? 0) - (before.counters[reason] ?? 0);
    if (count !== 0) skipped[reason] = count;
  }
  const fresh = after.runs.filter(({ id, tick }) => tick !== undefined && !before.runs.some((run) => run.id === id));
  if (fresh.length > 1) throw new Error(`one write claims ${fresh.length} ticks`);
  const [claimed] = fresh.map(({ tick, trigger }) => ({ tick: tick!, trigger }));
  return { skipped, ...(claimed && { claimed }) };
}

function isSame(a: Verdict, b: Verdict): boolean {
  const isSameRun = a.claimed?.tick === b.claimed?.tick && a.claimed?.trigger === b.claimed?.trigger;
  return isSameRun && SKIPS.every((reason) => a.skipped[reason] === b.skipped[reason]);
}

export const iso = (at: EpochMs): string => new Date(at).toISOString();

/** What is wrong with an account by itself: every tick up to the cursor is in history, once, and counted. */
export function gapsOf({ specimen: { name, kind }, anchor, unit, history }: Account): string[] {
  const planned = kind.ticks(anchor, unit.cursor, anchor);
  const runs = history.filter((record) => record.kind === 'run').length;
  const problems: string[] = [];
  if (unit.runs.length > 0) problems.push(`${name}: a run is left over`);
  if (runs !== (unit.counters.claimed ?? 0))
    problems.push(`${name}: ${runs} runs in history, ${unit.counters.claimed} counted`);
  let next = 0;
  for (const record of history.sort((a, b) => firstOf(a) - firstOf(b))) {
    const [from, to] = [firstOf(record), record.kind === 'run' ? record.tick! : record.to];
    if (from !== planned[next])
      return [...problems, `${name}: ${isoOr(planned[next])} is to come in history, not ${iso(from)}`];
    const first = next;
    while (next < planned.length && planned[next]! <= to) next++;
    if (record.kind === 'skip' && !isCountOf(record, next - first, kind.isCounted))
      problems.push(`${name}: ${JSON.stringify(record)} is of ${next - first} ticks`);
  }
  if (next < planned.length) problems.push(`${name}: history ends before ${isoOr(planned[next])}`);
  return problems;
}

const firstOf = (record: HistoryRecord): EpochMs => (record.kind === 'run' ? record.tick! : record.from);

const isoOr = (at: EpochMs | undefined): string => (at === undefined ? 'nothing' : iso(at));

function isCountOf({ count, atLeast }: SkipRecord, ticks: number, isCounted: boolean): boolean {
  return atLeast ? !isCounted && count <= ticks && count >= counted(false, ticks) : count === ticks;
}
