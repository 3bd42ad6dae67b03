import type { HistoryRecord } from '../../../core/common/run.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** History tells of the end of a run what its unit told. */
export function history(world: World): Rule {
  /** Written by a node that took its session for alive: others may have settled the run. */
  const doubtful = new Set<string>();
  return {
    name: 'history',
    entry(entry) {
      if (entry.type !== 'write' || !entry.key.startsWith('history/')) return;
      if (entry.process !== undefined && world.trustsInVain(entry.process)) doubtful.add(entry.key);
      else doubtful.delete(entry.key);
    },
    *finish() {
      for (const [key, value] of world.records) {
        if (!key.startsWith('history/') || doubtful.has(key)) continue;
        const record = JSON.parse(value) as HistoryRecord;
        const outcome = record.kind === 'run' ? world.ended.get(record.id) : undefined;
        if (record.kind === 'run' && outcome !== undefined && outcome !== record.outcome)
          yield `${key} says that run ${record.id} was ${record.outcome}, its unit that it was ${outcome}`;
      }
    },
  };
}
