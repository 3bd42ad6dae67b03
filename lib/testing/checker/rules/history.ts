import type { HistoryRecord } from '../../../core/common/run.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

/** History tells of the end of a run what its unit told. */
export function history(world: World): Rule {
  return {
    name: 'history',
    *finish() {
      for (const [key, value] of world.records) {
        if (!key.startsWith('history/')) continue;
        const record = JSON.parse(value) as HistoryRecord;
        const outcome = record.kind === 'run' ? world.ended.get(record.id) : undefined;
        if (record.kind === 'run' && outcome !== undefined && outcome !== record.outcome)
          yield `${key} says that run ${record.id} was ${record.outcome}, its unit that it was ${outcome}`;
      }
    },
  };
}
