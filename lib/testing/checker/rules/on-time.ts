import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** So long a node may take to follow a step of the registry's clock where its messages are late. */
const CORRECTED_MS = 20_000;

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
