import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** A run is settled or taken over by another process only when the session it was claimed under is dead. */
export function recovery(world: World): Rule {
  return {
    name: 'recovery',
    *unit({ key, before, after, entry }) {
      if (!before || !after) return;
      for (const run of before.runs) {
        const now = after.runs.find(({ id }) => id === run.id);
        if (now && now.attempt === run.attempt && now.boot === run.boot) continue;
        const holder = world.grants.get(run.id)?.process;
        if (holder === undefined || holder === entry.process) continue;
        const node = world.nodes.get(run.node);
        if (node?.record.boot !== run.boot) continue;
        const what = now ? `taken over by` : `settled by`;
        if (node.record.session === run.session)
          yield `run ${run.id} of ${key} was ${what} ${entry.process} while the session of ${holder} lived`;
        else if (node.record.status === 'starting' && node.since < world.writtenAt(key) && run.session !== 'released')
          yield `run ${run.id} of ${key} was ${what} ${entry.process} while ${holder} was joining again and about to bind it`;
      }
    },
  };
}
