import { countTicks } from '../../../core/schedule/ticks.js';
import type { Counters, RunEntry, UnitState } from '../../../core/scheduler/unit-state.js';
import type { Rule } from '../rule.js';
import { regularClaims } from '../unit-change.js';
import { CORRECTED_MS, type TaskVersion, type World } from '../world.js';
import { reasonProblems } from './reasons.js';

const SKIPS = [
  'coalesced',
  'misfire-skipped',
  'too-late',
  'over-limit',
  'overlap',
  'circuit-open',
  'data-lost',
] as const;

/** A write that moves the cursor gives every tick it passes a run, a reason or a place to wait, and the reason is true. */
export function accounted(world: World): Rule {
  return {
    name: 'accounted',
    *unit({ key, task, before, after, entry }) {
      if (!after) return;
      const claims = regularClaims(before, after);
      // who waits has had its turn, and what becomes of it is counted later
      const skips = SKIPS.reduce((sum, reason) => sum + added(reason, before, after), waiting(after) - waiting(before));
      if (!before && after.seq === 0) return; // a unit is born
      if (world.lossAt > -Infinity && !world.versionOf(task, after.task)) return; // under a version that was lost since
      const versions = world.versionsFrom(task, (before ?? after).task);
      if (versions.length === 0) return;
      const verdicts = versions.map((version) => judge(version, { before, after, claims, skips }));
      // what a node settles of a loss it may settle by a version that it alone still knows
      const ofLoss = added('data-lost', before, after) > 0 && entry.at - world.lossAt < world.options.resyncMs;
      if (!verdicts.includes(undefined) && !ofLoss) yield `${key}: ${verdicts.at(-1)}`;
      if (!before || entry.process === undefined || impaired(entry.process)) return;
      const problems = versions.map((version) =>
        reasonProblems(version, { before, after, claims, at: entry.at }, world.options, world.lossAt),
      );
      if (problems.every(({ length }) => length > 0)) yield `${key}: ${problems.at(-1)!.join('; ')}`;
    },
  };

  /** The writer had decided by a wrong clock, or long before it wrote. */
  function impaired(process: string): boolean {
    return (
      world.suffers(undefined, 'server-clock', CORRECTED_MS) ||
      world.suffers(process, 'clock') ||
      world.suffers(process, 'freeze', 2_000)
    );
  }

  function judge(
    { doc, schedule }: TaskVersion,
    {
      before,
      after,
      claims,
      skips,
    }: { before: UnitState | undefined; after: UnitState; claims: RunEntry[]; skips: number },
  ): string | undefined {
    const from = Math.max(before?.cursor ?? 0, doc.since);
    const ran = before ? claims.length : (after.counters.claimed ?? 0);
    if (before && ran !== added('claimed', before, after))
      return `${ran} runs came in, ${added('claimed', before, after)} were counted`;
    if (after.cursor <= from) return ran + skips === 0 ? undefined : `${ran} runs and ${skips} skips without a tick`;
    const { count: planned, atLeast } = countTicks(schedule, from, after.cursor);
    if (planned === ran + skips || (atLeast && planned <= ran + skips)) return undefined;
    return `of ${planned} ticks in (${from}, ${after.cursor}] ${ran} were claimed and ${skips} skipped`;
  }
}

function waiting(state: UnitState | undefined): number {
  return state?.queued ? 1 : 0;
}

function added(name: keyof Counters, before: UnitState | undefined, after: UnitState): number {
  return (after.counters[name] ?? 0) - (before?.counters[name] ?? 0);
}
