import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** Beginning and end of the quiet time are left out: ticks there may still belong to what was before, or be under way. */
const EDGE_MS = 2_000;

/** In quiet, with nothing in its way, every tick starts, and on time. */
export function prompt(world: World): Rule {
  const started = new Map<string, Map<number, number>>();
  return {
    name: 'prompt',
    start({ unit, tick, at }) {
      if (tick === undefined) return;
      const ticks = started.get(unit) ?? new Map<number, number>();
      if (!ticks.has(tick)) ticks.set(tick, at);
      started.set(unit, ticks);
    },
    *finish({ now, calmSince }) {
      if (calmSince === undefined) return;
      for (const { name, doc, schedule, policies } of world.tasks.values()) {
        if (doc.state !== 'active' || policies.oneShot) continue;
        const able = world.candidateSince(name) ?? Infinity;
        const from = Math.max(Math.max(calmSince, able) + EDGE_MS, doc.since);
        for (let tick = schedule.next(from); tick !== undefined && tick < now - EDGE_MS; tick = schedule.next(tick)) {
          const at = started.get(name)?.get(tick);
          if (at === undefined) yield `tick ${tick} of "${name}" did not start, although nothing was in its way`;
          else if (at - tick > world.options.promptMs)
            yield `tick ${tick} of "${name}" started ${at - tick} ms late in quiet`;
        }
      }
    },
  };
}
