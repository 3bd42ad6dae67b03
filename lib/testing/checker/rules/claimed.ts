import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** A handler starts only for a run that was granted to its process and that nobody has settled or taken over since. */
export function claimed(world: World): Rule {
  const granted = new Set<string>();
  return {
    name: 'claimed',
    unit({ before, after, entry }) {
      for (const { id, attempt } of after?.runs ?? []) {
        if (!before?.runs.some((run) => run.id === id && run.attempt === attempt))
          granted.add(`${id} ${entry.process}`);
      }
    },
    *start({ runId, process, unit }) {
      if (!world.watched) return;
      if (!granted.has(`${runId} ${process}`)) {
        yield `run ${runId} of "${unit}" was started on ${process}, which never claimed it`;
        return;
      }
      const grant = world.grants.get(runId);
      if (!grant || world.trustsInVain(process)) return; // lost with the registry's data; or a session that was ended early
      if (!world.units.get(grant.unitKey)) return; // purged: there is nothing any more to overlap with
      if (!world.units.get(grant.unitKey)!.runs.some(({ id }) => id === runId))
        yield `run ${runId} of "${unit}" was started on ${process} after it had been settled as ${world.ended.get(runId)}`;
      else if (grant.process !== process)
        yield `run ${runId} of "${unit}" was started on ${process} after ${grant.process} had taken it over`;
    },
  };
}
