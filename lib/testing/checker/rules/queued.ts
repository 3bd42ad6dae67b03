import { unitsOf } from '../../../core/task/unit.js';
import type { QueuedTick } from '../../../core/scheduler/unit-state.js';
import { startOf } from '../../../core/schedule/schedule.js';
import type { Rule } from '../rule.js';
import { newRuns, type UnitChange } from '../unit-change.js';
import { isSpent, limitOf, type World } from '../world.js';

type Whole = Required<Pick<UnitChange, 'before' | 'after'>> & UnitChange;

/**
 * A tick waits only behind as many runs as may go on, where the policy says so, and at most one does: the latest. It is
 * then run or skipped, never both and never lost, and no other tick is run before it.
 */
export function queued(world: World): Rule {
  /** By unit: since when its tick has waited with nothing in its way. */
  const freeSince = new Map<string, number>();
  return {
    name: 'queued',
    *unit(change) {
      const { key, before, after, entry } = change;
      const isFree = after?.queued !== undefined && after.runs.length < limitFor(change, after.task);
      if (!isFree) freeSince.delete(key);
      else if (!freeSince.has(key)) freeSince.set(key, entry.at);
      if (!before || !after) return;
      const [was, is] = [before.queued, after.queued];
      const problem = was?.tick === is?.tick ? passedBy(change as Whole) : turned(change as Whole, was, is);
      if (problem) yield `${key}: ${problem}`;
    },
    *finish({ now }) {
      const late = now - world.options.settleMs;
      for (const task of world.tasks.values()) {
        const { name, doc, schedule } = task;
        if (doc.state !== 'active') continue; // when a task may be completed says `max-runs`
        if ((world.candidateSince(name) ?? Infinity) > late || doc.updatedAt > late) continue;
        for (const { key } of unitsOf(name, doc)) {
          const tick = world.units.get(key)?.queued?.tick;
          if (tick === undefined || startOf(schedule, tick) > late || (freeSince.get(key) ?? Infinity) > late) continue;
          yield `tick ${tick} of "${name}" waits for nothing`;
        }
      }
    },
  };

  function limitFor({ task }: UnitChange, token: string): number {
    const limits = world.versionsFrom(task, token).map(({ policies }) => limitOf(policies));
    return limits.length === 0 ? 1 : Math.min(...limits);
  }

  /** The tick that waited goes on waiting: no later one takes its turn. */
  function passedBy({ before, after }: Whole): string | undefined {
    const tick = before.queued?.tick;
    if (tick === undefined) return undefined;
    const later = newRuns(before, after).find(
      (run) => run.attempt === 1 && !run.backfill && run.tick !== undefined && run.tick > tick,
    );
    return later && `run ${later.id} of tick ${later.tick} was claimed, and tick ${tick} went on waiting`;
  }

  /** The tick that waited has had its end, and the one that waits now has had its turn. */
  function turned(change: Whole, was: QueuedTick | undefined, is: QueuedTick | undefined): string | undefined {
    const { before, after, task } = change;
    if (was) {
      const isRun = newRuns(before, after).some(({ tick, backfill }) => tick === was.tick && !backfill);
      const { tail } = after;
      const isNew = tail !== undefined && (tail.seq !== before.tail?.seq || tail.count > before.tail.count);
      const isSkipped = isNew && tail.from <= was.tick && was.tick <= tail.to;
      if (isRun === isSkipped) return `tick ${was.tick} waited, and was ${isRun ? 'both run and skipped' : 'lost'}`;
    }
    if (!is) return undefined;
    if (is.tick <= before.cursor) return `tick ${is.tick} was made to wait, and had had its turn`;
    if (is.tick !== after.cursor) return `tick ${is.tick} was made to wait, and ${after.cursor} had its turn`;
    const versions = world.versionsFrom(task, before.task).filter((version) => !isSpent(before, version));
    const reasons = versions.map(({ policies }): string | undefined => {
      if (policies.overlap !== 'queue' && policies.overlap !== 'replace') return `the policy is ${policies.overlap}`;
      return before.runs.length >= limitOf(policies) ? undefined : 'nothing was in its way';
    });
    return reasons.length === 0 || reasons.includes(undefined)
      ? undefined
      : `tick ${is.tick} was made to wait, but ${reasons.at(-1)}`;
  }
}
