import { keys } from '../../../core/registry/keyspace.js';
import { decodeTask, isLive } from '../../../core/task/task-definition.js';
import type { WriteEntry } from '../log.js';
import type { Rule } from '../rule.js';
import type { World } from '../world.js';

const BRINGS_BACK = new Set(['restoreTask', 'putTask', 'addTask']);
/** How long after a step of a clock an instant written by it is not held against anybody. */
const CLOCK_NOTICE_MS = 20_000;

/** What was deleted stays so until somebody asks for it, and what was halted has missed nothing when it goes on. */
export function revival(world: World): Rule {
  const asked = new Map<number, string>();
  const haltedSince = new Map<string, number>();
  return {
    name: 'revival',
    *entry(entry) {
      if (entry.type === 'data-loss') haltedSince.clear();
      if (entry.type === 'ask' && BRINGS_BACK.has(entry.what)) asked.set(entry.id, entry.task);
      if (entry.type === 'answer' && entry.how !== 'unknown') asked.delete(entry.id);
      if (entry.type === 'write' && entry.key.startsWith(keys.tasks)) yield* problems(entry);
    },
  };

  function* problems({ key, value, process, at }: WriteEntry): Iterable<string> {
    const name = key.slice(keys.tasks.length);
    const doc = value === undefined ? undefined : decodeTask(value);
    const before = world.tasks.get(name)?.doc;
    if (!doc || process === undefined) return;
    // after a loss of data a newer version may be written back over an older tombstone
    const wanted = world.lossAt > -Infinity || [...asked.values()].includes(name);
    if (before?.state === 'deleted' && isLive(doc) && !wanted)
      yield `task "${name}" was deleted, and brought back by ${process} without being asked to`;
    if (doc.state !== 'active') {
      if (!haltedSince.has(name)) haltedSince.set(name, at);
      return;
    }
    const since = haltedSince.get(name);
    haltedSince.delete(name);
    if ('at' in doc.definition.schedule) return; // its one tick is what was asked for
    if (since === undefined || doc.since >= since - world.options.clockErrorMs || doc.generation !== before?.generation)
      return;
    if (world.suffers(process, 'clock', CLOCK_NOTICE_MS) || world.suffers(undefined, 'server-clock', CLOCK_NOTICE_MS))
      return;
    yield `task "${name}" goes on with its ticks since ${doc.since}, but was halted from ${since} on`;
  }
}
