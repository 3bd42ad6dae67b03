import type { Rule } from '../rule.js';
import { CORRECTED_MS, type World } from '../world.js';

/** Nothing starts before its tick. */
export function onTime(world: World): Rule {
  return {
    name: 'on-time',
    *start({ unit, tick, at, process, runId }) {
      if (
        tick === undefined ||
        tick - at <= world.options.clockErrorMs ||
        world.suffers(undefined, 'server-clock', CORRECTED_MS)
      )
        return;
      yield `run ${runId} of "${unit}" was started on ${process} ${tick - at} ms before its tick`;
    },
  };
}
