import type { Trigger } from '../../../core/common/run.js';
import { startOf } from '../../../core/schedule/schedule.js';
import { unitsOf } from '../../../core/task/unit.js';
import type { Rule } from '../rule.js';
import { newRuns, type UnitChange } from '../unit-change.js';
import { isSpent, type TaskVersion, type World } from '../world.js';

/** Beginning and end of the quiet time are left out: ticks there may still belong to what was before, or be under way. */
const EDGE_MS = 2_000;

/** Ticks may start so close to each other, where jitter or a union of schedules makes them, that one is in the way of the next. */
const CLOSE_MS = 500;

/** A claim is decided so long before it stands in the registry, and of two ticks that close the second finds it. */
const CLAIM_MS = 100;

/** A run from its claim until the unit is rid of it. */
interface Stay {
  trigger: Trigger;
  tick: number | undefined;
  from: number;
  to: number;
}

/**
 * In quiet, with nothing in its way, every tick starts, and on time. A run of a backfill in its way makes it late, by as much
 * as the run takes; one for a start of the cluster or of a version, or of a tick just before, may make it skip.
 */
export function prompt(world: World): Rule {
  const started = new Map<string, Map<number, number>>();
  const stays = new Map<string, Map<string, Stay>>();
  return {
    name: 'prompt',
    unit: noteStays,
    start({ unit, tick, at, runId }) {
      const { trigger, again } = world.origins.get(runId) ?? {};
      if (tick === undefined || trigger === 'backfill' || again !== undefined) return;
      const ticks = started.get(unit) ?? new Map<number, number>();
      if (!ticks.has(tick)) ticks.set(tick, at);
      started.set(unit, ticks);
    },
    *finish({ now, calmSince }) {
      if (calmSince === undefined) return;
      for (const task of world.tasks.values()) {
        const { name, doc, schedule, policies } = task;
        if (doc.state !== 'active' || policies.oneShot || hasHadItsRuns(task)) continue;
        const able = world.candidateSince(name) ?? Infinity;
        const from = Math.max(Math.max(calmSince, able) + EDGE_MS, doc.since);
        for (let tick = schedule.next(from); tick !== undefined && tick < now - EDGE_MS; tick = schedule.next(tick))
          yield* tickProblems(task, tick, now);
      }
    },
  };

  function* tickProblems({ name, schedule }: TaskVersion, tick: number, now: number): Iterable<string> {
    const due = startOf(schedule, tick);
    if (due >= now - EDGE_MS) return;
    const at = started.get(name)?.get(tick);
    const isRegular = ({ trigger }: Stay): boolean => trigger === 'schedule' || trigger === 'misfire';
    const isClose = (stay: Stay): boolean => stay.tick !== tick && due - startOf(schedule, stay.tick!) < CLOSE_MS;
    const inTheWay = [...(stays.get(name)?.values() ?? [])].filter(
      (stay) => stay.from - CLAIM_MS <= due && due <= stay.to && (!isRegular(stay) || isClose(stay)),
    );
    if (at === undefined) {
      if (inTheWay.every(({ trigger }) => trigger === 'backfill'))
        yield `tick ${tick} of "${name}" did not start, although nothing was in its way`;
      return;
    }
    const free = Math.max(due, ...inTheWay.map(({ to }) => to));
    if (at - free > world.options.promptMs) yield `tick ${tick} of "${name}" started ${at - due} ms late in quiet`;
  }

  function noteStays({ unit, before, after, entry }: UnitChange): void {
    const runs = stays.get(unit) ?? new Map<string, Stay>();
    stays.set(unit, runs);
    for (const { id, trigger, tick } of after ? newRuns(before, after) : []) {
      const origin = world.origins.get(id)?.trigger ?? trigger;
      if (!runs.has(id)) runs.set(id, { trigger: origin, tick, from: entry.at, to: Infinity });
    }
    for (const { id } of before?.runs ?? []) {
      const run = runs.get(id);
      if (run && !after?.runs.some((other) => other.id === id)) run.to = entry.at;
    }
  }

  function hasHadItsRuns(task: TaskVersion): boolean {
    const units = unitsOf(task.name, task.doc).map(({ key }) => world.units.get(key));
    return units.some((unit) => unit !== undefined && isSpent(unit, task));
  }
}
