import type { SkipRecord } from '../common/run.js';
import type { KnownTask } from '../task/catalog.js';
import type { Unit } from '../task/unit.js';
import type { SchedulerContext } from './scheduler-context.js';
import type { SkipTail } from './unit-state.js';

/** Puts settled stretches on record, after the write that settled them went through. */
export function recordSkips(context: SchedulerContext, unit: Unit, task: KnownTask, skips: readonly SkipTail[]): void {
  for (const { seq, ...stretch } of skips) {
    const record: SkipRecord = {
      kind: 'skip',
      task: task.name,
      unit: unit.name,
      ...stretch,
      nodeId: context.node.id,
      at: context.clock.now(),
    };
    context.recorder.record(record, seq);
    context.events.emit('tick.skipped', record);
  }
}
