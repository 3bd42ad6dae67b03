import type { Counters, UnitState } from '../../../core/scheduler/unit-state.js';
import type { Rule } from '../rule.js';

const GROWING = ['cursor', 'seq', 'claimed'] as const satisfies (keyof UnitState)[];

/** Whatever counts in a unit only grows: cursor, run numbers, counters, backfills, and the version of the task it was touched for. */
export function cursor(): Rule {
  return {
    name: 'cursor',
    *unit({ key, before, after }) {
      if (!before || !after) return;
      for (const name of GROWING) {
        if ((after[name] ?? 0) < (before[name] ?? 0))
          yield `${name} of ${key} went back from ${before[name]} to ${after[name]}`;
      }
      if (BigInt(after.task) < BigInt(before.task))
        yield `${key} was touched for ${before.task} and then for the older ${after.task}`;
      for (const name of Object.keys(before.counters) as (keyof Counters)[]) {
        if ((after.counters[name] ?? 0) < before.counters[name]!)
          yield `counter ${name} of ${key} went back from ${before.counters[name]} to ${after.counters[name] ?? 0}`;
      }
      for (const start of before.started ?? []) {
        if (!after.started?.includes(start)) yield `${key} has forgotten that it has run for ${start}`;
      }
      const [was, is] = [before.backfill, after.backfill];
      if (was && is?.id === was.id && (is.cursor < was.cursor || is.runs < was.runs || (was.endedAt && !is.endedAt)))
        yield `backfill ${was.id} of ${key} went back from ${was.cursor} to ${is.cursor}`;
    },
  };
}
